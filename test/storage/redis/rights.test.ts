import { expect } from 'chai';
import { must } from '../../contract/world.js';
import { failureOf } from '../../support/eventually.js';
import { useRedis } from '../../support/redis.js';

describe('a user of Redis without the right to one command', () => {
  const ground = useRedis();
  const as = (user: string) => ground.queue(ground.server.url.replace('://', `://${user}@`));
  const without = (command: string) =>
    ground.raw.call('ACL', 'SETUSER', 'narrow', 'reset', 'on', 'nopass', '~*', '&*', '+@all', `-${command}`);

  // Each is one that a take or a return runs after others.
  for (const command of ['set', 'zadd', 'ltrim', 'hdel', 'unlink', 'get', 'hmget', 'zmscore']) {
    it(`loses no job by taking without ${command}`, async () => {
      await without(command);
      const sound = ground.queue();
      for (const id of ['1', '2', '3']) await sound.push({ id, topic: 'topic', body: 'b' });
      await sound.store.promote();
      const narrow = as('narrow');
      const taken = await narrow.pop('topic').catch((error: unknown) => {
        expect(error).to.include({ code: 'store_refused', exitCode: 69 });
        return undefined;
      });
      const counts = must((await sound.survey()).topics[0]);
      const left = counts.ready + counts.leased;
      expect(left).to.be.at.least(taken ? 2 : 3);
    });
  }

  for (const command of ['hset', 'rpush', 'unlink', 'get', 'pexpireat']) {
    it(`loses no job by giving it back without ${command}`, async () => {
      await without(command);
      const sound = ground.queue();
      await sound.push({ id: '1', topic: 'topic', body: 'b' });
      const { jobs } = await sound.lease('topic', 1, 60_000);
      expect(await failureOf(as('narrow').putBack(jobs))).to.include({ code: 'store_refused' });
      expect((await sound.find('1')).length).to.be.at.least(1);
      await sound.confirm(jobs);
    });
  }
});

describe('a database that Redis does not have', () => {
  const ground = useRedis();

  it('is no other one for requests that are made at the same time', async () => {
    const queue = ground.queue(ground.server.url.replace(/\?.*$/, '') + '?db=99');
    const pushes = Array.from({ length: 20 }, async (_, i) => {
      for (let turn = 0; turn < i; turn += 1) await new Promise(setImmediate);
      return failureOf(queue.push({ topic: 'topic', body: 'b' }));
    });
    for (const push of pushes) expect(await push).to.include({ code: 'store_refused' });
    expect(await ground.raw.dbsize()).to.equal(0);
  });
});

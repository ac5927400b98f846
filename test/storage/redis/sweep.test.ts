import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import { idsOf, drain, LONG_MS, maintainAll, must, SECOND_MS, textOf } from '../../support/jobs.js';
import { useRedis } from '../../support/redis.js';

const TTL_MS = 2 * SECOND_MS;

describe('a daemon on Redis', () => {
  const ground = useRedis({ movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;
  const many = (count: number, stem: string, ttlMs: number, topic = 'topic') =>
    Array.from({ length: count }, (_, i) => ({ id: `${stem}-${i}`, topic, body: 'b', ttlMs }));
  const expire = () => {
    ground.clock.advance(TTL_MS + SECOND_MS);
  };

  /**
   * Steps of a daemon, as many as it does one after the other; how many expired jobs it told of. A new one: it
   * looks for leftovers at once, and then no more than every second.
   */
  async function clear(): Promise<number> {
    const queue = ground.queue();
    let expired = 0;
    for (;;) {
      const step = await queue.maintain();
      expired += step.expired;
      if (!step.more) return expired;
    }
  }

  it('clears expired jobs out of a ready list, says how many, and leaves no key', async () => {
    const queue = ground.queue();
    await queue.pushMany(many(5000, 'short', TTL_MS));
    await maintainAll(queue);
    expire();
    expect(await clear()).to.equal(5000);
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('clears them from between jobs that live, whose order stays', async () => {
    const queue = ground.queue();
    const pushed: string[] = [];
    for (let round = 0; round < 8; round += 1) {
      await queue.pushMany(many(round % 2 === 0 ? 300 : 40, `short-${round}`, TTL_MS));
      await maintainAll(queue);
      const jobs = many(200, `long-${round}`, LONG_MS);
      await queue.pushMany(jobs);
      await maintainAll(queue);
      pushed.push(...jobs.map(({ id }) => id));
    }
    expire();
    expect(await clear()).to.equal(4 * 340);
    expect(await ground.raw.llen(key('ready_queue:topic'))).to.equal(8 * 200);
    expect(await ground.raw.hlen(key('ready_due'))).to.equal(8 * 200);
    expect(idsOf(await drain(queue, 'topic', 500))).to.deep.equal(pushed);
    expect(await queue.pop('topic')).to.be.undefined;
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('clears those that an original daemon made ready, in every topic', async () => {
    const queue = ground.queue();
    for (const topic of ['a', 'b', 'c']) await ground.raw.lpush(key(`ready_queue:${topic}`), '1', '2', '3');
    let expired = 0;
    for (let step = 0; step < 20; step += 1) expired += (await queue.maintain()).expired;
    expect(expired).to.equal(9);
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('takes the second entry of a job out, and entries of jobs that are to come by the pool', async () => {
    const queue = ground.queue();
    await queue.pushMany(many(3, 'ready', LONG_MS));
    await maintainAll(queue);
    await queue.push({ id: 'delayed', topic: 'topic', body: 'b', delayMs: LONG_MS });
    await ground.raw.lpush(key('ready_queue:topic'), 'ready-1', 'delayed', 'ready-0');
    const daemon = ground.queue();
    for (let step = 0; step < 10; step += 1) await daemon.maintain();
    expect(await ground.raw.lrange(key('ready_queue:topic'), '0', '-1')).to.deep.equal([
      'ready-2',
      'ready-1',
      'ready-0',
    ]);
  });

  it('tells of the expired jobs that it cleared while it has other work', async () => {
    const queue = ground.queue();
    await queue.pushMany(many(2000, 'short', TTL_MS, 'other'));
    await maintainAll(queue);
    expire();
    await queue.pushMany(many(6000, 'long', LONG_MS));
    expect(await clear()).to.equal(2000);
    expect(await ground.raw.llen(key('ready_queue:topic'))).to.equal(6000);
  });

  it('leaves notes of jobs that original clients popped no longer than a consumer finds nothing', async () => {
    const queue = ground.queue();
    await queue.pushMany(many(300, 'popped', LONG_MS));
    await maintainAll(queue);
    const popped = await ground.raw.rpop(key('ready_queue:topic'), 300);
    await ground.raw.del(...must(popped ?? undefined).map((id) => key(`job_bucket:${id}`)));
    const consumer = ground.queue();
    expect(await consumer.pop('topic')).to.be.undefined;
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('forgets pauses that are over, of topics that nobody asks for as well', async () => {
    const queue = ground.queue();
    await queue.pause(['over', 'lasting'], { forMs: TTL_MS });
    await queue.pause('lasting');
    expire();
    await clear();
    expect(await ground.raw.hkeys(key('paused'))).to.deep.equal(['lasting']);
  });

  describe('with a key of the wrong type in the place of a ready body', () => {
    async function setAside(queue: Queue): Promise<void> {
      await queue.pushMany(['1', '2', '3'].map((id) => ({ id, topic: 'topic', body: id, ttlMs: LONG_MS })));
      await maintainAll(queue);
      await ground.raw.del(key('job_bucket:1'));
      await ground.raw.set(key('job_bucket:1'), 'a string');
      expect(textOf(await queue.pop('topic'))).to.equal('2');
    }

    it('sets the job aside: the others are delivered, and it is ready again when there is a body', async () => {
      const queue = ground.queue();
      await setAside(queue);
      expect(await ground.raw.hkeys(key('set_aside'))).to.deep.equal(['1']);
      await clear();
      expect(await ground.raw.hkeys(key('set_aside'))).to.deep.equal(['1']);
      await ground.raw.del(key('job_bucket:1'));
      await ground.raw.hset(key('job_bucket:1'), { topic: 'topic', body: 'mended' });
      await clear();
      expect(textOf(await queue.pop('topic'))).to.equal('mended');
      expect(textOf(await queue.pop('topic'))).to.equal('3');
    });

    it('forgets the job when that key is gone', async () => {
      const queue = ground.queue();
      await setAside(queue);
      await ground.raw.del(key('job_bucket:1'));
      expect(textOf(await queue.pop('topic'))).to.equal('3');
      await clear();
      expect(await ground.raw.keys(key('*'))).to.be.empty;
    });
  });
});

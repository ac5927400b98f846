import { expect } from 'chai';
import { LONG_MS, must, promoteAll, textOf } from '../../contract/world.js';
import { tellStory } from '../../../src/output/explain.js';
import { failureOf } from '../../support/eventually.js';
import { useRedis } from '../../support/redis.js';

describe('a key of a wrong type', () => {
  const ground = useRedis();
  const key = (rest: string) => `${ground.prefix}:${rest}`;
  const job = { id: '1', topic: 'topic', body: 'b' };

  it('in the place of a ready list is named by whoever looks at its jobs', async () => {
    const queue = ground.queue();
    await queue.push(job);
    await ground.raw.set(key('ready_queue:topic'), 'a string');
    const says = `"${key('ready_queue:topic')}" holds a string, where a list belongs`;
    const error = await failureOf(queue.list('topic', { limit: 1 }));
    expect(error).to.include({ code: 'store_wrong_type' });
    expect(error.message).to.contain(says);
    const found = must((await queue.find('1'))[0]);
    expect(found.obstacle).to.contain(says);
    expect(tellStory(found, new Date()).join()).to.contain(says).and.to.not.contain('makes it ready');
  });

  for (const [rest, wanted] of [
    ['job_pool', 'zset'],
    ['ready_due', 'hash'],
    ['reserved', 'zset'],
  ] as const) {
    describe(`in the place of ${rest}`, () => {
      it('is named by every call that needs it, and nothing is changed', async () => {
        const queue = ground.queue();
        await ground.raw.set(key(rest), 'a string');
        const calls = [
          ...(rest === 'reserved' ? [] : [() => queue.push(job), () => queue.remove('1')]),
          () => queue.pop('topic'),
          () => queue.store.promote(),
        ];
        for (const call of calls) {
          const error = await failureOf(call());
          expect(error).to.include({ code: 'store_wrong_type', exitCode: 69 });
          expect(error.message).to.contain(`"${key(rest)}" holds a string, where a ${wanted} belongs`);
        }
        expect(await ground.raw.keys(key('*'))).to.deep.equal([key(rest)]);
        expect(await ground.raw.get(key(rest))).to.equal('a string');
      });

      it('is reported by survey, which tells of the rest', async () => {
        const queue = ground.queue();
        await queue.push(job);
        await promoteAll(queue.store);
        await ground.raw.del(key(rest));
        await ground.raw.set(key(rest), 'a string');
        const { topics, problems } = await queue.survey();
        expect(
          problems.filter(({ code }) => code === 'wrong_type').map(({ message }) => message),
        ).to.deep.equal([`The key "${key(rest)}" holds a string, where a ${wanted} belongs`]);
        expect(topics[0]).to.include({ ready: 1 });
      });

      it('makes find and list fail with its name, or do without it', async () => {
        const queue = ground.queue();
        await queue.push(job);
        await promoteAll(queue.store);
        await ground.raw.del(key(rest));
        await ground.raw.set(key(rest), 'a string');
        for (const look of [() => queue.find('1'), () => queue.list('topic', { limit: 10 })]) {
          const answer: unknown = await look().catch((error: unknown) => error);
          if (answer instanceof Error) expect(answer).to.include({ code: 'store_wrong_type', exitCode: 69 });
        }
      });
    });
  }

  describe('in the place of a ready list', () => {
    it('is named to who wants that topic, and others are served', async () => {
      const queue = ground.queue();
      await ground.raw.hset(key('ready_queue:topic'), 'a', 'hash');
      await queue.push(job);
      await queue.push({ ...job, id: '2', topic: 'other' });
      const error = await failureOf(queue.pop('topic'));
      expect(error).to.include({ code: 'store_wrong_type' });
      expect(error.message).to.contain(`"${key('ready_queue:topic')}" holds a hash, where a list belongs`);
      expect(textOf(await queue.pop('other'))).to.equal('b');
      expect((await queue.find('1')).map(({ state }) => state)).to.deep.equal(['due']);
    });

    it('fails a waiting bpop of that topic', async () => {
      const queue = ground.queue();
      await ground.raw.set(key('ready_queue:topic'), 'a string');
      expect(await failureOf(queue.bpop('topic'))).to.include({ code: 'store_wrong_type' });
    });

    it('keeps a job that comes back from a lease safe, until the key is gone', async () => {
      const queue = ground.queue();
      await queue.push(job);
      const { jobs } = await queue.lease('topic', 1, LONG_MS);
      await ground.raw.set(key('ready_queue:topic'), 'a string');
      await queue.putBack(jobs);
      await promoteAll(queue.store);
      expect(await ground.raw.get(key('ready_queue:topic'))).to.equal('a string');
      expect((await queue.find('1')).map(textOf)).to.deep.equal(['b']);
      await ground.raw.del(key('ready_queue:topic'));
      expect(textOf(await queue.bpop('topic', { timeoutMs: 5000 }))).to.equal('b');
    });

    it('lets its jobs be removed and replaced', async () => {
      const queue = ground.queue();
      await queue.push(job);
      await promoteAll(queue.store);
      await ground.raw.del(key('ready_queue:topic'));
      await ground.raw.set(key('ready_queue:topic'), 'a string');
      expect((await queue.push({ ...job, topic: 'other' }, 'replace')).outcome).to.equal('replaced');
      expect(textOf(await queue.pop('other'))).to.equal('b');
      expect(await ground.raw.get(key('ready_queue:topic'))).to.equal('a string');
    });
  });

  describe('in the place of a job', () => {
    it('blocks a push under that id alone, and is left as it is', async () => {
      const queue = ground.queue();
      await ground.raw.set(key('job_bucket:1'), 'a string');
      const receipts = await queue.pushMany([job, { ...job, id: '2' }], 'replace');
      expect(receipts.map(({ outcome }) => outcome)).to.deep.equal(['blocked', 'pushed']);
      expect(await failureOf(queue.push(job))).to.include({ code: 'store_wrong_type' });
      expect(await ground.raw.get(key('job_bucket:1'))).to.equal('a string');
      expect(textOf(await queue.pop('topic'))).to.equal('b');
    });

    it('is passed over by promote and take, counted as stuck, and reported', async () => {
      const queue = ground.queue();
      await ground.raw.zadd(key('job_pool'), '1000', '1');
      await ground.raw.set(key('job_bucket:1'), 'a string');
      await queue.push({ ...job, id: '2' });
      expect(await queue.store.promote()).to.include({ promoted: 1, stuck: 1, expired: 0 });
      expect(textOf(await queue.pop('topic'))).to.equal('b');
      expect((await queue.survey()).problems.map(({ code }) => code)).to.include('wrong_type');
      expect(await ground.raw.zscore(key('job_pool'), '1')).to.equal('1000');
    });

    it('is left as it is when the id is removed in any state', async () => {
      const queue = ground.queue();
      await ground.raw.zadd(key('job_pool'), '1000', '1');
      await ground.raw.set(key('job_bucket:1'), 'a string');
      expect(await queue.removeMany(['1'], 'any')).to.deep.equal([{ removed: true, state: 'dead' }]);
      expect(await ground.raw.get(key('job_bucket:1'))).to.equal('a string');
      expect(await ground.raw.exists(key('job_pool'))).to.equal(0);
    });

    it('is passed over in a ready list', async () => {
      const queue = ground.queue();
      await queue.pushMany([job, { ...job, id: '2', body: 'next' }]);
      await promoteAll(queue.store);
      await ground.raw.del(key('job_bucket:1'));
      await ground.raw.set(key('job_bucket:1'), 'a string');
      expect(textOf(await queue.pop('topic'))).to.equal('next');
      expect(await ground.raw.get(key('job_bucket:1'))).to.equal('a string');
    });
  });

  it('in the place of the daemons does not keep anybody from looking', async () => {
    const queue = ground.queue();
    await ground.raw.set(key('daemons'), 'a string');
    await queue.push({ ...job, delayMs: LONG_MS });
    expect(must((await queue.survey()).topics[0])).to.include({ delayed: 1 });
  });
});

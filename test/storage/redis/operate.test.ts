import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import { failureOf } from '../../support/eventually.js';
import {
  drain,
  HOUR_MS,
  LONG_MS,
  maintainAll,
  MINUTE_MS,
  only,
  SECOND_MS,
  statesOf,
  textOf,
} from '../../support/jobs.js';
import { useRedis } from '../../support/redis.js';
import { OriginalClient, OriginalDaemon } from '../../interop/original.js';

describe('promote, reschedule and edit in Redis', () => {
  const ground = useRedis({ args: ['--maxmemory-policy', 'noeviction'], movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;
  const original = () => new OriginalClient(ground.raw, ground.prefix);
  const daemon = () => new OriginalDaemon(ground.raw, ground.prefix);
  const JOB = { id: '32', topic: 'topic', body: 'b' };
  const find = async (queue: Queue) => only(await queue.find(JOB.id));

  afterEach(async () => {
    await ground.raw.config('SET', 'maxmemory', '0');
  });

  const ACTIONS = {
    promote: async (queue: Queue) => only(await queue.promote([JOB.id])).promoted,
    reschedule: async (queue: Queue) =>
      only(await queue.reschedule([{ id: JOB.id, delayMs: MINUTE_MS }])).rescheduled,
    edit: async (queue: Queue) => (await queue.edit({ id: JOB.id, body: 'edited' })).edited,
  } satisfies Record<string, (queue: Queue) => Promise<boolean>>;

  describe('with original clients', () => {
    it('a promoted job of an original client keeps its ready lifetime, and original clients pop it', async () => {
      const queue = ground.queue();
      await original().push(JOB.id, JOB.topic, JOB.body, 3600, 60);
      const { dueAt, expiresAt } = await find(queue);
      await queue.promote([JOB.id]);
      const job = await find(queue);
      expect(job).to.include({ state: 'ready', attempts: 0 });
      expect(Number(job.expiresAt) - Number(job.dueAt)).to.equal(Number(expiresAt) - Number(dueAt));
      expect(textOf(await original().pop('topic'))).to.equal('b');
      expect(await ground.raw.exists(key('job_pool'))).to.equal(0);
    });

    it('original clients pop promoted jobs first, in their old order', async () => {
      const queue = ground.queue();
      await queue.push({ topic: 'topic', body: 'ready' });
      await maintainAll(queue);
      for (const id of ['1', '2'])
        await queue.push({ id, topic: 'topic', body: id, delayMs: LONG_MS + Number(id) });
      await queue.promote(['2', '1']);
      const popped = [];
      for (let i = 0; i < 3; i += 1) popped.push(textOf(await original().pop('topic')));
      expect(popped).to.deep.equal(['1', '2', 'ready']);
    });

    it('original clients remove and pop a rescheduled job like any other', async () => {
      const queue = ground.queue();
      await queue.push({ ...JOB, delayMs: LONG_MS });
      await queue.reschedule([{ id: JOB.id, delayMs: MINUTE_MS }]);
      expect(await original().remove(JOB.id)).to.be.true;
      await queue.push({ ...JOB, delayMs: LONG_MS });
      await queue.reschedule([{ id: JOB.id, delayMs: SECOND_MS }]);
      ground.clock.advance(2 * SECOND_MS);
      await daemon().tick(Math.floor(ground.clock.now() / 1000));
      expect(textOf(await original().pop('topic'))).to.equal('b');
    });

    it('a job that an original client has popped but not deleted is left alone', async () => {
      const queue = ground.queue();
      await queue.push(JOB);
      await maintainAll(queue);
      await ground.raw.rpop(key('ready_queue:topic'));
      for (const act of Object.values(ACTIONS)) expect(await act(queue)).to.be.false;
      expect(await queue.edit({ id: JOB.id, body: 'edited' })).to.deep.equal({
        edited: false,
        state: undefined,
      });
      expect(await ground.raw.hget(key('job_bucket:32'), 'body')).to.equal('b');
    });

    it('a job that an original daemon made ready can be edited, and a new ready lifetime counts from now', async () => {
      const queue = ground.queue();
      await original().push(JOB.id, JOB.topic, JOB.body, 0);
      await daemon().tick(Math.floor(ground.clock.now() / 1000) + 1);
      ground.clock.stop();
      expect(await queue.edit({ id: JOB.id, body: 'edited', ttlMs: HOUR_MS })).to.deep.equal({
        edited: true,
        state: 'ready',
      });
      const { expiresAt } = await find(queue);
      expect(expiresAt).to.deep.equal(new Date(ground.clock.now() + HOUR_MS));
      expect(textOf(await original().pop('topic'))).to.equal('edited');
    });

    it('a reschedule takes an entry that an original daemon left out of the ready list', async () => {
      const queue = ground.queue();
      await queue.push({ ...JOB, delayMs: LONG_MS });
      await ground.raw.lpush(key('ready_queue:topic'), JOB.id);
      await queue.reschedule([{ id: JOB.id, delayMs: MINUTE_MS }]);
      expect(await original().pop('topic')).to.be.undefined;
      expect(await find(queue)).to.include({ state: 'delayed' });
    });

    it('a promote leaves one entry of a job that an original daemon had put into the ready list before', async () => {
      const queue = ground.queue();
      await queue.push({ ...JOB, delayMs: LONG_MS });
      await ground.raw.lpush(key('ready_queue:topic'), JOB.id);
      await queue.promote([JOB.id]);
      expect(await ground.raw.lrange(key('ready_queue:topic'), 0, -1)).to.deep.equal([JOB.id]);
    });
  });

  it('a job can be edited in a list that is too long for one script', async () => {
    const queue = ground.queue();
    await queue.push(JOB);
    await maintainAll(queue);
    // An entry of 10 kB counts as a hundred short ones, and a script walks at most 250,000 of these.
    const long = 'x'.repeat(10_000);
    const ids = Array.from({ length: 1500 }, (_, i) => `${long}${i}`);
    for (let i = 0; i < ids.length; i += 100) {
      await ground.raw.lpush(key('ready_queue:topic'), ...ids.slice(i, i + 100));
      await ground.raw.rpush(key('ready_queue:topic'), ...ids.slice(i, i + 100));
    }
    expect(await queue.edit({ id: JOB.id, body: 'edited' })).to.deep.equal({ edited: true, state: 'ready' });
    expect(await ground.raw.hget(key('job_bucket:32'), 'body')).to.equal('edited');
    await ground.raw.lrem(key('ready_queue:topic'), 0, JOB.id);
    expect((await queue.edit({ id: JOB.id, body: 'again' })).edited).to.be.false;
  });

  it('a promote reads large bodies in several scripts, and keeps the old order', async () => {
    const queue = ground.queue();
    const ids = Array.from({ length: 8 }, (_, i) => `job ${i}`);
    for (const [i, id] of ids.entries()) {
      await queue.push({ id, topic: 'topic', body: Buffer.alloc(400_000, id), retries: 9 });
      const { jobs } = await queue.reserve({ topics: 'topic', limit: 1, leaseMs: LONG_MS });
      await queue.nack(jobs, { delayMs: LONG_MS + i });
    }
    expect((await queue.promote([...ids].reverse())).every(({ promoted }) => promoted)).to.be.true;
    const got = await drain(queue, 'topic', 2);
    expect(got.map(({ id }) => id.toString())).to.deep.equal(ids);
    expect(got.map(({ attempts, retries }) => [attempts, retries])).to.deep.equal(ids.map(() => [2, 9]));
  });

  it('promote and reschedule work in a full Redis, and edit is refused with store_full', async () => {
    const queue = ground.queue();
    await queue.push({ ...JOB, delayMs: LONG_MS });
    await ground.raw.config('SET', 'maxmemory', '1');
    expect(await failureOf(ACTIONS.edit(queue))).to.include({ code: 'store_full', exitCode: 69 });
    expect(textOf(await find(queue))).to.equal('b');
    expect(await ACTIONS.reschedule(queue)).to.be.true;
    expect(await ACTIONS.promote(queue)).to.be.true;
    expect(textOf(await queue.pop('topic'))).to.equal('b');
  });

  for (const command of ['hset', 'rpush', 'zadd', 'zrem', 'pexpireat', 'lrem', 'hget', 'hdel']) {
    it(`without the right to ${command} none of them loses a job or has it delivered twice`, async () => {
      const sound = ground.queue();
      await ground.raw.call(
        'ACL',
        'SETUSER',
        'narrow',
        ...['reset', 'on', 'nopass', '~*', '&*', '+@all', `-${command}`],
      );
      const narrow = ground.queue(ground.server.url.replace('://', '://narrow@'));
      for (const act of Object.values(ACTIONS)) {
        await sound.push({ ...JOB, delayMs: LONG_MS, retries: 5 }, { onExisting: 'replace' });
        await act(narrow).catch((error: unknown) => {
          expect(error).to.include({ code: 'store_refused' });
        });
        ground.clock.advance(LONG_MS);
        await maintainAll(sound);
        expect(await drain(sound, 'topic')).to.have.length(1);
      }
    });
  }

  it('a ready list of a wrong type keeps a job from being promoted, and is left as it is', async () => {
    const queue = ground.queue();
    await queue.push({ ...JOB, delayMs: LONG_MS });
    await ground.raw.set(key('ready_queue:topic'), 'no list');
    const before = await find(queue);
    expect(await queue.promote([JOB.id])).to.deep.equal([{ promoted: false, state: 'delayed' }]);
    expect(await find(queue)).to.deep.equal(before);
    expect(await ACTIONS.reschedule(queue)).to.be.true;
  });

  it('a key of a wrong type in place of a body is not acted on', async () => {
    const queue = ground.queue();
    await queue.push({ ...JOB, delayMs: LONG_MS });
    await ground.raw.set(key('job_bucket:32'), 'no hash');
    for (const act of Object.values(ACTIONS)) expect(await act(queue)).to.be.false;
    expect(statesOf(await queue.find(JOB.id))).to.deep.equal(['expired']);
  });

  it('a record of a later version in the bucket is refused, and the job is left as it is', async () => {
    const queue = ground.queue();
    await queue.push({ ...JOB, delayMs: LONG_MS, retries: 5 });
    const memo = (await ground.raw.hgetBuffer(key('job_bucket:32'), 'delayer')) ?? Buffer.alloc(0);
    memo[1] = 99;
    await ground.raw.hset(key('job_bucket:32'), 'delayer', memo);
    const before = await ground.raw.dumpBuffer(key('job_pool'));
    for (const act of Object.values(ACTIONS))
      expect(await failureOf(act(queue))).to.include({ code: 'store_too_new' });
    expect(await ground.raw.dumpBuffer(key('job_pool'))).to.deep.equal(before);
    expect(await ground.raw.exists(key('ready_queue:topic'))).to.equal(0);
  });
});

import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import { failureOf } from '../../support/eventually.js';
import {
  areHeld,
  idsOf,
  LONG_MS,
  maintainAll,
  only,
  reserve,
  RETRY_MS,
  statesOf,
  textOf,
} from '../../support/jobs.js';
import { useRedis } from '../../support/redis.js';

describe('a key of a wrong type in Redis', () => {
  const ground = useRedis({ movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;
  const job = { id: '1', topic: 'topic', body: 'b' };

  /** Puts a string in place of a key. */
  async function block(rest: string): Promise<void> {
    await ground.raw.set(key(rest), 'a string');
  }

  async function failsFor(call: Promise<unknown>, rest: string, wanted: string): Promise<void> {
    const error = await failureOf(call);
    expect(error).to.include({ code: 'store_wrong_type', exitCode: 69 });
    expect(error.message).to.contain(`"${key(rest)}" holds a string, where a ${wanted} belongs`);
  }

  const wrongTypes = async (queue: Queue) =>
    (await queue.health()).filter(({ code }) => code === 'wrong_type').map(({ message }) => message);

  const anyLease = `${'0'.repeat(32)}-00000001.1.1.1`;
  type Call = (queue: Queue) => Promise<unknown>;
  const CALLS = {
    push: (queue) => queue.push(job),
    remove: (queue) => queue.remove('1'),
    pop: (queue) => queue.pop('topic'),
    reserve: (queue) => queue.reserve({ topics: 'topic', limit: 1, leaseMs: LONG_MS }),
    release: (queue) => queue.release([anyLease]),
    nack: (queue) => queue.nack([anyLease], {}),
    extend: (queue) => queue.extend([anyLease], LONG_MS),
    requeue: (queue) => queue.requeue(['1']),
    pause: (queue) => queue.pause('topic'),
  } satisfies Record<string, Call>;

  it('in place of a ready list is reported by a scan, which returns the other jobs', async () => {
    const queue = ground.queue();
    await queue.push({ id: 'due later', topic: 'other', body: 'b', delayMs: LONG_MS });
    await queue.push({ id: 'ready', topic: 'other', body: 'b' });
    await maintainAll(queue);
    await block('ready_queue:topic');
    await block('reserved');
    const [found, named]: [string[], string[]] = [[], []];
    for await (const { jobs, problems = [] } of queue.scan()) {
      found.push(...idsOf(jobs));
      named.push(...problems.map(({ code }) => code));
    }
    expect(found).to.have.members(['due later', 'ready']);
    expect(named).to.include('wrong_type');
  });

  it('in place of reserved is reported by an ack of all jobs of a reservation, whose record stays', async () => {
    const queue = ground.queue();
    await queue.push(job);
    const leased = await reserve(queue, 'topic');
    await ground.raw.rename(key('reserved'), key('kept'));
    await block('reserved');
    expect(await failureOf(queue.ack(leased))).to.include({ code: 'store_wrong_type' });
    await ground.raw.rename(key('kept'), key('reserved'));
    expect(await queue.ack(leased)).to.deep.equal([true]);
  });

  for (const [rest, wanted, calls] of [
    ['job_pool', 'zset', ['push', 'remove', 'pop', 'reserve', 'release', 'nack', 'requeue']],
    ['ready_due', 'hash', ['push', 'remove', 'pop', 'reserve', 'release', 'nack']],
    ['reserved', 'zset', ['pop', 'reserve', 'release', 'nack', 'extend']],
    ['dead', 'zset', ['remove', 'nack', 'requeue']],
    ['paused', 'hash', ['pause']],
  ] as const) {
    it(`in place of ${rest} is reported by ${calls.join(', ')}, and nothing is changed`, async () => {
      const queue = ground.queue();
      await block(rest);
      for (const call of calls) await failsFor(CALLS[call](queue), rest, wanted);
      expect(await ground.raw.keys(key('*'))).to.deep.equal([key(rest)]);
      expect(await ground.raw.get(key(rest))).to.equal('a string');
    });

    it(`in place of ${rest} is reported by health, and stats count the rest`, async () => {
      const queue = ground.queue();
      await queue.push(job);
      await maintainAll(queue);
      await ground.raw.del(key(rest));
      await block(rest);
      expect(await wrongTypes(queue)).to.deep.equal([
        `The key "${key(rest)}" holds a string, where a ${wanted} belongs`,
      ]);
      expect(only((await queue.stats()).topics)).to.include({ ready: 1 });
      await queue.stats({ exact: false });
    });

    it(`in place of ${rest} makes find and list fail with store_wrong_type if they read it`, async () => {
      const queue = ground.queue();
      await queue.push(job);
      await maintainAll(queue);
      await ground.raw.del(key(rest));
      await block(rest);
      for (const look of [() => queue.find('1'), async () => (await queue.list('topic')).jobs]) {
        const answer = await look().then(statesOf, (error: unknown) => error);
        if (answer instanceof Error) expect(answer).to.include({ code: 'store_wrong_type', exitCode: 69 });
        else expect(answer).to.deep.equal(['ready']);
      }
    });
  }

  for (const [rest, wanted] of [
    ['job_pool', 'zset'],
    ['ready_due', 'hash'],
    ['reserved', 'zset'],
    ['dead', 'zset'],
  ] as const) {
    it(`in place of ${rest} is reported by maintain, which does what does not need it`, async () => {
      const queue = ground.queue();
      // A dead letter past its time, a lease that has ended, and a job that is due.
      await queue.push({ ...job, id: 'dead' });
      await queue.push({ ...job, id: 'leased', topic: 'other' });
      await queue.nack(await reserve(queue, 'topic'), { dead: true, deadTtlMs: 1 });
      await reserve(queue, 'other', 1, 1);
      await queue.push({ ...job, id: 'due' });
      await ground.raw.del(key(rest));
      await block(rest);
      ground.clock.advance(5);
      const step = await queue.maintain();
      expect(step.wrongTypes).to.deep.equal([{ key: key(rest), wanted, found: 'string' }]);
      expect({ promoted: step.promoted, reclaimed: step.reclaimed, deleted: step.deleted }).to.deep.equal({
        promoted: rest === 'reserved' || rest === 'dead' ? 1 : 0,
        reclaimed: 0,
        deleted: rest === 'dead' ? 0 : 1,
      });
      expect(await ground.raw.get(key(rest))).to.equal('a string');
      await ground.raw.del(key(rest));
      expect((await queue.maintain()).wrongTypes).to.be.undefined;
    });
  }

  it('in place of a ready list is reported by list with the other jobs, and by find as what blocks its jobs', async () => {
    const queue = ground.queue();
    await queue.push(job);
    await block('ready_queue:topic');
    const { jobs, problems = [] } = await queue.list('topic');
    expect(idsOf(jobs)).to.deep.equal(['1']);
    expect(only([...problems])).to.include({ code: 'wrong_type' });
    expect(only([...problems]).message).to.include(`"${key('ready_queue:topic')}" holds a string`);
    expect(only(await queue.find('1'))).to.deep.include({
      state: 'due',
      blockedBy: { type: 'wrong_type', key: key('ready_queue:topic'), found: 'string', wanted: 'list' },
    });
    expect(await wrongTypes(queue)).to.have.length(1);
  });

  it('in place of a ready list makes pops of that topic fail, and other topics are delivered', async () => {
    const queue = ground.queue();
    await block('ready_queue:topic');
    await queue.push(job);
    await queue.push({ ...job, id: '2', topic: 'other' });
    await failsFor(queue.pop('topic'), 'ready_queue:topic', 'list');
    expect(textOf(await queue.pop(['topic', 'other']))).to.equal('b');
    await failsFor(queue.pop(['other', 'topic']), 'ready_queue:topic', 'list');
    expect(await queue.pop('other')).to.be.undefined;
    expect(statesOf(await queue.find('1'))).to.deep.equal(['due']);
  });

  it('in place of a ready list makes a waiting bpop of that topic fail', async () => {
    const queue = ground.queue();
    const waiting = failureOf(queue.bpop(['other', 'topic']));
    await block('ready_queue:topic');
    expect(await waiting).to.include({ code: 'store_wrong_type' });
  });

  for (const [how, comeBack] of [
    ['is released', (queue: Queue, lease: string) => queue.release([lease])],
    ['is nacked', async (queue: Queue, lease: string) => areHeld(await queue.nack([lease], { delayMs: 1 }))],
  ] as const) {
    it(`in place of a ready list keeps a job that ${how} until the key is gone`, async () => {
      const queue = ground.queue();
      await queue.push(job);
      const { lease } = only(await reserve(queue, 'topic'));
      await block('ready_queue:topic');
      expect(await comeBack(queue, lease)).to.deep.equal([true]);
      await maintainAll(queue);
      expect(await ground.raw.get(key('ready_queue:topic'))).to.equal('a string');
      expect((await queue.find('1')).map(textOf)).to.deep.equal(['b']);
      await ground.raw.del(key('ready_queue:topic'));
      ground.clock.advance(RETRY_MS);
      expect(textOf(await queue.bpop('topic', { timeoutMs: 5000 }))).to.equal('b');
    });
  }

  it('in place of a ready list lets its jobs be replaced', async () => {
    const queue = ground.queue();
    await queue.push(job);
    await maintainAll(queue);
    await ground.raw.del(key('ready_queue:topic'));
    await block('ready_queue:topic');
    const replacing = queue.push({ ...job, topic: 'other' }, { onExisting: 'replace' });
    expect((await replacing).outcome).to.equal('replaced');
    expect(textOf(await queue.pop('other'))).to.equal('b');
    expect(await ground.raw.get(key('ready_queue:topic'))).to.equal('a string');
  });

  it('in place of a job refuses a push of that id only, and is left as it is', async () => {
    const queue = ground.queue();
    await block('job_bucket:1');
    const receipts = await queue.pushMany([job, { ...job, id: '2' }], { onExisting: 'replace' });
    expect(receipts.map(({ outcome }) => outcome)).to.deep.equal(['blocked', 'pushed']);
    expect(await failureOf(queue.push(job))).to.include({ code: 'store_wrong_type' });
    expect(await ground.raw.get(key('job_bucket:1'))).to.equal('a string');
    expect(textOf(await queue.pop('topic'))).to.equal('b');
  });

  it('in place of a job is skipped by maintain and pop, counted as stuck, and reported', async () => {
    const queue = ground.queue();
    await ground.raw.zadd(key('job_pool'), '1000', '1');
    await block('job_bucket:1');
    await queue.push({ ...job, id: '2' });
    expect(await queue.maintain()).to.include({ promoted: 1, stuck: 1, expired: 0 });
    expect(textOf(await queue.pop('topic'))).to.equal('b');
    expect((await queue.stats()).problems?.map(({ code }) => code)).to.deep.equal(['wrong_type']);
    expect(await ground.raw.zscore(key('job_pool'), '1')).to.equal('1000');
  });

  it('in place of 300 jobs is skipped, and jobs due behind them are promoted', async () => {
    const queue = ground.queue();
    for (let i = 0; i < 300; i += 1) {
      await ground.raw.zadd(key('job_pool'), '1000', `stuck-${i}`);
      await block(`job_bucket:stuck-${i}`);
    }
    await queue.push(job);
    expect(textOf(await queue.pop('topic'))).to.equal('b');
    await queue.push({ ...job, id: '2' });
    expect(await queue.maintain()).to.include({ promoted: 1, stuck: 300 });
  });

  it('in place of a job is left as it is when the id is removed in any state', async () => {
    const queue = ground.queue();
    await ground.raw.zadd(key('job_pool'), '1000', '1');
    await block('job_bucket:1');
    expect(await queue.removeMany(['1'], { states: 'any' })).to.deep.equal([
      { removed: true, state: 'expired' },
    ]);
    expect(await ground.raw.get(key('job_bucket:1'))).to.equal('a string');
    expect(await ground.raw.exists(key('job_pool'))).to.equal(0);
  });

  it('in place of a job is skipped in a ready list', async () => {
    const queue = ground.queue();
    await queue.pushMany([job, { ...job, id: '2', body: 'next' }]);
    await maintainAll(queue);
    await ground.raw.del(key('job_bucket:1'));
    await block('job_bucket:1');
    expect(textOf(await queue.pop('topic'))).to.equal('next');
    expect(await ground.raw.get(key('job_bucket:1'))).to.equal('a string');
  });

  it('in place of a job makes a nacked job of its id wait until the key is gone', async () => {
    const queue = ground.queue();
    await queue.push(job);
    const jobs = await reserve(queue, 'topic');
    await block('job_bucket:1');
    expect(areHeld(await queue.nack(jobs, { delayMs: 0 }))).to.deep.equal([true]);
    ground.clock.advance(RETRY_MS);
    expect(await queue.pop('topic')).to.be.undefined;
    await ground.raw.del(key('job_bucket:1'));
    ground.clock.advance(RETRY_MS);
    expect(await queue.pop('topic')).to.include({ attempts: 2 });
  });

  it('in place of the record of a reservation ends its leases only', async () => {
    const queue = ground.queue();
    await queue.pushMany([job, { ...job, id: '2' }]);
    const [first, second] = [only(await reserve(queue, 'topic')), only(await reserve(queue, 'topic'))];
    const [token = ''] = first.lease.split('.');
    await ground.raw.del(key(`inflight:${token}`));
    await ground.raw.lpush(key(`inflight:${token}`), 'a list');
    expect(await queue.ack([first, second])).to.deep.equal([false, true]);
    expect(await queue.extend([first], LONG_MS)).to.deep.equal([undefined]);
    expect(await queue.find('1')).to.be.empty;
    ground.clock.advance(2 * LONG_MS);
    expect(await queue.maintain()).to.include({ reclaimed: 0 });
    expect(await ground.raw.lrange(key(`inflight:${token}`), '0', '-1')).to.deep.equal(['a list']);
  });

  it('in place of the dead letters of an id makes a nack as dead fail, and the job stays leased', async () => {
    const queue = ground.queue();
    await queue.push(job);
    const jobs = await reserve(queue, 'topic');
    await block('dead_letter:1');
    const error = await failureOf(queue.nack(jobs, { dead: true }));
    expect(error).to.include({ code: 'store_wrong_type', exitCode: 69 });
    expect(statesOf(await queue.find('1'))).to.deep.equal(['leased']);
    expect(areHeld(await queue.nack(jobs, { delayMs: 0 }))).to.deep.equal([true]);
  });

  it('in place of the waiting jobs of an id makes a release fail, and the job stays leased', async () => {
    const queue = ground.queue();
    await queue.push(job);
    const jobs = await reserve(queue, 'topic');
    await queue.push({ ...job, body: 'duplicate', delayMs: LONG_MS });
    await block('waiting:1');
    const error = await failureOf(queue.release(jobs));
    expect(error).to.include({ code: 'store_wrong_type', exitCode: 69 });
    expect(statesOf(await queue.find('1'))).to.deep.equal(['delayed', 'leased']);
    await ground.raw.del(key('waiting:1'));
    expect(await queue.release(jobs)).to.deep.equal([true]);
  });

  it('in place of the waiting jobs of an id does not keep other jobs from coming back', async () => {
    const queue = ground.queue();
    await queue.pushMany([job, { ...job, id: '2' }]);
    await reserve(queue, 'topic', 1, 1000);
    await reserve(queue, 'topic', 1, 1001);
    await queue.push({ ...job, body: 'duplicate', delayMs: LONG_MS });
    await block('waiting:1');
    ground.clock.advance(RETRY_MS);
    expect(idsOf(await queue.popMany('topic', 10))).to.deep.equal(['2']);
    expect(statesOf(await queue.find('1'))).to.deep.equal(['delayed', 'leased']);
  });

  it('in place of dead letters whose time is over is left as it is', async () => {
    const queue = ground.queue();
    await queue.push(job);
    await queue.nack(await reserve(queue, 'topic'), { dead: true, deadTtlMs: 1000 });
    await ground.raw.del(key('dead_letter:1'));
    await block('dead_letter:1');
    ground.clock.advance(RETRY_MS);
    await queue.maintain().catch(() => undefined);
    expect(await ground.raw.get(key('dead_letter:1'))).to.equal('a string');
    await queue.removeMany(['1'], { states: 'any' }).catch(() => undefined);
    expect(await ground.raw.get(key('dead_letter:1'))).to.equal('a string');
  });

  it('in place of jobs that waited for a duplicate is left as it is', async () => {
    const queue = ground.queue();
    await queue.push(job);
    const jobs = await reserve(queue, 'topic');
    await queue.push({ ...job, body: 'duplicate', delayMs: LONG_MS });
    await queue.release(jobs);
    await ground.raw.del(key('waiting:1'));
    await block('waiting:1');
    ground.clock.advance(RETRY_MS);
    await queue.maintain().catch(() => undefined);
    expect(await ground.raw.get(key('waiting:1'))).to.equal('a string');
    await queue.removeMany(['1'], { states: 'any' }).catch(() => undefined);
    expect(await ground.raw.get(key('waiting:1'))).to.equal('a string');
  });

  it('in place of the daemons does not affect views, and makes an announcement fail', async () => {
    const queue = ground.queue();
    await block('daemons');
    await queue.push({ ...job, delayMs: LONG_MS });
    expect(only((await queue.stats()).topics)).to.include({ delayed: 1 });
    expect((await queue.health()).map(({ code }) => code)).to.include('no_daemon');
    await failsFor(queue.announce('daemon'), 'daemons', 'zset');
  });
});

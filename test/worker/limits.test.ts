import { expect } from 'chai';
import type { DelayerEvent, JobEvent } from '../../src/core/events.js';
import type { LeasedJob } from '../../src/core/job.js';
import type { ReserveParams } from '../../src/core/store.js';
import { monotonicMs } from '../../src/core/timer.js';
import type { Outcome, StopReason } from '../../src/worker/handler.js';
import { printHandler } from '../../src/worker/handlers/print.js';
import { drainFollow } from '../../src/worker/follow.js';
import { drainLoop } from '../../src/worker/loop.js';
import { drainPass } from '../../src/worker/pass.js';
import { StartLimiter } from '../../src/worker/rate.js';
import { eventually } from '../support/eventually.js';
import {
  always,
  countsOf,
  idsOf,
  numbered,
  oneByOne,
  optionsFor,
  push,
  TOPIC,
  useQueue,
  useStandstill,
} from './world.js';

describe('a worker with a handler that can fail', () => {
  const world = useQueue();

  it('each reserve passes the retry policy, the holder and the lock to the store, if they are given', async () => {
    const seen: ReserveParams[] = [];
    const queue = world.queueWith({
      reserve: (params) => {
        seen.push(params);
        return world.store.reserve(params);
      },
    });
    const handler = oneByOne(1, always('done'));
    const retry = { retries: 7, backoff: { firstMs: 10, lastMs: 20 } };
    await drainPass(queue, optionsFor(handler, { retry, holder: 'host:1', lockName: Buffer.from('name') }));
    await drainPass(queue, optionsFor(handler));
    expect(seen[0]?.policy).to.include({ retries: 7 });
    expect(seen[0]).to.include({ holder: 'host:1' });
    expect(seen[0]?.lock?.name.toString()).to.equal('name');
    expect(seen[1]).to.include({ policy: undefined, holder: undefined, lock: undefined });
  });

  it('a job that becomes a dead letter is reported as an event with its reason and attempts', async () => {
    await push(world.queue, ['good', 'bad']);
    const events: DelayerEvent[] = [];
    const outcomes: Record<string, Outcome> = { good: 'done', bad: { dead: true, reason: 'no such order' } };
    const handler = oneByOne(2, (id) => Promise.resolve(outcomes[id] ?? 'release'));
    const onEvent = (event: DelayerEvent) => events.push(event);
    expect(await drainPass(world.queue, optionsFor(handler, { onEvent }))).to.include({
      dead: 1,
      notDone: 1,
    });
    expect(events).to.have.length(1);
    expect(events[0]).to.include({ type: 'job_dead', reason: 'no such order', attempts: 1 });
    expect(idsOf(events as never)).to.deep.equal(['bad']);
  });

  it('jobs that the store buries during a reserve are reported as events', async () => {
    const letter = { id: Buffer.from('a'), topic: Buffer.from('topic'), reason: 'its lease ended 4 times' };
    const queue = world.queueWith({
      reserve: async (params) => ({ ...(await world.store.reserve(params)), buried: [letter] }),
    });
    const events: DelayerEvent[] = [];
    const onEvent = (event: DelayerEvent) => events.push(event);
    await drainPass(queue, optionsFor(oneByOne(1, always('done')), { onEvent }));
    expect(events).to.deep.equal([{ type: 'job_dead', ...letter }]);
  });

  it('onJob is called at the start and the end of each job', async () => {
    await push(world.queue, ['a', 'b', 'c']);
    const outcomes: Record<string, Outcome> = {
      a: 'done',
      b: { retryInMs: 60_000, exitCode: 3 },
      c: 'release',
    };
    const events: JobEvent[] = [];
    const onJob = (event: JobEvent) => events.push(event);
    const handler = oneByOne(1, (id) => Promise.resolve(outcomes[id] ?? 'done'));
    await drainPass(world.queue, optionsFor(handler, { onJob }));
    const eventsOf = (id: string) =>
      events.filter((event) => idsOf(['job' in event ? event.job : event])[0] === id);
    expect(eventsOf('a').map(({ type }) => type)).to.deep.equal(['job_started', 'job_done']);
    expect(eventsOf('b').map(({ type }) => type)).to.deep.equal(['job_started', 'job_retried']);
    expect(eventsOf('c').map(({ type }) => type)).to.deep.equal(['job_started', 'job_released']);
    expect(eventsOf('b')[1]).to.include({ exitCode: 3 });
  });

  it('notDone does not count a job that failed and was done at a retry', async () => {
    await push(world.queue, ['flaky', 'lazy']);
    let tries = 0;
    const handler = oneByOne(1, (id) => {
      tries += 1;
      if (id === 'lazy') return Promise.resolve({ retryInMs: 3_600_000 });
      return Promise.resolve(tries === 1 ? { retryInMs: 0 } : 'done');
    });
    const result = await drainFollow(world.queue, optionsFor(handler, { max: 3 }));
    expect(result).to.include({ done: 1, retried: 2, notDone: 1 });
  });

  it('a lease that the handler itself has ended counts as settled, and its job as not done while it is in the queue', async () => {
    await push(world.queue, ['acked', 'nacked']);
    const handler = {
      ...oneByOne(1, async (id, job) => {
        if (id === 'acked') await world.queue.ack([job]);
        else await world.queue.nack([job], { delayMs: 60_000 });
        return id === 'acked' ? 'done' : {};
      }),
      knowsLeases: true,
    };
    const result = await drainPass(world.queue, optionsFor(handler));
    expect(result).to.include({ settled: 2, done: 0, retried: 0, dead: 0, lateAcks: 0, notDone: 1 });
    expect(await countsOf(world.queue)).to.include({ delayed: 1, leased: 0 });
  });

  it('after --halt failures in a row no more jobs are taken, and those in hand are finished', async () => {
    await push(world.queue, numbered(20));
    const events: DelayerEvent[] = [];
    const outcomes: Outcome[] = [{}, {}, 'done', {}, {}, {}, 'done', 'done'];
    const handler = oneByOne(1, (id) => Promise.resolve(outcomes[Number(id)] ?? 'done'));
    const onEvent = (event: DelayerEvent) => events.push(event);
    const result = await drainPass(world.queue, optionsFor(handler, { halt: 3, onEvent }));
    expect(result).to.include({ done: 1, retried: 5, isHalted: true, isClosed: false });
    expect(events).to.deep.equal([{ type: 'worker_halted', failures: 3 }]);
    expect(await countsOf(world.queue)).to.include({ ready: 14, leased: 0 });
  });

  it('a failure after the handler itself has ended the lease does not count for --halt', async () => {
    await push(world.queue, numbered(6));
    const handler = {
      ...oneByOne(2, async (id, job) => {
        if (id !== '2' && id !== '4') await world.queue.ack([job]);
        return {};
      }),
      knowsLeases: true,
    };
    const options = optionsFor(handler, { halt: 3, retry: { retries: 0 } });
    expect(await drainPass(world.queue, options)).to.include({ settled: 4, dead: 2, isHalted: false });
  });

  it('--halt counts failures in a row over the passes of a loop, and ends it', async () => {
    await push(world.queue, numbered(10));
    const handler = oneByOne(1, always({ retryInMs: 60_000 }));
    const loop = { stepMs: 10, forMs: 20_000 };
    const result = await drainLoop(world.queue, { ...optionsFor(handler, { halt: 3, max: 1 }), ...loop });
    expect(result).to.include({ retried: 3, isHalted: true });
  });

  describe('that is stopped', () => {
    /** A handler whose call waits until it is stopped, notes the reason and returns the outcome. */
    const stoppable = (reasons: (StopReason | undefined)[], outcome: Outcome) => ({
      ...oneByOne(1, always('done')),
      handle: async (
        _: unknown,
        context: { onStop(listener: (reason: StopReason) => void): void; signal: AbortSignal },
      ) => {
        reasons.push(await new Promise<StopReason>((resolve) => context.onStop(resolve)));
        expect(context.signal.aborted).to.equal(true);
        return { outcomes: [outcome] };
      },
    });

    it('a call that exceeds the timeout is stopped with the reason "timeout"', async () => {
      await push(world.queue, ['a']);
      const reasons: StopReason[] = [];
      const handler = stoppable(reasons, { retryInMs: 60_000, reason: 'timed out' });
      expect(await drainPass(world.queue, optionsFor(handler, { timeoutMs: 20 }))).to.include({ retried: 1 });
      expect(reasons).to.deep.equal(['timeout']);
    });

    it('a call whose lease was lost is stopped with the reason "lost"', async () => {
      await push(world.queue, ['a']);
      const reasons: StopReason[] = [];
      const handler = { ...stoppable(reasons, 'done'), knowsLeases: true };
      const draining = drainPass(world.queue, optionsFor(handler, { leaseMs: 1500 }));
      await eventually(async () => (await countsOf(world.queue))?.leased === 1);
      await world.queue.removeMany(['a'], { states: 'any' });
      expect(await draining).to.include({ done: 0, lateAcks: 0, settled: 1 });
      expect(reasons).to.deep.equal(['lost']);
    });

    it('at the second signal calls are stopped with the reason "shutdown", and can release their jobs', async () => {
      await push(world.queue, ['a', 'b']);
      const reasons: StopReason[] = [];
      const [first, second] = [new AbortController(), new AbortController()];
      const options = { signal: first.signal, abort: second.signal };
      const draining = drainPass(world.queue, optionsFor(stoppable(reasons, 'release'), options));
      await eventually(async () => (await countsOf(world.queue))?.leased === 1);
      first.abort();
      expect(reasons).to.be.empty;
      second.abort();
      expect(await draining).to.include({ released: 1 });
      expect(reasons).to.deep.equal(['shutdown']);
      const jobs = await world.queue.popMany('topic', 2);
      expect(jobs.map(({ attempts }) => attempts)).to.deep.equal([1, 1]);
    });
  });

  it('a call can settle the jobs of its batch one by one while it runs, each once', async () => {
    await push(world.queue, ['a', 'b', 'c']);
    const handler = {
      ...{ concurrency: 1, batchSize: 3, prefetch: 'while short' as const },
      handle: async (_: unknown, context: { settle(place: number, outcome: Outcome): boolean }) => {
        expect(context.settle(0, 'done')).to.equal(true);
        expect(context.settle(0, { dead: true })).to.equal(false);
        expect(context.settle(3, 'done')).to.equal(false);
        expect(context.settle(1, { dead: true })).to.equal(true);
        await eventually(async () => (await world.queue.find('a')).length === 0);
        return { outcomes: ['release', 'release', 'done'] as Outcome[] };
      },
    };
    const result = await drainPass(world.queue, optionsFor(handler));
    expect(result).to.include({ done: 2, dead: 1, released: 0, isClosed: false });
  });

  it('a batch is filled to its size from several reservations', async () => {
    await push(world.queue, numbered(7));
    const sizes: number[] = [];
    const queue = world.queueWith({
      reserve: (params) => world.store.reserve({ ...params, limit: Math.min(params.limit, 2) }),
    });
    const handler = {
      ...{ concurrency: 1, batchSize: 5, prefetch: 'while short' as const },
      handle: (jobs: readonly unknown[]) => {
        sizes.push(jobs.length);
        return Promise.resolve({ outcomes: jobs.map(() => 'done' as const) });
      },
    };
    expect(await drainPass(queue, optionsFor(handler))).to.include({ done: 7 });
    expect(sizes).to.deep.equal([5, 2]);
  });

  it('a batch has as many jobs as its bytes allow, and one at least', async () => {
    const sizeOf = [40, 40, 40, 200, 40, 40];
    await world.queue.pushMany(
      sizeOf.map((size, i) => ({ id: `${i}`, topic: TOPIC, body: Buffer.alloc(size) })),
    );
    const batches: string[][] = [];
    const handler = {
      ...{ concurrency: 1, batchSize: 10, batchBytes: 100, prefetch: 'while short' as const },
      handle: (jobs: readonly LeasedJob[]) => {
        batches.push(idsOf(jobs));
        return Promise.resolve({ outcomes: jobs.map(() => 'done' as const) });
      },
    };
    expect(await drainPass(world.queue, optionsFor(handler))).to.include({ done: 6, released: 0 });
    expect(batches).to.deep.equal([['0', '1'], ['2'], ['3'], ['4', '5']]);
  });

  it('jobs that do not fit into a batch are back in the queue after a second, and each is done once', async () => {
    await world.queue.pushMany(['a', 'b', 'c'].map((id) => ({ id, topic: TOPIC, body: Buffer.alloc(60) })));
    const calls: string[][] = [];
    const handler = {
      ...{ concurrency: 1, batchSize: 3, batchBytes: 100, prefetch: 'while short' as const },
      handle: async (jobs: readonly LeasedJob[]) => {
        calls.push(idsOf(jobs));
        if (calls.length === 1) await eventually(async () => (await countsOf(world.queue))?.ready === 2);
        return { outcomes: jobs.map(() => 'done' as const) };
      },
    };
    expect(await drainPass(world.queue, optionsFor(handler))).to.include({ done: 3, released: 2 });
    expect(calls).to.deep.equal([['a'], ['b'], ['c']]);
  });

  it('no more jobs are reserved than fill the calls that may begin, by their bytes', async () => {
    await world.queue.pushMany(numbered(9).map((id) => ({ id, topic: TOPIC, body: Buffer.alloc(60) })));
    let most = 0;
    const queue = world.queueWith({
      reserve: (params) => world.store.reserve({ ...params, limit: Math.min(params.limit, 2) }),
    });
    const handler = {
      ...{ concurrency: 2, batchSize: 9, batchBytes: 100, prefetch: 'while short' as const },
      handle: async (jobs: readonly LeasedJob[]) => {
        most = Math.max(most, (await countsOf(world.queue))?.leased ?? 0);
        return { outcomes: jobs.map(() => 'done' as const) };
      },
    };
    expect(await drainPass(queue, optionsFor(handler))).to.include({ done: 9 });
    expect(most).to.be.within(2, 5);
  });

  it('a job that can never be printed is a dead letter, and those behind it are printed', async () => {
    await push(world.queue, ['a', 'big', 'b']);
    const handler = printHandler((jobs) => {
      const written = idsOf(jobs).indexOf('big');
      return Promise.resolve(written === -1 ? jobs.length : { written, tooLarge: 'too large' });
    });
    expect(await drainPass(world.queue, optionsFor(handler))).to.include({
      done: 2,
      dead: 1,
      isClosed: false,
    });
    expect((await world.queue.find('big'))[0]).to.include({ state: 'dead', reason: 'too large' });
  });

  it('a follower gives a batch that is not full to its handler at once', async () => {
    await push(world.queue, ['a']);
    const ending = new AbortController();
    const handler = {
      ...{ concurrency: 1, batchSize: 5, prefetch: 'while short' as const },
      handle: (jobs: readonly unknown[]) => {
        ending.abort();
        return Promise.resolve({ outcomes: jobs.map(() => 'done' as const) });
      },
    };
    expect(await drainFollow(world.queue, optionsFor(handler, { signal: ending.signal }))).to.include({
      done: 1,
    });
  });
});

describe('the rate at which a worker starts jobs', () => {
  const world = useQueue();
  const standStill = useStandstill();

  it('as many jobs may start at once as the rate says, and each start frees a place after a period', () => {
    const limiter = new StartLimiter({ count: 2, perMs: 1000 });
    expect(limiter.free).to.equal(2);
    limiter.start(1);
    standStill(600);
    limiter.start(1);
    expect(limiter.free).to.equal(0);
    expect(limiter.waitMs).to.be.within(300, 400);
    standStill(400);
    expect(limiter.free).to.equal(1);
    expect(limiter.waitMs).to.equal(0);
    standStill(600);
    expect(limiter.free).to.equal(2);
  });

  it('in any period no more jobs start or are leased than the rate says', async () => {
    await push(world.queue, numbered(7));
    const starts: number[] = [];
    const handler = oneByOne(4, async () => {
      starts.push(monotonicMs());
      expect((await countsOf(world.queue))?.leased).to.be.at.most(2);
      return 'done';
    });
    const rate = { count: 2, perMs: 100 };
    expect(await drainPass(world.queue, optionsFor(handler, { rate }))).to.include({ done: 7 });
    for (const [i, atMs] of starts.slice(2).entries()) expect(atMs - (starts[i] ?? 0)).to.be.at.least(99);
  });

  it('a pass ends when no job is left, and does not wait for the next start', async () => {
    await push(world.queue, numbered(2));
    const rate = { count: 2, perMs: 3_600_000 };
    const options = optionsFor(oneByOne(1, always('done')), { rate });
    expect(await drainPass(world.queue, options)).to.include({ done: 2 });
  });

  it('a pass waits for the next start when a job is left, also one that is to be tried again at once', async () => {
    await push(world.queue, ['a']);
    const ending = new AbortController();
    const left: string[] = [];
    const queue = world.queueWith({
      list: async (params) => {
        const page = await world.store.list(params);
        left.push(...idsOf(page.jobs));
        ending.abort();
        return page;
      },
    });
    const options = { rate: { count: 1, perMs: 3_600_000 }, signal: ending.signal };
    const handler = oneByOne(1, always({ retryInMs: 0 }));
    expect(await drainPass(queue, optionsFor(handler, options))).to.include({ retried: 1, done: 0 });
    expect(left).to.deep.equal(['a']);
  });

  it('the passes of a loop together start no more jobs than the rate says', async () => {
    await push(world.queue, numbered(5));
    const options = optionsFor(oneByOne(1, always('done')), { max: 1, rate: { count: 2, perMs: 3_600_000 } });
    const result = await drainLoop(world.queue, { ...options, stepMs: 10, forMs: 500 });
    expect(result).to.include({ done: 2 });
    expect(await countsOf(world.queue)).to.include({ ready: 3, leased: 0 });
  });

  it('a signal ends the wait for the next start', async () => {
    await push(world.queue, ['a', 'b']);
    const ending = new AbortController();
    const handler = oneByOne(1, () => {
      ending.abort();
      return Promise.resolve('done');
    });
    const options = { rate: { count: 1, perMs: 3_600_000 }, signal: ending.signal };
    expect(await drainPass(world.queue, optionsFor(handler, options))).to.include({ done: 1 });
  });
});

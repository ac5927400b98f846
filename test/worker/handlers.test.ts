import { expect } from 'chai';
import type { Job } from '../../src/core/job.js';
import type { Outcome } from '../../src/worker/handler.js';
import { drainPass } from '../../src/worker/pass.js';
import { drainFollow } from '../../src/worker/follow.js';
import { eventually, failureOf } from '../support/eventually.js';
import {
  always,
  countsOf,
  idsOf,
  numbered,
  oneByOne,
  optionsFor,
  popAll,
  push,
  TOPIC,
  untilAfter,
  useQueue,
} from './world.js';

/** A call of this length (ms) is too long for jobs to be leased ahead. */
const LONG_CALL_MS = 150;

describe('a worker with concurrent handler calls', () => {
  const world = useQueue();

  it('as many handler calls run at once as the handler allows, and each job is handled once', async () => {
    await push(world.queue, numbered(20));
    const ids: string[] = [];
    let [underWay, most] = [0, 0];
    const handler = oneByOne(4, async (id) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await eventually(() => most === 4);
      ids.push(id);
      underWay -= 1;
      return 'done';
    });
    expect(await drainPass(world.queue, optionsFor(handler))).to.include({ done: 20 });
    expect(most).to.equal(4);
    expect([...ids].sort()).to.deep.equal(numbered(20).sort());
  });

  it('the outcomes done, retry and dead of a handler reach the store', async () => {
    await push(world.queue, ['good', 'flaky', 'bad', 'also-bad']);
    const outcomes: Record<string, Outcome> = {
      good: 'done',
      flaky: { retryInMs: 60_000, reason: 'exit code 1' },
      bad: { dead: true, reason: 'exit code 65' },
      'also-bad': { dead: true, reason: 'exit code 65', deadTtlMs: 0 },
    };
    const handler = oneByOne(3, (id) => Promise.resolve(outcomes[id] ?? 'release'));
    expect(await drainPass(world.queue, optionsFor(handler))).to.include({
      done: 1,
      retried: 1,
      dead: 2,
      released: 0,
      isClosed: false,
    });
    expect(await world.queue.find('good')).to.deep.equal([]);
    const [flaky] = await world.queue.find('flaky');
    expect(flaky).to.include({ state: 'delayed', attempts: 1 });
    expect(Number(flaky?.dueAt) - Date.now()).to.be.within(50_000, 60_000);
    const [bad] = await world.queue.find('bad');
    expect(bad).to.include({ state: 'dead', reason: 'exit code 65' });
    expect(bad?.deadUntil).to.be.instanceOf(Date);
    const [alsoBad] = await world.queue.find('also-bad');
    expect(alsoBad).to.include({ state: 'dead' });
    expect(alsoBad?.deadUntil).to.equal(undefined);
    expect(await countsOf(world.queue)).to.include({ delayed: 1, dead: 2, leased: 0, ready: 0 });
  });

  it('a call with several jobs returns an outcome for each, in order', async () => {
    await push(world.queue, numbered(9));
    const sizes: number[] = [];
    const result = await drainPass(
      world.queue,
      optionsFor({
        concurrency: 1,
        batchSize: 5,
        prefetch: 'while short' as const,
        handle: (jobs) => {
          sizes.push(jobs.length);
          return Promise.resolve({
            outcomes: idsOf(jobs).map((id) => (Number(id) % 2 === 0 ? 'done' : { retryInMs: 60_000 })),
          });
        },
      }),
    );
    expect(sizes).to.deep.equal([5, 4]);
    expect(result).to.include({ done: 5, retried: 4 });
    for (const id of ['1', '3', '5', '7']) expect(await world.queue.find(id)).to.have.length(1);
    for (const id of ['0', '2', '4', '6', '8']) expect(await world.queue.find(id)).to.be.empty;
  });

  it('a job is acknowledged as soon as it is done, while others of its reservation are still being handled', async () => {
    await push(world.queue, ['fast', 'slow']);
    const handler = oneByOne(2, async (id) => {
      if (id === 'slow') await eventually(async () => (await world.queue.find('fast')).length === 0);
      return 'done';
    });
    expect(await drainPass(world.queue, optionsFor(handler))).to.include({ done: 2, lateAcks: 0 });
  });

  it('while calls are short, at most as many jobs are leased ahead as calls may run at once', async () => {
    await push(world.queue, numbered(30));
    let most = 0;
    const handler = oneByOne(3, async () => {
      most = Math.max(most, (await countsOf(world.queue))?.leased ?? 0);
      return 'done';
    });
    expect(await drainPass(world.queue, optionsFor(handler))).to.include({ done: 30, released: 0 });
    expect(most).to.be.within(4, 6);
  });

  it('while calls are long, no job is leased that cannot be started at once', async () => {
    await push(world.queue, numbered(6));
    const leased: number[] = [];
    const handler = oneByOne(2, async () => {
      await untilAfter(performance.now(), LONG_CALL_MS);
      leased.push((await countsOf(world.queue))?.leased ?? 0);
      return 'done';
    });
    expect(await drainPass(world.queue, optionsFor(handler))).to.include({ done: 6, released: 0 });
    expect(Math.max(...leased)).to.be.within(1, 2);
  });

  it('with slow acks, no more jobs are leased than the batches in hand hold: an ack is sent before the reserve that refills its place', async () => {
    await push(world.queue, numbered(60));
    let [leased, most, reserves, isDrained] = [0, 0, 0, false];
    const queue = world.queueWith({
      reserve: async (params) => {
        reserves += 1;
        most = Math.max(most, leased + params.limit);
        const reserved = await world.store.reserve(params);
        leased += reserved.jobs.length;
        isDrained = reserved.jobs.length === 0;
        return reserved;
      },
      ack: async (params) => {
        leased -= params.leases.length;
        const before = reserves;
        const held = await world.store.ack(params);
        await eventually(() => isDrained || reserves > before, { everyMs: 1 });
        return held;
      },
    });
    const handler = {
      ...{ concurrency: 2, batchSize: 5, prefetch: 'while short' as const },
      handle: (jobs: readonly Job[]) => Promise.resolve({ outcomes: jobs.map((): Outcome => 'done') }),
    };
    expect(await drainPass(queue, optionsFor(handler))).to.include({ done: 60, released: 0 });
    expect(most).to.equal(10);
  });

  it('a job that was leased ahead and is not started within a second is released for other workers, without counting an attempt', async () => {
    await push(world.queue, ['short', 'long', 'waits']);
    let taken: Job | undefined;
    const handler = oneByOne(1, async (id) => {
      if (id === 'long')
        await eventually(async () => {
          taken = await world.queue.pop(TOPIC);
          return taken !== undefined;
        });
      return 'done';
    });
    const result = await drainPass(world.queue, optionsFor(handler));
    expect(result).to.include({ done: 2, released: 1, notDone: 0 });
    expect(idsOf(taken ? [taken] : [])).to.deep.equal(['waits']);
    expect(taken?.attempts).to.equal(1);
  });

  it('a free call slot gets the next job while another call is still running', async () => {
    await push(world.queue, numbered(10));
    let finished = 0;
    const handler = oneByOne(2, async (id) => {
      if (id === '0') await eventually(() => finished === 9);
      finished += 1;
      return 'done';
    });
    expect(await drainPass(world.queue, optionsFor(handler))).to.include({ done: 10 });
  });

  it('a follower gives a new job to a free call slot while another call is still running', async () => {
    await push(world.queue, ['long']);
    const ending = new AbortController();
    const seen: string[] = [];
    const handler = oneByOne(2, async (id) => {
      seen.push(id);
      if (id === 'long') await eventually(() => seen.includes('later'));
      return 'done';
    });
    const following = drainFollow(world.queue, {
      ...optionsFor(handler, { signal: ending.signal }),
      onEvent: () => undefined,
    });
    await eventually(() => seen.includes('long'));
    await push(world.queue, ['later']);
    await eventually(() => seen.includes('later'));
    ending.abort();
    expect(await following).to.include({ done: 2 });
  });

  it('a call that throws ends the pass and releases its job, and calls that are running finish theirs', async () => {
    await push(world.queue, numbered(5));
    let hasThrown = false;
    const handler = oneByOne(2, async (id) => {
      if (id === '0') {
        await eventually(async () => (await countsOf(world.queue))?.leased === 2);
        hasThrown = true;
        throw new Error('the handler fell over');
      }
      await eventually(() => hasThrown);
      return 'done';
    });
    const failure = await failureOf(drainPass(world.queue, optionsFor(handler)));
    expect(failure.message).to.equal('the handler fell over');
    expect(await popAll(world.queue)).to.deep.equal(['0', '2', '3', '4']);
  });

  it('a handler that throws synchronously ends the pass, and its job is released', async () => {
    await push(world.queue, ['a']);
    const handler = {
      concurrency: 1,
      batchSize: 1,
      prefetch: 'always' as const,
      handle: () => {
        throw new TypeError('a defect');
      },
    };
    expect(await failureOf(drainPass(world.queue, optionsFor(handler)))).to.be.instanceOf(TypeError);
    expect(await popAll(world.queue)).to.deep.equal(['a']);
  });

  it('a handler that rejects with something that is not an Error ends the pass with an Error', async () => {
    await push(world.queue, ['a']);
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- as plain JavaScript may
    const handler = oneByOne(1, () => Promise.reject(undefined));
    expect(await failureOf(drainPass(world.queue, optionsFor(handler)))).to.be.instanceOf(Error);
    expect(await popAll(world.queue)).to.deep.equal(['a']);
  });

  it('a handler that releases a job gets no other one', async () => {
    await push(world.queue, numbered(3));
    let calls = 0;
    const handler = oneByOne(1, () => {
      calls += 1;
      return Promise.resolve('release');
    });
    expect(await drainPass(world.queue, optionsFor(handler))).to.include({ released: 1, isClosed: true });
    expect(calls).to.equal(1);
    expect((await world.queue.popMany('topic', 3)).map(({ attempts }) => attempts)).to.deep.equal([1, 1, 1]);
  });

  it('the outcome of a call that closes the handler still counts, and the other jobs are released', async () => {
    await push(world.queue, numbered(3));
    const result = await drainPass(
      world.queue,
      optionsFor({
        concurrency: 1,
        batchSize: 1,
        prefetch: 'always' as const,
        handle: () => Promise.resolve({ outcomes: ['done'], isClosed: true }),
      }),
    );
    expect(result).to.include({ done: 1, released: 2, isClosed: true });
    expect(await popAll(world.queue)).to.deep.equal(['1', '2']);
  });

  it('failed jobs count towards --max', async () => {
    await push(world.queue, numbered(5));
    const handler = oneByOne(2, always({ retryInMs: 60_000 }));
    expect(await drainPass(world.queue, optionsFor(handler, { max: 3 }))).to.include({ retried: 3 });
    expect(await countsOf(world.queue)).to.include({ ready: 2, delayed: 3 });
  });

  it('failures of a batch with the same delay and reason reach the store with one call', async () => {
    await push(world.queue, numbered(6));
    const calls: number[] = [];
    const queue = world.queueWith({
      nack: (params) => {
        calls.push(params.leases.length);
        return world.store.nack(params);
      },
    });
    await drainPass(
      queue,
      optionsFor({
        concurrency: 1,
        batchSize: 6,
        prefetch: 'while short' as const,
        handle: (jobs) =>
          Promise.resolve({
            outcomes: jobs.map((_, i) => ({ retryInMs: 60_000, reason: i < 4 ? 'one' : 'other' })),
          }),
      }),
    );
    expect(calls).to.deep.equal([4, 2]);
  });

  for (const wrong of [{ concurrency: 0 }, { batchSize: 0 }, { concurrency: 1.5 }]) {
    it(`a handler with ${JSON.stringify(wrong)} is refused as wrong usage`, async () => {
      const handler = { ...oneByOne(1, always('done')), ...wrong };
      expect(await failureOf(drainPass(world.queue, optionsFor(handler)))).to.include({ code: 'usage' });
    });
  }
});

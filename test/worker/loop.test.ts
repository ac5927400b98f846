import { expect } from 'chai';
import type { DelayerEvent } from '../../src/core/events.js';
import type { Queue } from '../../src/core/queue.js';
import type { Handler } from '../../src/worker/handler.js';
import { drainLoop, type LoopOptions } from '../../src/worker/loop.js';
import { eventually, failureOf } from '../support/eventually.js';
import {
  always,
  collector,
  fails,
  idsOf,
  numbered,
  oneByOne,
  optionsFor,
  popAll,
  printing,
  push,
  unreachable,
  untilAfter,
  useQueue,
} from './world.js';

describe('drain --loop', () => {
  const world = useQueue();
  const STEP_MS = 400;
  const AN_HOUR_MS = 3_600_000;

  /** A queue that notes when a pass finds no more jobs, in ms from the start. */
  function timing(): { readonly queue: Queue; readonly passes: number[]; readonly startMs: number } {
    const startMs = performance.now();
    const passes: number[] = [];
    const queue = world.queueWith({
      reserve: async (params) => {
        const reserved = await world.store.reserve(params);
        if (reserved.jobs.length === 0) passes.push(performance.now() - startMs);
        return reserved;
      },
    });
    return { queue, passes, startMs };
  }
  const loop = async (queue: Queue, handler: Handler, more: Partial<LoopOptions> = {}) => {
    const events: DelayerEvent[] = [];
    const sum = await drainLoop(queue, {
      ...optionsFor(handler),
      stepMs: STEP_MS,
      forMs: 3.5 * STEP_MS,
      onEvent: (event) => events.push(event),
      ...more,
    });
    return { sum, events };
  };

  it('a loop makes a pass at 0 and at each step, and none when its window is over', async () => {
    const { queue, passes } = timing();
    await loop(queue, collector().handler);
    expect(passes).to.have.length(4);
    for (const [i, at] of passes.entries()) expect(at).to.be.within(i * STEP_MS - 2, (i + 1) * STEP_MS);
  });

  it('a loop makes one pass when its window is no longer than a step', async () => {
    const { queue, passes } = timing();
    await loop(queue, collector().handler, { forMs: STEP_MS });
    expect(passes).to.have.length(1);
  });

  it('after a pass that takes longer than a step the loop waits for the next step, and passes do not overlap', async () => {
    await push(world.queue, ['a']);
    const { queue, passes, startMs } = timing();
    let inHand = 0;
    const slow = printing(async (jobs) => {
      expect((inHand += 1)).to.equal(1);
      await untilAfter(startMs, 1.3 * STEP_MS);
      inHand -= 1;
      return jobs.length;
    });
    await loop(queue, slow);
    // The first pass ends in the second step, though it finds no more jobs early; passes at 2 and 3 steps follow.
    expect(passes).to.have.length(3);
    for (const [i, step] of [0, 2, 3].entries()) {
      expect(passes[i]).to.be.within(step * STEP_MS - 2, (step + 1) * STEP_MS);
    }
  });

  it('--max applies to each pass, and the result is the sum of all passes', async () => {
    await push(world.queue, numbered(10));
    const { ids, handler } = collector();
    const { sum } = await loop(world.queue, handler, { max: 2 });
    expect(sum).to.include({ done: 8, isClosed: false });
    expect(ids).to.deep.equal(numbered(8));
    expect(await popAll(world.queue)).to.deep.equal(['8', '9']);
  });

  it('after its window a loop reserves and delivers no job, and finishes those in hand', async () => {
    await push(world.queue, numbered(100));
    let isOver = false;
    let reservedAfter = 0;
    const queue = world.queueWith({
      reserve: (params) => {
        if (isOver) reservedAfter += 1;
        return world.store.reserve(params);
      },
    });
    let calls = 0;
    const startMs = performance.now();
    const slow = oneByOne(2, async () => {
      calls += 1;
      // The first pair of calls is slow enough that no job is leased ahead; the second pair outlasts the window.
      if (calls <= 2) await untilAfter(performance.now(), 150);
      else await untilAfter(startMs, 2 * STEP_MS);
      isOver = performance.now() - startMs >= 2 * STEP_MS;
      return 'done';
    });
    const { sum } = await loop(queue, slow, { forMs: STEP_MS });
    expect(calls).to.be.within(2, 4);
    expect(sum).to.include({ done: calls, released: 0, lateAcks: 0 });
    expect(reservedAfter).to.equal(0);
    expect(await popAll(world.queue)).to.have.length(100 - calls);
  });

  it('jobs that are leased ahead when the window ends are released without counting an attempt', async () => {
    await push(world.queue, numbered(300));
    const startMs = performance.now();
    const ids: string[] = [];
    const slow = printing(async (jobs) => {
      await untilAfter(startMs, STEP_MS);
      ids.push(...idsOf(jobs));
      return jobs.length;
    });
    const { sum } = await loop(world.queue, slow, { forMs: STEP_MS });
    expect(sum).to.include({ done: 50, released: 250 });
    expect(ids).to.deep.equal(numbered(50));
    const rest = await world.queue.popMany('topic', 500);
    expect(idsOf(rest)).to.deep.equal(numbered(300).slice(50));
    expect(new Set(rest.map(({ attempts }) => attempts))).to.deep.equal(new Set([1]));
  });

  it('a loop ends when its handler accepts no more', async () => {
    await push(world.queue, numbered(3));
    const { sum } = await loop(world.queue, collector(1).handler, { forMs: AN_HOUR_MS });
    expect(sum).to.include({ done: 1, isClosed: true });
    expect(await popAll(world.queue)).to.deep.equal(['1', '2']);
  });

  it('a loop that is aborted between two passes ends at once', async () => {
    const ending = new AbortController();
    const { queue, passes } = timing();
    const options = { signal: ending.signal, stepMs: AN_HOUR_MS, forMs: 2 * AN_HOUR_MS };
    const looping = loop(queue, collector().handler, options);
    await eventually(() => passes.length === 1);
    ending.abort();
    expect((await looping).sum.done).to.equal(0);
  });

  it('a pass that fails is reported as an event, and the next pass is made', async () => {
    await push(world.queue, ['a']);
    let failures = 1;
    const error = unreachable();
    const queue = world.queueWith({
      reserve: (params) => (failures-- > 0 ? Promise.reject(error) : world.store.reserve(params)),
    });
    const { ids, handler } = collector();
    const { events, sum } = await loop(queue, handler);
    expect(events).to.deep.equal([{ type: 'pass_failed', error }]);
    expect(ids).to.deep.equal(['a']);
    expect(sum).to.include({ done: 1 });
  });

  it('a pass that fails when the window is over is no event, because no pass retries', async () => {
    const startMs = performance.now();
    const error = unreachable();
    const queue = world.queueWith({
      reserve: async () => {
        await untilAfter(startMs, 2 * STEP_MS);
        throw error;
      },
    });
    const events: DelayerEvent[] = [];
    const looping = loop(queue, collector().handler, {
      forMs: 2 * STEP_MS,
      onEvent: (one) => events.push(one),
    });
    expect(await failureOf(looping)).to.equal(error);
    expect(events).to.deep.equal([]);
  });

  it('the sum includes what a pass did before it failed', async () => {
    await push(world.queue, numbered(3));
    let reserves = 0;
    const queue = world.queueWith({
      reserve: (params) => ((reserves += 1) === 3 ? fails()() : world.store.reserve(params)),
    });
    const { sum, events } = await loop(queue, oneByOne(1, always('done')));
    expect(events).to.have.length(1);
    expect(sum).to.include({ done: 3 });
  });

  it('a loop fails when its last pass fails', async () => {
    const queue = world.queueWith({ reserve: fails() });
    expect(await failureOf(loop(queue, collector().handler))).to.include({ code: 'store_unreachable' });
  });

  it('the failure of the last pass is thrown and not reported as an event', async () => {
    const events: DelayerEvent[] = [];
    const more = { forMs: 2.5 * STEP_MS, onEvent: (event: DelayerEvent) => events.push(event) };
    const queue = world.queueWith({ reserve: fails() });
    await failureOf(loop(queue, collector().handler, more));
    expect(events).to.have.length(2);
  });

  it('the sum includes the late acks of all passes', async () => {
    await push(world.queue, numbered(4));
    const queue = world.queueWith({ ack: ({ leases }) => Promise.resolve(leases.map(() => false)) });
    const { sum } = await loop(queue, collector().handler, { max: 1 });
    expect(sum).to.include({ done: 4, lateAcks: 4 });
  });
});

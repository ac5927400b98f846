import { expect } from 'chai';
import type { DelayerEvent } from '../../src/core/events.js';
import type { Queue } from '../../src/core/queue.js';
import type { Handler } from '../../src/worker/handler.js';
import { drainLoop, type LoopOptions } from '../../src/worker/loop.js';
import { failureOf } from '../support/eventually.js';
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

describe('the cron loop of a worker', () => {
  const world = useQueue();
  const STEP_MS = 400;
  const AN_HOUR_MS = 3_600_000;

  /** When passes (of one reservation at most) found that there is no more, in ms from the start. */
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

  it('a loop makes a pass at 0 and at each step, and none when the window is over', async () => {
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

  it('a pass that takes longer than a step is followed by the next one still to come, and none overlap', async () => {
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
    // The first finds early that there is no more and ends in the second step; 2 and 3 steps are still to come.
    expect(passes).to.have.length(3);
    for (const [i, step] of [0, 2, 3].entries()) {
      expect(passes[i]).to.be.within(step * STEP_MS - 2, (step + 1) * STEP_MS);
    }
  });

  it('max counts in each pass, and the result is the sum of the passes', async () => {
    await push(world.queue, numbered(10));
    const { ids, handler } = collector();
    const { sum } = await loop(world.queue, handler, { max: 2 });
    expect(sum).to.include({ done: 8, isClosed: false });
    expect(ids).to.deep.equal(numbered(8));
    expect(await popAll(world.queue)).to.deep.equal(['8', '9']);
  });

  it('nothing is reserved or delivered after the window, and what is in hand is finished', async () => {
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
      // The second pair outlasts the window; and the first is slow enough for none to be leased ahead.
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

  it('what was leased ahead when the window ends is released with no attempt more', async () => {
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
    const looping = loop(world.queue, collector().handler, { signal: ending.signal, forMs: AN_HOUR_MS });
    ending.abort();
    expect((await looping).sum.done).to.equal(0);
  });

  it('a pass that fails is an event, and the next one tries again', async () => {
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

  it('what a pass did before it failed is in the sum', async () => {
    await push(world.queue, numbered(3));
    let reserves = 0;
    const queue = world.queueWith({
      reserve: (params) => ((reserves += 1) === 3 ? fails()() : world.store.reserve(params)),
    });
    const { sum, events } = await loop(queue, oneByOne(1, always('done')));
    expect(events).to.have.length(1);
    expect(sum).to.include({ done: 3 });
  });

  it('a loop fails when its last pass has failed', async () => {
    const queue = world.queueWith({ reserve: fails() });
    expect(await failureOf(loop(queue, collector().handler))).to.include({ code: 'store_unreachable' });
  });

  it('a failure of the last pass is no event, for no other pass tries again', async () => {
    const events: DelayerEvent[] = [];
    const more = { forMs: 2.5 * STEP_MS, onEvent: (event: DelayerEvent) => events.push(event) };
    const queue = world.queueWith({ reserve: fails() });
    await failureOf(loop(queue, collector().handler, more));
    expect(events).to.have.length(2);
  });

  it('late acks of all passes are summed', async () => {
    await push(world.queue, numbered(4));
    const queue = world.queueWith({ ack: ({ leases }) => Promise.resolve(leases.map(() => false)) });
    const { sum } = await loop(queue, collector().handler, { max: 1 });
    expect(sum).to.include({ done: 4, lateAcks: 4 });
  });
});

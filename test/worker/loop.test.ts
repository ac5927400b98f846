import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { DelayerError } from '../../src/core/errors.js';
import { Queue } from '../../src/core/queue.js';
import { drainFollow, drainLoop, type Sink } from '../../src/worker/drain.js';
import { eventually, failureOf } from '../support/eventually.js';
import { changed, collector, never, numbered, push, takeAll, TOPIC, useQueue } from './world.js';

const unreachable = () => new DelayerError('store_unreachable', 'the store is gone');

describe('the cron loop of drain', () => {
  const world = useQueue();
  const STEP_MS = 200;

  /** When passes (of one batch at most) found that there is no more, in ms from the start. */
  function timing(queue: Queue): { readonly queue: Queue; readonly passes: number[] } {
    const start = performance.now();
    const passes: number[] = [];
    const watched = changed(queue.store, {
      take: async (request) => {
        const taken = await queue.store.take(request);
        if (taken.jobs.length === 0) passes.push(performance.now() - start);
        return taken;
      },
    });
    return { queue: new Queue(watched), passes };
  }
  const loop = (
    queue: Queue,
    sink: Sink,
    more: { max?: number; signal?: AbortSignal; forMs?: number } = {},
  ) => {
    const reports: string[] = [];
    const report = (message: string) => reports.push(message);
    const options = { topic: TOPIC, stepMs: STEP_MS, forMs: 3.5 * STEP_MS, signal: never(), sink, report };
    return drainLoop(queue, { ...options, ...more }).then((sum) => ({ sum, reports }));
  };

  it('makes a pass at 0 and at each step, and none when the time is over', async () => {
    const { queue, passes } = timing(world.queue);
    await loop(queue, collector().sink);
    expect(passes).to.have.length(4);
    for (const [i, at] of passes.entries()) expect(at).to.be.within(i * STEP_MS - 2, (i + 1) * STEP_MS);
  });

  it('makes one pass when it lasts no longer than a step', async () => {
    const { queue, passes } = timing(world.queue);
    await loop(queue, collector().sink, { forMs: STEP_MS });
    expect(passes).to.have.length(1);
  });

  it('keeps to the clock of the start when a pass takes longer than a step, and never overlaps', async () => {
    await push(world.queue, ['a']);
    const { queue, passes } = timing(world.queue);
    let inHand = 0;
    const slow: Sink = async (jobs) => {
      expect((inHand += 1)).to.equal(1);
      await sleep(1.3 * STEP_MS);
      inHand -= 1;
      return jobs.length;
    };
    await loop(queue, slow);
    // The first ends in the second step; the passes at 2 and 3 steps are still to come.
    expect(passes).to.have.length(3);
    for (const [i, step] of [0, 2, 3].entries()) {
      expect(passes[i]).to.be.within(step * STEP_MS - 2, (step + 1) * STEP_MS);
    }
  });

  it('takes at most max in each pass, and sums up', async () => {
    await push(world.queue, numbered(10));
    const { ids, sink } = collector();
    const { sum } = await loop(world.queue, sink, { max: 2 });
    expect(sum.drained).to.equal(8);
    expect(ids).to.deep.equal(numbered(8));
    expect(await takeAll(world.queue)).to.deep.equal(['8', '9']);
  });

  it('ends when its sink takes no more', async () => {
    await push(world.queue, numbered(3));
    const { sum } = await loop(world.queue, collector(1).sink, { forMs: 3_600_000 });
    expect(sum).to.include({ drained: 1, closed: true });
    expect(await takeAll(world.queue)).to.deep.equal(['1', '2']);
  });

  it('ends at once when it is aborted between two passes', async () => {
    const ending = new AbortController();
    const looping = loop(world.queue, collector().sink, { signal: ending.signal, forMs: 3_600_000 });
    ending.abort();
    expect((await looping).sum.drained).to.equal(0);
  });

  it('reports a pass that fails, and the next one tries again', async () => {
    await push(world.queue, ['a']);
    let failures = 1;
    const queue = new Queue(
      changed(world.queue.store, {
        take: (request) => {
          if (failures-- > 0) return Promise.reject(unreachable());
          return world.queue.store.take(request);
        },
      }),
    );
    const { ids, sink } = collector();
    const { reports } = await loop(queue, sink);
    expect(reports).to.deep.equal(['the store is gone; the next pass tries again']);
    expect(ids).to.deep.equal(['a']);
  });

  it('fails when the last pass has failed', async () => {
    const queue = new Queue(changed(world.queue.store, { take: () => Promise.reject(unreachable()) }));
    expect(await failureOf(loop(queue, collector().sink))).to.include({ code: 'store_unreachable' });
  });

  it('promises no further try after the last pass', async () => {
    const queue = new Queue(changed(world.queue.store, { take: () => Promise.reject(unreachable()) }));
    const reports: string[] = [];
    const options = { topic: TOPIC, stepMs: 20, forMs: 50, signal: never(), sink: collector().sink };
    await failureOf(drainLoop(queue, { ...options, report: (message) => reports.push(message) }));
    expect(reports).to.have.length(2);
  });

  it('sums up the jobs whose leases were over', async () => {
    await push(world.queue, numbered(4));
    const tooLate = (leases: readonly unknown[]) => Promise.resolve(leases.map(() => false));
    const late = new Queue(changed(world.queue.store, { confirm: tooLate }));
    const { sum } = await loop(late, collector().sink, { max: 1 });
    expect(sum).to.include({ drained: 4, overdue: 4 });
  });
});

describe('a drain that follows', () => {
  const world = useQueue();
  const follow = (queue: Queue, sink: Sink, signal: AbortSignal, reports: string[] = []) =>
    drainFollow(queue, { topic: TOPIC, sink, signal, report: (message) => reports.push(message) });

  it('hands over what comes, until it is aborted', async () => {
    const ending = new AbortController();
    const { ids, sink } = collector();
    const following = follow(world.queue, sink, ending.signal);
    for (const id of ['a', 'b', 'c']) {
      await push(world.queue, [id]);
      await eventually(() => ids.includes(id));
    }
    ending.abort();
    expect((await following).drained).to.equal(3);
  });

  it('fails when the first contact fails', async () => {
    const queue = new Queue(changed(world.queue.store, { take: () => Promise.reject(unreachable()) }));
    expect(await failureOf(follow(queue, collector().sink, never()))).to.include({
      code: 'store_unreachable',
    });
  });

  it('waits for a store that goes away in the middle of the first pass, however long that is', async () => {
    await push(world.queue, numbered(600));
    let calls = 0;
    const queue = new Queue(
      changed(world.queue.store, {
        take: (request) =>
          (calls += 1) === 3 ? Promise.reject(unreachable()) : world.queue.store.take(request),
      }),
    );
    const [ending, { ids, sink }] = [new AbortController(), collector()];
    const following = follow(queue, sink, ending.signal);
    const ended = following.then(
      () => 'by the signal',
      (error: unknown) => error,
    );
    await Promise.race([ended, eventually(() => ids.length === 600)]);
    ending.abort();
    expect(await ended).to.equal('by the signal');
    expect(ids).to.deep.equal(numbered(600));
  });

  it('waits as long as the next job is away, or for a ready one', async () => {
    await world.queue.push({ topic: TOPIC, body: 'b', delayMs: 60_000 });
    const [ending, waits] = [new AbortController(), [] as number[]];
    const queue = new Queue(
      changed(world.queue.store, {
        waitForReady: (_topic, maxMs) => {
          waits.push(maxMs);
          ending.abort();
          return Promise.resolve();
        },
      }),
    );
    await follow(queue, collector().sink, ending.signal);
    expect(waits).to.have.length(1);
    expect(waits[0]).to.be.within(50_000, 60_000);
  });

  it('ends when its sink takes no more', async () => {
    await push(world.queue, numbered(3));
    const pass = await follow(world.queue, collector(1).sink, never());
    expect(pass).to.include({ drained: 1, closed: true });
    expect(await takeAll(world.queue)).to.deep.equal(['1', '2']);
  });

  it('hands over no more than max in all, also when it fails in between', async () => {
    await push(world.queue, numbered(10));
    let confirmed = 0;
    const queue = new Queue(
      changed(world.queue.store, {
        confirm: async (leases) => {
          const held = await world.queue.store.confirm(leases);
          if ((confirmed += 1) === 1) throw unreachable();
          return held;
        },
      }),
    );
    const { ids, sink } = collector();
    let first = true;
    // The first pass ends after four of them.
    const few: Sink = async (jobs) => {
      const count = await sink(first ? jobs.slice(0, 4) : jobs);
      first = false;
      return count;
    };
    await drainFollow(queue, { topic: TOPIC, sink: few, max: 6, signal: never(), report: () => undefined });
    expect(ids).to.deep.equal(numbered(6));
    expect(await takeAll(world.queue)).to.deep.equal(numbered(10).slice(6));
  });

  it('lets a defect out instead of trying for ever', async () => {
    await push(world.queue, ['a']);
    let takes = 0;
    const queue = new Queue(
      changed(world.queue.store, {
        take: (request) =>
          (takes += 1) > 1
            ? Promise.reject(new DelayerError('internal', 'a defect'))
            : world.queue.store.take(request),
      }),
    );
    expect(await failureOf(follow(queue, collector().sink, never()))).to.include({ code: 'internal' });
  });

  it('pauses between its tries, longer each time', async () => {
    await push(world.queue, ['a']);
    const [ending, tries, { ids, sink }] = [new AbortController(), [] as number[], collector()];
    const queue = new Queue(
      changed(world.queue.store, {
        take: (request) => {
          if (ids.length === 0) return world.queue.store.take(request);
          tries.push(performance.now());
          if (tries.length === 3) ending.abort();
          return Promise.reject(unreachable());
        },
        waitForReady: () => sleep(1),
      }),
    );
    await follow(queue, sink, ending.signal);
    expect((tries[1] ?? 0) - (tries[0] ?? 0)).to.be.at.least(24);
    expect((tries[2] ?? 0) - (tries[1] ?? 0)).to.be.at.least(49);
  });

  it('waits for a store that goes away later, and says so once, and when it is back', async () => {
    let away = false;
    const queue = new Queue(
      changed(world.queue.store, {
        take: (request) => (away ? Promise.reject(unreachable()) : world.queue.store.take(request)),
        waitForReady: () => sleep(5),
      }),
    );
    const [ending, reports, { ids, sink }] = [new AbortController(), [] as string[], collector()];
    const following = follow(queue, sink, ending.signal, reports);
    await push(world.queue, ['a']);
    await eventually(() => ids.length === 1);
    away = true;
    await eventually(() => reports.length > 0);
    await sleep(200);
    away = false;
    await push(world.queue, ['b']);
    await eventually(() => ids.length === 2);
    ending.abort();
    await following;
    expect(reports).to.deep.equal([
      'the store is gone; trying again until it works',
      `${queue.store.label} is back`,
    ]);
  });
});

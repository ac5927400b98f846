import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import { DelayerError } from '../../src/core/errors.js';
import type { DelayerEvent } from '../../src/core/events.js';
import { Queue } from '../../src/core/queue.js';
import { DAEMON_SEEN_MS, type Store } from '../../src/core/store.js';
import type { Maintenance } from '../../src/core/results.js';
import { monotonicMs, sleep } from '../../src/core/timer.js';
import { runDaemon } from '../../src/daemon/promoter.js';
import { Progress } from '../../src/daemon/progress.js';
import { eventually, failureOf } from '../support/eventually.js';
import { useRedis } from '../support/redis.js';
import { unhandledDuring } from '../support/unhandled.js';
import { changed, fails, unreachable, useStandstill } from '../worker/world.js';

const NOTHING: Maintenance = {
  promoted: 0,
  expired: 0,
  reclaimed: 0,
  deleted: 0,
  stuck: 0,
  more: false,
};
const NO_TOTALS = { promoted: 0, expired: 0, reclaimed: 0, deleted: 0 };

describe('the daemon', () => {
  const redis = useRedis();
  const standStill = useStandstill();
  const events: DelayerEvent[] = [];
  let ending = new AbortController();
  beforeEach(() => {
    events.length = 0;
    ending = new AbortController();
  });
  /** Waits for pushes for at most 20 ms at a time; a daemon waits up to a second, which would slow the tests down. */
  const queueWith = (methods: Partial<Store>) => {
    const store = redis.open();
    const waitForPush: Store['waitForPush'] = (params) =>
      store.waitForPush({ ...params, maxMs: Math.min(params.maxMs, 20) });
    return new Queue(changed(store, { waitForPush, ...methods }));
  };
  const run = (queue: Queue, intervalMs = 20) =>
    runDaemon(queue, {
      intervalMs,
      name: 'test',
      signal: ending.signal,
      onEvent: (event) => events.push(event),
    });
  const endAtWait = () => {
    ending.abort();
    return Promise.resolve();
  };

  it('the daemon promotes all due jobs in as many steps as that takes, and counts them', async () => {
    const queue = redis.queue();
    await queue.pushMany(Array.from({ length: 3000 }, () => ({ topic: 'topic', body: 'b' })));
    const running = run(redis.queue());
    await eventually(async () => (await redis.raw.llen(`${redis.prefix}:ready_queue:topic`)) === 3000);
    ending.abort();
    expect(await running).to.deep.equal({ ...NO_TOTALS, promoted: 3000 });
    const promoted = events.map((event) => (event.type === 'maintained' ? event.promoted : 0));
    expect(promoted.reduce((sum, one) => sum + one, 0)).to.equal(3000);
    expect(promoted.every((one) => one > 0)).to.be.true;
  });

  it('the totals count expired, reclaimed and deleted jobs of all steps', async () => {
    let steps = 0;
    const queue = queueWith({
      maintain: () =>
        Promise.resolve({ ...NOTHING, expired: 2, reclaimed: 3, deleted: 4, more: (steps += 1) < 3 }),
      waitForPush: endAtWait,
    });
    const totals = await run(queue);
    expect(steps).to.be.at.least(3);
    expect(totals).to.deep.equal({
      ...NO_TOTALS,
      expired: 2 * steps,
      reclaimed: 3 * steps,
      deleted: 4 * steps,
    });
    const step = { type: 'maintained', promoted: 0, expired: 2, reclaimed: 3, deleted: 4 };
    expect(events).to.deep.equal(Array.from({ length: steps }, () => step));
  });

  it('second ready entries left by an original daemon are removed and counted, and reported by one event', async () => {
    const list = `${redis.prefix}:ready_queue:topic`;
    const queue = redis.queue();
    await queue.pushMany(['1', '2', '3'].map((id) => ({ id, topic: 'topic', body: 'b' })));
    await queue.maintain();
    await redis.raw.lpush(list, '1', '2');
    const progress = new Progress();
    const { signal } = ending;
    const onEvent = (event: DelayerEvent) => events.push(event);
    const running = runDaemon(redis.queue(), { intervalMs: 20, name: 'test', signal, progress, onEvent });
    await eventually(() => progress.doubled === 2);
    await redis.raw.lpush(list, '3');
    await eventually(() => progress.doubled === 3);
    ending.abort();
    await running;
    expect((await redis.raw.lrange(list, 0, -1)).reverse()).to.deep.equal(['1', '2', '3']);
    expect(events.filter(({ type }) => type === 'doubled_entries')).to.have.length(1);
  });

  it('the longest pause between two looks is a second, a longer interval, or five seconds where due jobs need no promotion; a watchdog shortens it', async () => {
    const pauseOf = async (needsPromotion: boolean, intervalMs: number, onLookEveryMs?: number) => {
      const progress = new Progress();
      const options = { intervalMs, onLookEveryMs, progress, name: 'test', onEvent: () => undefined };
      await runDaemon(queueWith({ needsPromotion }), { ...options, signal: AbortSignal.abort() });
      return progress.longestPauseMs;
    };
    expect(await pauseOf(true, 20)).to.equal(1000);
    expect(await pauseOf(true, 3000)).to.equal(3000);
    expect(await pauseOf(false, 20)).to.equal(5000);
    expect(await pauseOf(false, 20, 500)).to.equal(500);
  });

  it('a step that moves nothing emits no event', async () => {
    await run(queueWith({ maintain: () => Promise.resolve(NOTHING), waitForPush: endAtWait }));
    expect(events).to.be.empty;
  });

  it('the daemon is announced in the store while it runs, and no longer', async () => {
    const running = run(redis.queue());
    await eventually(async () => (await redis.raw.zcard(`${redis.prefix}:daemons`)) === 1);
    ending.abort();
    await running;
    expect(await redis.raw.exists(`${redis.prefix}:daemons`)).to.equal(0);
  });

  it('onReady is called once, after the first contact with the store', async () => {
    const calls: string[] = [];
    let waits = 0;
    const queue = queueWith({
      announce: () => {
        calls.push('announce');
        return Promise.resolve();
      },
      maintain: () => {
        calls.push('maintain');
        return Promise.resolve(NOTHING);
      },
      waitForPush: () => ((waits += 1) < 2 ? Promise.resolve() : endAtWait()),
    });
    const onReady = () => calls.push('ready');
    const { signal } = ending;
    await runDaemon(queue, { intervalMs: 20, name: 'test', signal, onReady, onEvent: () => undefined });
    expect(calls).to.deep.equal(['announce', 'ready', 'maintain', 'maintain']);
  });

  /** The daemon's waits for pushes, after steps that take `tookMs` and return these `nextInMs`. */
  async function waitsAfter(answers: readonly (number | undefined)[], tookMs: number) {
    const waits: { maxMs: number; pollMs: number | undefined }[] = [];
    const queue = queueWith({
      maintain: async () => {
        const begun = monotonicMs();
        while (monotonicMs() - begun < tookMs) await setImmediate();
        return { ...NOTHING, nextInMs: answers[waits.length] };
      },
      waitForPush: ({ maxMs, pollMs }) => {
        waits.push({ maxMs, pollMs });
        if (waits.length === answers.length) ending.abort();
        return Promise.resolve();
      },
    });
    await run(queue, 50);
    return waits;
  }

  it('the daemon waits for pushes until the next job is due, at most a second, and polls at its interval where it is not notified', async () => {
    const waits = await waitsAfter([60_000, 900, undefined, 0], 0);
    expect(waits.map(({ pollMs }) => pollMs)).to.deep.equal([50, 50, 50, 50]);
    const [far, near, never, now] = waits.map(({ maxMs }) => maxMs);
    expect([far, never]).to.deep.equal([1000, 1000]);
    expect(near).to.be.within(0, 900);
    expect(now).to.be.within(0, 2);
  });

  it('the time until the next job is due counts from the request, not from its answer', async () => {
    const [wait, over] = await waitsAfter([700, 20], 30);
    expect(wait?.maxMs).to.be.within(0, 670);
    expect(over?.maxMs).to.equal(0);
  });

  it('the daemon fails when its first contact with the store fails', async () => {
    const queue = queueWith({ announce: fails(), maintain: fails() });
    expect(await failureOf(run(queue))).to.include({ code: 'store_unreachable' });
  });

  it('with waitsForStore the daemon repeats its first contact until it succeeds, and is ready then', async () => {
    const order: string[] = [];
    let tries = 0;
    const error = unreachable();
    const queue = queueWith({
      announce: () => ((tries += 1) < 4 ? Promise.reject(error) : Promise.resolve()),
      maintain: () => Promise.resolve(NOTHING),
      waitForPush: endAtWait,
    });
    await runDaemon(queue, {
      intervalMs: 20,
      name: 'test',
      signal: ending.signal,
      waitsForStore: true,
      onReady: () => order.push('ready'),
      onLook: () => order.push('look'),
      onEvent: ({ type }) => order.push(type),
    });
    expect(order).to.deep.equal(['store_lost', 'look', 'look', 'look', 'ready', 'look', 'store_back']);
  });

  it('with waitsForStore a defect at the first contact ends the daemon', async () => {
    const defect = new DelayerError('internal', 'a defect');
    const queue = queueWith({ announce: () => Promise.reject(defect) });
    const { signal } = ending;
    const options = { intervalMs: 20, name: 'test', signal, waitsForStore: true };
    expect(await failureOf(runDaemon(queue, { ...options, onEvent: () => undefined }))).to.equal(defect);
  });

  it('an outage is reported by one event when it begins and one when it is over, however many retries it takes', async () => {
    const store = redis.open();
    const error = new DelayerError('outcome_unknown', 'the store is gone');
    let [steps, isAway] = [0, false];
    const queue = new Queue(
      changed(store, {
        maintain: () => {
          steps += 1;
          return isAway ? Promise.reject(error) : store.maintain();
        },
      }),
    );
    const running = run(queue);
    await eventually(() => steps > 0);
    isAway = true;
    const before = steps;
    await eventually(() => steps > before + 2);
    isAway = false;
    await eventually(() => events.length === 2);
    ending.abort();
    await running;
    expect(events).to.deep.equal([
      { type: 'store_lost', store: queue.label, error },
      { type: 'store_back', store: queue.label },
    ]);
  });

  it('the pause between retries grows during an outage', async () => {
    const tries: number[] = [];
    let steps = 0;
    const failing = [3, 4, 5, 7];
    const queue = queueWith({
      maintain: () => {
        steps += 1;
        if (!failing.includes(steps)) return Promise.resolve(NOTHING);
        tries.push(performance.now());
        return Promise.reject(unreachable());
      },
      waitForPush: () => {
        if (steps > 7) ending.abort();
        return sleep(1);
      },
    });
    await run(queue);
    expect(events.map(({ type }) => type)).to.deep.equal([
      'store_lost',
      'store_back',
      'store_lost',
      'store_back',
    ]);
    expect((tries[1] ?? 0) - (tries[0] ?? 0)).to.be.at.least(24);
    expect((tries[2] ?? 0) - (tries[1] ?? 0)).to.be.at.least(49);
  });

  it('an aborted daemon ends after the step under way, even when there is more to do', async () => {
    let steps = 0;
    const queue = queueWith({
      maintain: () => {
        if ((steps += 1) === 3) ending.abort();
        return Promise.resolve({ ...NOTHING, promoted: 1, more: steps < 100 });
      },
    });
    expect(await run(queue)).to.include({ promoted: 3 });
  });

  it('an abort ends the wait for the next push', async () => {
    let hasBegun = false;
    const queue = queueWith({
      maintain: () => Promise.resolve(NOTHING),
      waitForPush: ({ signal }) => {
        hasBegun = true;
        return sleep(60_000, signal);
      },
    });
    const running = run(queue, 60_000);
    await eventually(() => hasBegun);
    ending.abort();
    expect(await running).to.deep.equal(NO_TOTALS);
  });

  it('the daemon ends without an error when it cannot withdraw its announcement', async () => {
    const queue = queueWith({ retire: fails(), waitForPush: endAtWait });
    expect(await run(queue)).to.deep.equal(NO_TOTALS);
  });

  it('the daemon works on when it cannot be announced, and reports that by one event', async () => {
    let [announced, steps] = [0, 0];
    const error = new DelayerError('store_wrong_type', 'the key is a string');
    const queue = queueWith({
      announce: () => {
        announced += 1;
        return Promise.reject(error);
      },
      maintain: () => {
        if ((steps += 1) === 5) ending.abort();
        return Promise.resolve(NOTHING);
      },
    });
    await run(queue, 5);
    expect(announced).to.equal(1);
    expect(events).to.deep.equal([{ type: 'announce_failed', error }]);
  });

  it('the daemon renews its announcement before it would count as gone', async () => {
    let [announced, steps] = [0, 0];
    const queue = queueWith({
      needsPromotion: true,
      announce: () => {
        announced += 1;
        return Promise.resolve();
      },
      maintain: () => {
        steps += 1;
        return Promise.resolve(NOTHING);
      },
    });
    const running = run(queue, 5);
    // Its first step comes after it has noted the time of its announcement.
    await eventually(() => steps > 0);
    expect(announced).to.equal(1);
    standStill(DAEMON_SEEN_MS / 2);
    await eventually(() => announced === 2);
    ending.abort();
    await running;
  });

  describe('beside an original daemon', () => {
    const one = ['127.0.0.1:50123'];
    let steps = 0;
    beforeEach(() => {
      steps = 0;
    });
    const queueThat = (originalDaemons: Store['originalDaemons']) =>
      queueWith({
        originalDaemons,
        maintain: () => {
          steps += 1;
          return Promise.resolve(NOTHING);
        },
        // Follows the monotonic clock, which the tests move.
        now: () => Promise.resolve(new Date(monotonicMs())),
      });
    /** Waits for more steps than could have been under way at the call. */
    const someSteps = async () => {
      const before = steps;
      await eventually(() => steps > before + 4);
    };

    it('the daemon looks for original daemons every ten seconds, and reports by one event that one is there and by one that none is left', async () => {
      // undefined: the store could not tell.
      const answers = [[], one, [...one, '127.0.0.1:50124'], undefined, one, [], []];
      let looks = 0;
      const progress = new Progress();
      const queue = queueThat(() => Promise.resolve(answers[(looks += 1) - 1]));
      const { signal } = ending;
      const onEvent = (event: DelayerEvent) => events.push(event);
      const running = runDaemon(queue, { intervalMs: 5, name: 'test', signal, progress, onEvent });
      for (const [i, answer] of answers.entries()) {
        await eventually(() => looks === i + 1);
        if (answer) await eventually(() => progress.originalDaemons.length === answer.length);
        standStill(8000);
        await someSteps();
        expect(looks).to.equal(i + 1);
        standStill(8000);
      }
      ending.abort();
      await running;
      expect(events).to.deep.equal([
        { type: 'original_daemon', addresses: one },
        { type: 'original_daemon_gone' },
      ]);
    });

    it('a look for original daemons that takes long delays no step, is not made twice at once, and ends at an abort', async () => {
      let looks = 0;
      const queue = queueThat(async ({ signal }) => {
        looks += 1;
        await sleep(60_000, signal);
        return one;
      });
      const running = run(queue, 5);
      await eventually(() => looks === 1);
      standStill(16_000);
      await someSteps();
      expect(looks).to.equal(1);
      ending.abort();
      await running;
      expect(events).to.deep.equal([]);
    });

    it('a look for original daemons that fails emits no event, and the next one is made as usual', async () => {
      let looks = 0;
      const queue = queueThat(() =>
        (looks += 1) === 1 ? Promise.reject(unreachable()) : Promise.resolve(one),
      );
      let running: Promise<unknown> = Promise.resolve();
      const unheard = await unhandledDuring(async () => {
        running = run(queue, 5);
        await eventually(() => looks === 1);
        await someSteps();
      });
      expect({ unheard, events }).to.deep.equal({ unheard: [], events: [] });
      standStill(16_000);
      await eventually(() => events.length === 1);
      ending.abort();
      await running;
      expect(events).to.deep.equal([{ type: 'original_daemon', addresses: one }]);
    });
  });

  it('the daemon waits no longer than onLookEveryMs, however far off the next job is', async () => {
    const waits: number[] = [];
    const queue = queueWith({
      needsPromotion: true,
      maintain: () => Promise.resolve(NOTHING),
      waitForPush: ({ maxMs }) => {
        waits.push(maxMs);
        return endAtWait();
      },
    });
    await runDaemon(queue, {
      ...{ intervalMs: 60_000, name: 'test', signal: ending.signal, onEvent: () => undefined },
      onLookEveryMs: 30,
    });
    expect(waits).to.deep.equal([30]);
  });

  it('the daemon does not wait for pushes on a store whose due jobs need no promotion', async () => {
    let [rounds, waits] = [0, 0];
    const queue = queueWith({
      needsPromotion: false,
      maintain: () => {
        rounds += 1;
        return Promise.resolve(NOTHING);
      },
      waitForPush: () => {
        waits += 1;
        return endAtWait();
      },
    });
    const running = run(queue, 5);
    await eventually(() => rounds > 0);
    ending.abort();
    await running;
    expect({ rounds, waits }).to.deep.equal({ rounds: 1, waits: 0 });
  });

  it('keys of a wrong type and bodies that no key names are reported by one event when they appear and one when they are gone', async () => {
    const wrong = { key: 'delayer:dead', wanted: 'zset', found: 'string' };
    const steps: Partial<Maintenance>[] = [
      { wrongTypes: [wrong] },
      { wrongTypes: [wrong], unnamedBodies: 2 },
      { wrongTypes: [wrong, { ...wrong, key: 'delayer:reserved' }], unnamedBodies: 3 },
      {},
    ];
    let step = 0;
    const queue = queueWith({
      maintain: () => Promise.resolve({ ...NOTHING, ...steps[(step += 1) - 1] }),
      waitForPush: () => {
        if (step === steps.length) ending.abort();
        return Promise.resolve();
      },
    });
    await run(queue);
    expect(events).to.deep.equal([
      { type: 'wrong_types', keys: [wrong] },
      { type: 'unnamed_bodies', bodies: 2 },
      { type: 'wrong_types', keys: [{ ...wrong, key: 'delayer:reserved' }] },
      { type: 'wrong_types_over' },
      { type: 'unnamed_bodies', bodies: 0 },
    ]);
  });

  it('stuck jobs are reported by one event when they are found and one when they have moved', async () => {
    let [stuck, steps] = [2, 0];
    const queue = queueWith({
      maintain: () => Promise.resolve({ ...NOTHING, stuck: (steps += 1) > 3 ? (stuck = 0) : stuck }),
    });
    const running = run(queue, 5);
    await eventually(() => steps > 6);
    ending.abort();
    await running;
    expect(events).to.deep.equal([{ type: 'jobs_stuck', jobs: 2 }, { type: 'jobs_unstuck' }]);
  });

  for (const defect of [
    new TypeError('a defect'),
    new DelayerError('internal', 'a defect'),
    new DelayerError('store_too_new', 'migrated to version 3'),
  ]) {
    it(`a defect (${defect instanceof DelayerError ? defect.code : defect.name}) ends the daemon instead of being retried for ever`, async () => {
      let steps = 0;
      const queue = queueWith({
        maintain: () => ((steps += 1) > 1 ? Promise.reject(defect) : Promise.resolve(NOTHING)),
      });
      expect(await failureOf(run(queue))).to.equal(defect);
    });
  }
});

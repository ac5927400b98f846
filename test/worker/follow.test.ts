import { expect } from 'chai';
import { DelayerError } from '../../src/core/errors.js';
import type { DelayerEvent } from '../../src/core/events.js';
import type { Queue } from '../../src/core/queue.js';
import { sleep } from '../../src/core/timer.js';
import { drainFollow } from '../../src/worker/follow.js';
import type { Handler } from '../../src/worker/handler.js';
import { eventually, failureOf } from '../support/eventually.js';
import {
  always,
  collector,
  fails,
  never,
  numbered,
  oneByOne,
  optionsFor,
  popAll,
  push,
  TOPIC,
  unreachable,
  useQueue,
  useStandstill,
} from './world.js';

const LEASE_MS = 60_000;

describe('a worker that follows', () => {
  const world = useQueue();
  const standStill = useStandstill();
  const follow = (
    queue: Queue,
    handler: Handler,
    signal: AbortSignal,
    more: { events?: DelayerEvent[]; max?: number } = {},
  ) =>
    drainFollow(queue, {
      ...optionsFor(handler, { signal, max: more.max }),
      onEvent: (event) => more.events?.push(event),
    });

  it('a follower delivers jobs as they are pushed, until it is aborted', async () => {
    const ending = new AbortController();
    const { ids, handler } = collector();
    const following = follow(world.queue, handler, ending.signal);
    for (const id of ['a', 'b', 'c']) {
      await push(world.queue, [id]);
      await eventually(() => ids.includes(id));
    }
    ending.abort();
    expect((await following).done).to.equal(3);
  });

  it('a follower acknowledges delivered jobs while it waits for more', async () => {
    await push(world.queue, ['a']);
    const ending = new AbortController();
    const following = follow(world.queue, collector().handler, ending.signal);
    await eventually(async () => (await world.queue.find('a')).length === 0);
    ending.abort();
    await following;
  });

  it('a follower fails when its first reserve fails', async () => {
    const queue = world.queueWith({ reserve: fails() });
    expect(await failureOf(follow(queue, collector().handler, never()))).to.include({
      code: 'store_unreachable',
    });
  });

  it('a follower waits for a store that goes away while jobs are in hand, and delivers every job', async () => {
    await push(world.queue, numbered(600));
    let calls = 0;
    const queue = world.queueWith({
      reserve: (params) => ((calls += 1) === 3 ? fails()() : world.store.reserve(params)),
    });
    const [ending, { ids, handler }] = [new AbortController(), collector()];
    const following = follow(queue, handler, ending.signal);
    const ended = following.then(
      () => 'by the signal',
      (error: unknown) => error,
    );
    await Promise.race([ended, eventually(() => ids.length === 600)]);
    ending.abort();
    expect(await ended).to.equal('by the signal');
    expect(ids).to.deep.equal(numbered(600));
  });

  it('a follower waits for a ready job at most until the next job is due', async () => {
    await world.queue.push({ topic: TOPIC, body: 'b', delayMs: 60_000 });
    const [ending, waits] = [new AbortController(), [] as number[]];
    const queue = world.queueWith({
      waitForReady: ({ maxMs }) => {
        waits.push(maxMs);
        ending.abort();
        return Promise.resolve();
      },
    });
    await follow(queue, collector().handler, ending.signal);
    expect(waits).to.have.length(1);
    expect(waits[0]).to.be.within(50_000, 60_000);
  });

  it('a follower waits for all its topics with one call', async () => {
    const [ending, topics] = [new AbortController(), [] as string[][]];
    const queue = world.queueWith({
      waitForReady: (params) => {
        topics.push(params.topics.map((topic) => topic.toString()));
        ending.abort();
        return Promise.resolve();
      },
    });
    const both = [Buffer.from('one'), Buffer.from('two')];
    const options = optionsFor(collector().handler, { topics: both, signal: ending.signal });
    await drainFollow(queue, { ...options, onEvent: () => undefined });
    expect(topics).to.deep.equal([['one', 'two']]);
  });

  it('an abort ends the wait of a follower', async () => {
    const ending = new AbortController();
    let hasBegun = false;
    const queue = world.queueWith({
      waitForReady: ({ maxMs, signal }) => {
        hasBegun = true;
        return sleep(maxMs, signal);
      },
    });
    const following = follow(queue, collector().handler, ending.signal);
    await eventually(() => hasBegun);
    ending.abort();
    expect(await following).to.include({ done: 0 });
  });

  it('a follower ends when its handler accepts no more', async () => {
    await push(world.queue, numbered(3));
    const result = await follow(world.queue, collector(1).handler, never());
    expect(result).to.include({ done: 1, isClosed: true });
    expect(await popAll(world.queue)).to.deep.equal(['1', '2']);
  });

  it('a handler that closes ends the wait of a follower for more jobs', async () => {
    await push(world.queue, ['a']);
    let isWaiting = false;
    const queue = world.queueWith({
      waitForReady: ({ maxMs, signal }) => {
        isWaiting = true;
        return sleep(maxMs, signal);
      },
    });
    const handler: Handler = {
      ...oneByOne(2, always('done')),
      handle: async () => {
        await eventually(() => isWaiting);
        return { outcomes: ['done'], isClosed: true };
      },
    };
    expect(await follow(queue, handler, never())).to.include({ done: 1, isClosed: true });
  });

  it('a follower delivers no more than --max jobs in all, even when an ack fails in between', async () => {
    await push(world.queue, numbered(10));
    let acks = 0;
    const queue = world.queueWith({
      ack: async (params) => {
        const held = await world.store.ack(params);
        if ((acks += 1) === 1) throw unreachable();
        return held;
      },
    });
    const ids: string[] = [];
    const handler = oneByOne(1, (id) => {
      ids.push(id);
      return Promise.resolve('done');
    });
    const events: DelayerEvent[] = [];
    expect(await follow(queue, handler, never(), { max: 6, events })).to.include({ done: 6, lateAcks: 0 });
    expect(ids).to.deep.equal(numbered(6));
    expect(await popAll(world.queue)).to.deep.equal(numbered(10).slice(6));
    expect(events.map(({ type }) => type)).to.deep.equal(['store_lost', 'store_back']);
    const [lost] = events;
    expect(lost?.type === 'store_lost' && lost.error).to.include({
      code: 'outcome_unknown',
      message: 'the store is gone; 1 job delivered but not acknowledged',
    });
  });

  it('a handler that throws ends a follower', async () => {
    await push(world.queue, ['a']);
    const handler = oneByOne(1, () => {
      throw unreachable();
    });
    expect(await failureOf(follow(world.queue, handler, never()))).to.include({ code: 'store_unreachable' });
    expect(await popAll(world.queue)).to.deep.equal(['a']);
  });

  for (const defect of [
    new DelayerError('internal', 'a defect'),
    new DelayerError('store_too_new', 'migrated to version 3'),
    new TypeError('a defect'),
  ]) {
    it(`a defect (${defect instanceof DelayerError ? defect.code : defect.name}) ends a follower instead of being retried for ever`, async () => {
      await push(world.queue, ['a']);
      let reserves = 0;
      const queue = world.queueWith({
        reserve: (params) => ((reserves += 1) > 1 ? Promise.reject(defect) : world.store.reserve(params)),
      });
      expect(await failureOf(follow(queue, collector().handler, never()))).to.equal(defect);
    });
  }

  it('the pause between the retries of a follower grows', async () => {
    await push(world.queue, ['a']);
    const [ending, tries, { ids, handler }] = [new AbortController(), [] as number[], collector()];
    const queue = world.queueWith({
      reserve: (params) => {
        if (ids.length === 0) return world.store.reserve(params);
        tries.push(performance.now());
        if (tries.length === 3) ending.abort();
        return fails()();
      },
      waitForReady: () => sleep(1),
    });
    await follow(queue, handler, ending.signal);
    expect((tries[1] ?? 0) - (tries[0] ?? 0)).to.be.at.least(24);
    expect((tries[2] ?? 0) - (tries[1] ?? 0)).to.be.at.least(49);
  });

  it('a follower reports an outage by one event when it begins and one when it is over, however many retries it takes', async () => {
    let [isAway, tries] = [false, 0];
    const queue = world.queueWith({
      reserve: (params) => {
        tries += 1;
        return isAway ? fails()() : world.store.reserve(params);
      },
      waitForReady: () => sleep(5),
    });
    const [ending, events, { ids, handler }] = [new AbortController(), [] as DelayerEvent[], collector()];
    const following = follow(queue, handler, ending.signal, { events });
    await push(world.queue, ['a']);
    await eventually(() => ids.length === 1);
    isAway = true;
    const before = tries;
    await eventually(() => tries > before + 2);
    isAway = false;
    await push(world.queue, ['b']);
    await eventually(() => ids.length === 2);
    ending.abort();
    await following;
    expect(events.map(({ type }) => type)).to.deep.equal(['store_lost', 'store_back']);
    for (const event of events) expect(event).to.include({ store: queue.label });
  });

  it('an outage goes on while acks fail, even when reserves succeed', async () => {
    await push(world.queue, numbered(5));
    let failures = 3;
    const queue = world.queueWith({
      ack: (params) => (failures-- > 0 ? fails()() : world.store.ack(params)),
    });
    const [ids, events] = [[] as string[], [] as DelayerEvent[]];
    const handler = oneByOne(1, (id) => {
      ids.push(id);
      return Promise.resolve('done');
    });
    // A failed ack is sent again, so each job is done once.
    expect(await follow(queue, handler, never(), { max: 5, events })).to.include({ done: 5 });
    expect(ids).to.deep.equal(numbered(5));
    expect(events.map(({ type }) => type)).to.deep.equal(['store_lost', 'store_back']);
  });

  it('a follower that a signal ends while acks fail says that jobs are not acknowledged', async () => {
    await push(world.queue, ['a']);
    const ending = new AbortController();
    const queue = world.queueWith({ ack: fails() });
    const onEvent = ({ type }: DelayerEvent) => type === 'store_lost' && ending.abort();
    const options = optionsFor(collector().handler, { signal: ending.signal, onEvent });
    expect(await failureOf(drainFollow(queue, options))).to.include({
      code: 'outcome_unknown',
      message: 'the store is gone; 1 job delivered but not acknowledged',
    });
  });

  for (const [call, outcome] of [
    ['ack', 'done'],
    ['nack', { reason: 'it failed' }],
  ] as const) {
    it(`a follower that could not ${call} a job before its lease ended says that the job is lost`, async () => {
      await push(world.queue, ['a']);
      const queue = world.queueWith({
        [call]: () => {
          standStill(2 * LEASE_MS);
          return fails()();
        },
      });
      const handler = { ...oneByOne(1, always(outcome)), knowsLeases: true };
      const options = { ...optionsFor(handler, { max: 1 }), leaseMs: LEASE_MS };
      expect(await drainFollow(queue, options)).to.include({ lateAcks: 1, done: 0, retried: 0 });
    });
  }

  it('a follower finishes the jobs in hand while the store is away', async () => {
    await push(world.queue, ['a', 'b']);
    let isAway = false;
    const queue = world.queueWith({
      reserve: (params) => (isAway ? fails()() : world.store.reserve(params)),
      waitForReady: () => sleep(5),
    });
    const [ending, events] = [new AbortController(), [] as DelayerEvent[]];
    const handler = oneByOne(3, async (id) => {
      isAway = true;
      if (id === 'b') await eventually(() => events.length > 0);
      isAway = false;
      return 'done';
    });
    const following = follow(queue, handler, ending.signal, { events });
    await eventually(async () => (await world.queue.stats()).topics.length === 0);
    ending.abort();
    expect(await following).to.include({ done: 2, lateAcks: 0 });
  });
});

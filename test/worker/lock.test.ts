import { expect } from 'chai';
import type { Reserved } from '../../src/core/results.js';
import { drainFollow } from '../../src/worker/follow.js';
import { drainLoop } from '../../src/worker/loop.js';
import { drainPass } from '../../src/worker/pass.js';
import { eventually } from '../support/eventually.js';
import {
  always,
  idsOf,
  numbered,
  oneByOne,
  optionsFor,
  popAll,
  printing,
  push,
  useQueue,
  useStandstill,
} from './world.js';

describe('a worker under a lock', () => {
  const world = useQueue();
  const standStill = useStandstill();
  const lockName = Buffer.from('name');
  const handler = oneByOne(1, always('done'));
  const locked: Reserved = { jobs: [], isLocked: true, nextInMs: 20 };

  /** A queue whose lock another owner has for the first `reserves` reserves; counts reserves and unlocks. */
  const lockedFor = (reserves: number) => {
    const seen = { reserves: 0, unlocks: 0, owners: new Set<string | undefined>() };
    const queue = world.queueWith({
      reserve: (params) => {
        seen.owners.add(params.lock?.owner);
        return (seen.reserves += 1) <= reserves ? Promise.resolve(locked) : world.store.reserve(params);
      },
      unlock: (params) => {
        seen.unlocks += 1;
        return world.store.unlock(params);
      },
    });
    return { seen, queue };
  };

  it('a pass ends at once when another owner has the lock, and does not free it', async () => {
    await push(world.queue, ['a']);
    const { seen, queue } = lockedFor(Infinity);
    expect(await drainPass(queue, optionsFor(handler, { lockName }))).to.include({ done: 0 });
    expect(seen).to.deep.include({ reserves: 1, unlocks: 0 });
  });

  it('a pass frees the lock at its end', async () => {
    await push(world.queue, ['a']);
    const { seen, queue } = lockedFor(0);
    expect(await drainPass(queue, optionsFor(handler, { lockName }))).to.include({ done: 1 });
    expect(seen.unlocks).to.equal(1);
  });

  it('a loop waits for the lock within its window, and then works', async () => {
    await push(world.queue, ['a']);
    const { seen, queue } = lockedFor(3);
    const loop = { stepMs: 60_000, forMs: 60_000, max: 1 };
    const ending = new AbortController();
    const options = { ...optionsFor(handler, { lockName, signal: ending.signal }), ...loop };
    const draining = drainLoop(queue, options);
    await eventually(async () => (await world.queue.find('a')).length === 0);
    ending.abort();
    expect(await draining).to.include({ done: 1 });
    expect(seen.owners.size).to.equal(1);
    expect(seen.unlocks).to.equal(1);
  });

  it('a loop that never gets the lock ends with its window and without doing a job', async () => {
    await push(world.queue, ['a']);
    const { queue } = lockedFor(Infinity);
    const loop = { stepMs: 10, forMs: 100 };
    expect(await drainLoop(queue, { ...optionsFor(handler, { lockName }), ...loop })).to.include({ done: 0 });
    expect(await world.queue.find('a')).to.have.length(1);
  });

  it('all passes of a loop use the same lock, which is freed once', async () => {
    const { seen, queue } = lockedFor(0);
    await drainLoop(queue, { ...optionsFor(handler, { lockName }), stepMs: 10, forMs: 100 });
    expect(seen.reserves).to.be.greaterThan(2);
    expect(seen.owners.size).to.equal(1);
    expect(seen.unlocks).to.equal(1);
  });

  it('after a standstill of the process, no job is delivered when another owner has the lock by then', async () => {
    await push(world.queue, numbered(100));
    let hasStood = false;
    const queue = world.queueWith({
      lock: () => Promise.resolve(false),
      reserve: (params) => (hasStood ? Promise.resolve(locked) : world.store.reserve(params)),
    });
    const ids: string[] = [];
    const stands = printing((jobs) => {
      if (!hasStood) standStill(36_000);
      hasStood = true;
      ids.push(...idsOf(jobs));
      return jobs.length;
    });
    await drainPass(queue, optionsFor(stands, { lockName, leaseMs: 3_600_000 }));
    expect(ids).to.deep.equal(numbered(50));
    expect(await popAll(world.queue)).to.deep.equal(numbered(100).slice(50));
  });

  it('after a standstill of the process, jobs are delivered when the lock is free or still its own', async () => {
    await push(world.queue, numbered(100));
    const ids: string[] = [];
    const stands = printing((jobs) => {
      if (ids.length === 0) standStill(36_000);
      ids.push(...idsOf(jobs));
      return jobs.length;
    });
    await drainPass(world.queue, optionsFor(stands, { lockName, leaseMs: 3_600_000 }));
    expect(ids).to.deep.equal(numbered(100));
  });

  it('a follower waits for the lock, and then works', async () => {
    await push(world.queue, ['a']);
    const { queue } = lockedFor(2);
    expect(await drainFollow(queue, optionsFor(handler, { lockName, max: 1 }))).to.include({ done: 1 });
  });
});

import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { DelayerError } from '../../src/core/errors.js';
import type { Promotion, Store } from '../../src/core/store.js';
import { backoffMs } from '../../src/runtime/backoff.js';
import { promoteUntil } from '../../src/runtime/promoter.js';
import { eventually, failureOf } from '../support/eventually.js';
import { useRedis } from '../support/redis.js';
import { changed } from './world.js';

const NOTHING: Promotion = { promoted: 0, expired: 0, returned: 0, stuck: 0, more: false };

describe('the promoter', () => {
  const redis = useRedis();
  const reports: string[] = [];
  let ending = new AbortController();
  beforeEach(() => {
    reports.length = 0;
    ending = new AbortController();
  });
  const run = (store: Store, intervalMs = 20) =>
    promoteUntil(store, {
      intervalMs,
      name: 'test',
      signal: ending.signal,
      report: (message) => reports.push(message),
    });

  it('moves what is due in as many steps as it takes, and counts it', async () => {
    const queue = redis.queue();
    await queue.pushMany(Array.from({ length: 3000 }, () => ({ topic: 'topic', body: 'b' })));
    const running = run(redis.open());
    await eventually(async () => (await redis.raw.llen(`${redis.prefix}:ready_queue:topic`)) === 3000);
    ending.abort();
    expect(await running).to.deep.equal({ promoted: 3000, expired: 0, returned: 0 });
  });

  it('is announced while it runs, and no longer', async () => {
    const running = run(redis.open());
    await eventually(async () => (await redis.raw.zcard(`${redis.prefix}:daemons`)) === 1);
    ending.abort();
    await running;
    expect(await redis.raw.exists(`${redis.prefix}:daemons`)).to.equal(0);
  });

  it('sleeps until the next job is due, and no longer than its interval', async () => {
    const sleeps: number[] = [];
    const answers = [70, 5, undefined, 0];
    const store = changed(redis.open(), {
      promote: () => Promise.resolve({ ...NOTHING, nextInMs: answers[sleeps.length] }),
      waitForPush: (ms) => {
        sleeps.push(ms);
        if (sleeps.length === 4) ending.abort();
        return sleep(1);
      },
    });
    await run(store, 50);
    expect(sleeps).to.deep.equal([50, 5, 50, 1]);
  });

  it('fails when the first contact fails', async () => {
    const broken = changed(redis.open(), {
      announce: () => Promise.reject(new DelayerError('store_unreachable', 'the store is gone')),
      promote: () => Promise.reject(new DelayerError('store_unreachable', 'the store is gone')),
    });
    expect(await failureOf(run(broken))).to.include({ code: 'store_unreachable' });
  });

  it('waits for a store that goes away later, and says so once, and when it is back', async () => {
    const real = redis.open();
    let [rounds, away] = [0, false];
    const store = changed(real, {
      promote: () => {
        rounds += 1;
        if (away) return Promise.reject(new DelayerError('outcome_unknown', 'the store is gone'));
        return real.promote();
      },
    });
    const running = run(store);
    await eventually(() => rounds > 0);
    away = true;
    const before = rounds;
    await eventually(() => rounds > before + 2);
    away = false;
    await eventually(() => reports.length === 2);
    ending.abort();
    await running;
    expect(reports).to.deep.equal([
      'the store is gone; trying again until it works',
      `${real.label} is back`,
    ]);
  });

  it('says once that jobs are stuck, and once that they are not any more', async () => {
    let [stuck, rounds] = [2, 0];
    const store = changed(redis.open(), {
      promote: () => Promise.resolve({ ...NOTHING, stuck: (rounds += 1) > 3 ? (stuck = 0) : stuck }),
    });
    const running = run(store, 5);
    await eventually(() => rounds > 6);
    ending.abort();
    await running;
    expect(reports).to.have.length(2);
    expect(reports[0]).to.match(/^2 due jobs cannot be moved/);
    expect(reports[1]).to.match(/have been moved$/);
  });

  it('lets a defect out instead of trying for ever', async () => {
    let rounds = 0;
    const store = changed(redis.open(), {
      promote: () =>
        (rounds += 1) > 1 ? Promise.reject(new TypeError('a defect')) : Promise.resolve(NOTHING),
    });
    expect((await failureOf(run(store))).message).to.equal('a defect');
  });
});

describe('the pause before another try', () => {
  it('grows from some 50 ms to at most 2 s, with jitter of half of it', () => {
    for (let failures = 0; failures < 40; failures += 1) {
      const ceiling = Math.min(2000, 50 * 2 ** failures);
      for (let i = 0; i < 50; i += 1) expect(backoffMs(failures)).to.be.within(ceiling / 2, ceiling);
    }
    expect(backoffMs(1e6)).to.be.within(1000, 2000);
    expect(new Set(Array.from({ length: 20 }, () => backoffMs(5))).size).to.be.greaterThan(1);
  });
});

import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { DelayerError } from '../../src/core/errors.js';
import { DAEMON_SEEN_MS, type Promotion, type Store } from '../../src/core/store.js';
import { backoffMs } from '../../src/core/backoff.js';
import { promoteUntil } from '../../src/daemon/promoter.js';
import { eventually, failureOf } from '../support/eventually.js';
import { useRedis } from '../support/redis.js';
import { changed } from '../worker/world.js';

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

  it('counts the dead jobs that it cleared away, and the leases that it took back', async () => {
    let rounds = 0;
    const store = changed(redis.open(), {
      promote: () => Promise.resolve({ ...NOTHING, expired: 2, returned: 3, more: (rounds += 1) < 3 }),
      waitForPush: () => {
        ending.abort();
        return Promise.resolve();
      },
    });
    expect(await run(store)).to.deep.equal({ promoted: 0, expired: 6, returned: 9 });
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

  it('pauses between its tries, longer each time, and says so anew each time the store goes away', async () => {
    const tries: number[] = [];
    let rounds = 0;
    const gone = [3, 4, 5, 7];
    const store = changed(redis.open(), {
      promote: () => {
        rounds += 1;
        if (!gone.includes(rounds)) return Promise.resolve(NOTHING);
        tries.push(performance.now());
        return Promise.reject(new DelayerError('store_unreachable', 'the store is gone'));
      },
      waitForPush: () => {
        if (rounds > 7) ending.abort();
        return sleep(1);
      },
    });
    await run(store);
    expect(reports.map((report) => report.includes('trying again'))).to.deep.equal([
      true,
      false,
      true,
      false,
    ]);
    expect((tries[1] ?? 0) - (tries[0] ?? 0)).to.be.at.least(24);
    expect((tries[2] ?? 0) - (tries[1] ?? 0)).to.be.at.least(49);
  });

  it('ends after the step in hand when it is aborted, although there is more to do', async () => {
    let rounds = 0;
    const store = changed(redis.open(), {
      promote: () => {
        if ((rounds += 1) === 3) ending.abort();
        return Promise.resolve({ ...NOTHING, promoted: 1, more: rounds < 100 });
      },
    });
    expect(await run(store)).to.include({ promoted: 3 });
  });

  it('ends well although it cannot take its announcement back', async () => {
    const store = changed(redis.open(), {
      retire: () => Promise.reject(new DelayerError('store_unreachable', 'the store is gone')),
      waitForPush: () => {
        ending.abort();
        return Promise.resolve();
      },
    });
    expect(await run(store)).to.deep.equal({ promoted: 0, expired: 0, returned: 0 });
  });

  it('works on where it may not be announced, and says so once', async () => {
    let [announced, rounds] = [0, 0];
    const store = changed(redis.open(), {
      announce: () => {
        announced += 1;
        return Promise.reject(new DelayerError('store_wrong_type', 'the key is a string'));
      },
      promote: () => {
        if ((rounds += 1) === 5) ending.abort();
        return Promise.resolve(NOTHING);
      },
    });
    await run(store, 5);
    expect(announced).to.equal(1);
    expect(reports).to.have.length(1);
    expect(reports[0]).to.match(/^the key is a string; .*inspect.* will not know/);
  });

  it('is announced again while it runs, so that it is not taken for gone', async () => {
    let announced = 0;
    const store = changed(redis.open(), {
      announce: () => {
        announced += 1;
        return Promise.resolve();
      },
    });
    const running = run(store);
    await eventually(() => announced === 2, { withinMs: DAEMON_SEEN_MS / 2 });
    ending.abort();
    await running;
  });

  it('looks seldom where due jobs are ready by themselves', async () => {
    const sleeps: number[] = [];
    const store = changed(redis.open(), {
      needsPromotion: false,
      promote: () => Promise.resolve(NOTHING),
      waitForPush: (ms) => {
        sleeps.push(ms);
        ending.abort();
        return Promise.resolve();
      },
    });
    await run(store, 50);
    expect(sleeps).to.deep.equal([5000]);
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

  for (const defect of [new TypeError('a defect'), new DelayerError('internal', 'a defect')]) {
    it(`lets a defect out instead of trying for ever (${defect.name})`, async () => {
      let rounds = 0;
      const store = changed(redis.open(), {
        promote: () => ((rounds += 1) > 1 ? Promise.reject(defect) : Promise.resolve(NOTHING)),
      });
      expect((await failureOf(run(store))).message).to.equal('a defect');
    });
  }
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

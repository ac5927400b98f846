import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import type { DelayerEvent } from '../../../src/core/events.js';
import type { AbortSignalLike } from '../../../src/core/timer.js';
import { openQueue } from '../../../src/storage/open.js';
import { eventually, failureOf } from '../../support/eventually.js';
import { idsOf, jobsOf, LONG_MS, textOf } from '../../support/jobs.js';
import { useRedis } from '../../support/redis.js';

/** A signal that counts its listeners: now, and at most at any time. */
function countingSignal(): { readonly signal: AbortSignalLike; readonly most: number; readonly now: number } {
  const controller = new AbortController();
  let [now, most] = [0, 0];
  return {
    signal: {
      aborted: false,
      addEventListener: (type, listener) => {
        most = Math.max(most, (now += 1));
        controller.signal.addEventListener(type, listener);
      },
      removeEventListener: (type, listener) => {
        now -= 1;
        controller.signal.removeEventListener(type, listener);
      },
    },
    get most() {
      return most;
    },
    get now() {
      return now;
    },
  };
}

describe('a queue of the library on Redis', () => {
  const ground = useRedis();
  const open = (shutdown?: AbortSignalLike): Promise<Queue> =>
    openQueue(ground.server.url, { prefix: ground.prefix, shutdown });

  beforeEach(() => ground.raw.config('RESETSTAT'));

  /** Waits until a bpop has looked once, and waits for jobs. */
  const listening = () =>
    eventually(async () => {
      expect(await ground.raw.info('commandstats')).to.match(/cmdstat_subscribe:calls=1\b/);
    });

  it('has at most one listener on a signal at a time, and none when its calls have ended', async () => {
    const counted = countingSignal();
    const queue = await open(counted.signal);
    for (let round = 0; round < 3; round += 1) {
      const waits = Array.from({ length: 30 }, (_, i) =>
        queue.bpop(`topic-${i}`, { signal: counted.signal, timeoutMs: 20 }),
      );
      await Promise.all([...waits, queue.pushMany(jobsOf('other', 30)), queue.stats()]);
    }
    expect(counted.most).to.equal(1);
    expect(counted.now).to.equal(0);
    await queue.close();
  });

  it('finishes pending calls when it is closed, and refuses later ones', async () => {
    const queue = await open();
    await queue.stats();
    const jobs = jobsOf('topic', 1000, { delayMs: LONG_MS });
    const pushing = queue.pushMany(jobs);
    await queue.close();
    expect((await pushing).map(({ outcome }) => outcome)).to.deep.equal(jobs.map(() => 'pushed'));
    expect((await ground.queue().stats()).totals).to.include({ delayed: 1000 });
    const calls: (() => Promise<unknown>)[] = [
      () => queue.push({ topic: 'topic', body: 'b' }),
      () => queue.pop('topic'),
      () => queue.bpop('topic'),
      () => queue.waitForReady('topic'),
      () => queue.stats(),
    ];
    for (const call of calls) {
      const error = await failureOf(call());
      expect(error).to.include({ code: 'usage', exitCode: 2 });
      expect(error.message).to.match(/^The queue redis.* is closed$/);
    }
  });

  it('makes a waiting bpop fail when it is closed', async () => {
    const queue = await open();
    const waiting = failureOf(queue.bpop('topic'));
    await listening();
    await queue.close();
    expect(await waiting).to.include({ code: 'usage' });
  });

  it('is closed at the end of its `await using` block', async () => {
    let kept: Queue | undefined;
    {
      await using queue = await open();
      kept = queue;
      await queue.push({ topic: 'topic', body: 'b' });
    }
    expect(await failureOf(kept.pop('topic'))).to.include({ code: 'usage' });
  });

  it('keeps a bpop without timeout waiting through an outage, and reports the outage', async () => {
    const queue = ground.queue();
    const events: DelayerEvent['type'][] = [];
    const waiting = queue.bpop('topic', { onEvent: ({ type }) => events.push(type) });
    await listening();
    await ground.server.kill();
    await eventually(() => events.length === 1);
    await ground.server.restart();
    const other = ground.queue();
    await other.push({ id: '1', topic: 'topic', body: 'b' });
    const job = await waiting;
    expect([textOf(job), events]).to.deep.equal(['b', ['store_lost', 'store_back']]);
    expect(idsOf(await other.popMany('topic', 1))).to.be.empty;
  });
});

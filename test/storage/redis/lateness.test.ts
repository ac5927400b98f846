import { expect } from 'chai';
import { LATENESS_BOUNDS_MS } from '../../../src/core/lateness.js';
import { MINUTE_MS, soon } from '../../support/jobs.js';
import { useRedis } from '../../support/redis.js';

describe('lateness of promotion on Redis', () => {
  const redis = useRedis({ movableClock: true });

  /** The counts that are not 0, by upper bound. */
  const classes = (counts: readonly number[] = []) =>
    counts.flatMap((count, i) => (count === 0 ? [] : [[LATENESS_BOUNDS_MS[i] ?? 'more', count]]));

  /** Pushes jobs that are due each of these times (ms) before a timestamp, to which `let` then sets the clock. */
  async function maintainLate(lateMs: readonly number[]) {
    const queue = redis.queue();
    const at = (await soon(queue, 60 * MINUTE_MS)).getTime();
    await queue.pushMany(
      lateMs.map((ms, i) => ({ id: `${i}`, topic: `t${i % 2}`, body: 'b', at: new Date(at - ms) })),
    );
    redis.clock.stop();
    return { queue, let: () => redis.clock.set(at) };
  }

  it('counts each promoted job in its class, with their sum and maximum', async () => {
    const { queue, let: letCome } = await maintainLate([0, 1, 2, 2, 40, 700_000]);
    letCome();
    const { lateness } = await queue.maintain();
    expect(classes(lateness?.counts)).to.deep.equal([
      [1, 2],
      [2, 2],
      [50, 1],
      ['more', 1],
    ]);
    expect(lateness).to.include({ sumMs: 700_045, latestMs: 700_000 });
  });

  it('is the same for all jobs of one burst', async () => {
    const { queue, let: letCome } = await maintainLate(Array<number>(30).fill(7));
    letCome();
    const { lateness } = await queue.maintain();
    expect(classes(lateness?.counts)).to.deep.equal([[10, 30]]);
    expect(lateness).to.include({ sumMs: 210, latestMs: 7 });
  });

  it('does not count a job that has expired or cannot be promoted', async () => {
    const { queue, let: letCome } = await maintainLate([300, 20, 20]);
    await redis.raw.del(`${redis.prefix}:job_bucket:0`);
    await redis.raw.set(`${redis.prefix}:ready_queue:t1`, 'no list');
    letCome();
    const { lateness, promoted } = await queue.maintain();
    expect(promoted).to.equal(1);
    expect(classes(lateness?.counts)).to.deep.equal([[25, 1]]);
    expect(lateness).to.include({ sumMs: 20, latestMs: 20 });
  });

  it('is absent if nothing was promoted', async () => {
    expect((await redis.queue().maintain()).lateness).to.equal(undefined);
  });
});

import { expect } from 'chai';
import { removing, rescheduling } from '../../src/bulk/acts.js';
import { type Act, sweep } from '../../src/bulk/sweep.js';
import { LONG_MS } from '../support/jobs.js';
import { useRedis } from '../support/redis.js';

describe('a sweep through a selection', () => {
  const ground = useRedis();

  /** Delayed jobs, a millisecond apart. */
  async function fill(count: number): Promise<Date> {
    const queue = ground.queue();
    const first = new Date((await queue.now()).getTime() + LONG_MS);
    const due = (i: number) => new Date(first.getTime() + i);
    const job = (i: number) => ({ id: `${10_000 + i}`, topic: 'topic', body: 'b', at: due(i) });
    await queue.pushMany(Array.from({ length: count }, (_, i) => job(i)));
    return first;
  }

  it('moves each job once, also where it comes again behind those that are moved next', async () => {
    const count = 4500;
    const first = await fill(count);
    const queue = ground.queue();
    const { act, isDone } = rescheduling(queue, { byMs: -1500 });
    let moved = 0;
    const through = { query: { states: ['delayed'], latestFirst: true } as const, limit: Infinity };
    for await (const { jobs } of sweep(queue, { ...through, matches: (job) => !isDone(job) }, act))
      moved += jobs.length;
    expect(moved).to.equal(count);
    const scores = await ground.raw.zrange(`${ground.prefix}:job_pool`, '0', '-1', 'WITHSCORES');
    const dues = scores
      .filter((_, i) => i % 2 === 1)
      .map((score) => Math.floor(Number(score) * 1000 + 0.0005));
    expect(dues).to.deep.equal(Array.from({ length: count }, (_, i) => first.getTime() + i - 1500));
  });

  it('acts on no more jobs than its limit, and on no more at once than it is told', async () => {
    await fill(1200);
    const queue = ground.queue();
    const sizes: number[] = [];
    const remove = removing(queue);
    const act: Act = (jobs) => {
      sizes.push(jobs.length);
      return remove(jobs);
    };
    const through = { query: { states: ['delayed'] } as const, limit: 700 };
    for await (const part of sweep(queue, through, act, { atOnce: 300 }))
      expect(part.outcomes.every((outcome) => outcome === 'done')).to.be.true;
    expect(Math.max(...sizes)).to.be.at.most(300);
    expect(sizes.reduce((sum, size) => sum + size, 0)).to.equal(700);
    expect(await ground.raw.zcard(`${ground.prefix}:job_pool`)).to.equal(500);
  });
});

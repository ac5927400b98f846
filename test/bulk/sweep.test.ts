import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import { type Archive, removing, rescheduling } from '../../src/bulk/acts.js';
import { type Act, sweep, type Swept } from '../../src/bulk/sweep.js';
import type { JobRecord } from '../../src/core/job.js';
import { LONG_MS } from '../support/jobs.js';
import { useRedis } from '../support/redis.js';

const DELAYED = { query: { states: ['delayed'] } } as const;

describe('a sweep through a selection', () => {
  const ground = useRedis();

  /** Pushes delayed jobs that are due a millisecond apart; returns when the first is due. */
  async function fill(count: number): Promise<Date> {
    const queue = ground.queue();
    const first = new Date((await queue.now()).getTime() + LONG_MS);
    const due = (i: number) => new Date(first.getTime() + i);
    const job = (i: number) => ({ id: `${10_000 + i}`, topic: 'topic', body: 'b', at: due(i) });
    await queue.pushMany(Array.from({ length: count }, (_, i) => job(i)));
    return first;
  }

  it('moves each job once, even if it comes again behind jobs that are moved later', async () => {
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

  it('acts on at most its limit of jobs, and on at most atOnce at a time', async () => {
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

  it('has at most underWay calls under way, and returns their jobs in order', async () => {
    await fill(1000);
    const [begun, told]: [string[], string[]] = [[], []];
    let [now, most] = [0, 0];
    const act: Act = async (jobs) => {
      most = Math.max(most, (now += 1));
      begun.push(...jobs.map(({ id }) => id.toString()));
      await setImmediate();
      now -= 1;
      return jobs.map(() => 'done');
    };
    const options = { atOnce: 100, underWay: 2 };
    for await (const { jobs } of sweep(ground.queue(), { ...DELAYED, limit: Infinity }, act, options))
      told.push(...jobs.map(({ id }) => id.toString()));
    expect(most).to.equal(2);
    expect(told).to.have.length(1000).and.deep.equal(begun);
  });

  it('has one call under way if it has a limit', async () => {
    await fill(1000);
    let [now, most, acted] = [0, 0, 0];
    const act: Act = async (jobs) => {
      most = Math.max(most, (now += 1));
      await setImmediate();
      now -= 1;
      acted += jobs.length;
      return jobs.map(() => 'done');
    };
    for await (const part of sweep(ground.queue(), { ...DELAYED, limit: 450 }, act, {
      atOnce: 100,
      underWay: 2,
    }))
      expect(part.outcomes).to.have.length(part.jobs.length);
    expect([most, acted]).to.deep.equal([1, 450]);
  });

  it('returns the results of calls that were under way when one failed, and then throws the failure', async () => {
    await fill(1000);
    let [calls, acted, told] = [0, 0, 0];
    const failure = new Error('the second call fails');
    const act: Act = async (jobs) => {
      calls += 1;
      if (calls === 2) throw failure;
      await setImmediate();
      acted += jobs.length;
      return jobs.map(() => 'done');
    };
    let thrown: unknown;
    try {
      const options = { atOnce: 100, underWay: 3 };
      for await (const { outcomes } of sweep(ground.queue(), { ...DELAYED, limit: Infinity }, act, options))
        told += outcomes.length;
    } catch (error) {
      thrown = error;
    }
    expect(thrown).to.equal(failure);
    expect(told).to.equal(acted);
    expect(calls).to.be.greaterThan(2);
  });

  it('gives the results of calls that were under way when the caller stopped to onUnasked', async () => {
    await fill(1000);
    let [acted, told] = [0, 0];
    const act: Act = async (jobs) => {
      await setImmediate();
      acted += jobs.length;
      return jobs.map(() => 'done');
    };
    const onUnasked = ({ outcomes }: Swept) => (told += outcomes.length);
    const options = { atOnce: 100, underWay: 3, onUnasked };
    for await (const { outcomes } of sweep(ground.queue(), { ...DELAYED, limit: Infinity }, act, options)) {
      told += outcomes.length;
      break;
    }
    expect(acted).to.be.greaterThan(100);
    expect(told).to.equal(acted);
  });

  it('archives no jobs before those of the call before are confirmed, and none after a failure', async () => {
    await fill(300);
    const queue = ground.queue();
    const steps: string[] = [];
    const name = (jobs: readonly JobRecord[]) => `keep ${jobs[0]?.id.toString() ?? ''}`;
    const archive: Archive = {
      keep: async (jobs, turn) => {
        await turn;
        steps.push(name(jobs));
        if (steps.length > 4) throw new Error('the disk is full');
      },
      confirm: async (removed) => {
        await setImmediate();
        steps.push(`confirm ${removed.length}`);
      },
    };
    const act = removing(queue, archive);
    let thrown: unknown;
    try {
      const options = { atOnce: 50, underWay: 2 };
      for await (const part of sweep(queue, { ...DELAYED, limit: Infinity }, act, options))
        expect(part.outcomes).to.have.length(50);
    } catch (error) {
      thrown = error;
    }
    expect(String(thrown)).to.contain('the disk is full');
    expect(steps).to.deep.equal(['keep 10000', 'confirm 50', 'keep 10050', 'confirm 50', 'keep 10100']);
    expect(await ground.raw.zcard(`${ground.prefix}:job_pool`)).to.equal(200);
  });
});

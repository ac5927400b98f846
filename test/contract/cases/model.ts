import { expect } from 'chai';
import fc from 'fast-check';
import type { LeasedJob } from '../../../src/core/job.js';
import { DAY_MS, HOUR_MS, maintainAll, MINUTE_MS, must, SECOND_MS, type World } from '../world.js';

/** A few each time; many where somebody looks for a fault. */
const RUNS = Number(process.env.MODEL_RUNS ?? 12);

const aTime = fc.constantFrom(0, 10, SECOND_MS, MINUTE_MS, HOUR_MS);
const upTo = (most: number) => fc.integer({ min: 1, max: most });

const step = fc.oneof(
  fc.record({ does: fc.constant('push'), delays: fc.array(aTime, { minLength: 1, maxLength: 4 }) }),
  fc.record({ does: fc.constant('reserve'), limit: upTo(5), leaseMs: fc.constantFrom(SECOND_MS, HOUR_MS) }),
  fc.record({
    does: fc.constantFrom('ack', 'release', 'extend', 'retry'),
    reservation: fc.nat(),
    picks: fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 3 }),
    ms: aTime,
  }),
  fc.record({ does: fc.constant('advance'), ms: aTime }),
  fc.record({ does: fc.constant('maintain') }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Settle = Extract<Step, { readonly picks: number[] }>;

export function describeModel(world: () => World): void {
  describe('a simple model', () => {
    it('whatever was done before, a reserve gives the jobs, in the order and with the attempts, that a simple model gives', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 15, maxLength: 50, size: 'max' }), (all) =>
          new Model(world()).run(all),
        ),
        { numRuns: RUNS },
      );
    });
  });
}

interface ModelJob {
  readonly id: string;
  dueMs: number;
  /** Among jobs of one batch that are due together. */
  turn: number;
  attempts: number;
  lease: string | undefined;
  leasedUntilMs: number;
}

/** One topic, as a list of jobs. */
class Model {
  private jobs: ModelJob[] = [];
  private readonly reservations: LeasedJob[][] = [];
  private readonly topic: string;
  private turns = 0;

  constructor(private readonly world: World) {
    this.topic = world.name('topic');
  }

  async run(all: readonly Step[]): Promise<void> {
    this.world.clock.stop();
    for (const one of all) {
      await this.perform(one);
      this.world.clock.advance(1);
    }
    this.world.clock.advance(10 * DAY_MS);
    while ((await this.reserve(7, HOUR_MS)) > 0);
    expect(this.jobs.every((job) => this.isLeased(job))).to.be.true;
  }

  private async perform(one: Step): Promise<void> {
    switch (one.does) {
      case 'push':
        return this.push(one.delays);
      case 'reserve':
        await this.reserve(one.limit, one.leaseMs);
        return;
      case 'advance':
        this.world.clock.advance(one.ms);
        return;
      case 'maintain':
        return maintainAll(this.world.queue);
      default:
        return this.settle(one);
    }
  }

  private async push(delays: readonly number[]): Promise<void> {
    const { queue, clock } = this.world;
    const jobs = delays.map((delayMs) => ({
      id: `${this.topic}-${(this.turns += 1)}`,
      topic: this.topic,
      body: 'b',
      delayMs: this.distinct(delayMs),
      ttlMs: 1000 * DAY_MS,
    }));
    await queue.pushMany(jobs);
    for (const [i, { id, delayMs }] of jobs.entries()) {
      const turn = this.turns - jobs.length + i;
      this.jobs.push({
        id,
        dueMs: clock.now() + delayMs,
        turn,
        attempts: 0,
        lease: undefined,
        leasedUntilMs: 0,
      });
    }
  }

  private async reserve(limit: number, leaseMs: number): Promise<number> {
    const { peer, clock } = this.world;
    const wanted = this.jobs
      .filter((job) => job.dueMs <= clock.now() && !this.isLeased(job))
      .sort((a, b) => a.dueMs - b.dueMs || a.turn - b.turn)
      .slice(0, limit);
    const { jobs } = await peer.reserve({ topics: this.topic, limit, leaseMs });
    for (const [i, job] of wanted.entries()) {
      job.attempts += 1;
      job.lease = jobs[i]?.lease;
      job.leasedUntilMs = clock.now() + leaseMs;
    }
    const seen = jobs.map(({ id, dueAt, attempts }) => [id.toString(), dueAt?.getTime(), attempts]);
    expect(seen).to.deep.equal(wanted.map(({ id, dueMs, attempts }) => [id, dueMs, attempts]));
    if (jobs.length > 0) this.reservations.push(jobs);
    return jobs.length;
  }

  private async settle({ does, reservation, picks, ms: wantedMs }: Settle): Promise<void> {
    if (this.reservations.length === 0) return;
    const { clock } = this.world;
    const ms = this.distinct(wantedMs);
    const jobs = must(this.reservations[reservation % this.reservations.length]);
    const given = [...new Set(picks)].flatMap((i) => jobs[i] ?? []);
    const picked = does === 'retry' ? given.slice(0, 1) : given;
    const held = await this.ask(does, picked, ms);
    for (const [i, { id }] of picked.entries()) {
      if (held[i] !== true) continue;
      const job = must(this.jobs.find((one) => one.id === id.toString()));
      job.leasedUntilMs = does === 'extend' ? clock.now() + ms + 1 : 0;
      if (does !== 'extend') job.lease = undefined;
      if (does === 'ack') this.jobs = this.jobs.filter((one) => one !== job);
      if (does === 'release') job.attempts -= 1;
      if (does === 'retry') job.dueMs = clock.now() + ms;
    }
    if (does !== 'extend') this.forget(jobs, picked);
  }

  /** Answers of each lease whether it was held: one that has ended may be, until somebody has noticed. */
  private async ask(does: Settle['does'], jobs: readonly LeasedJob[], ms: number): Promise<boolean[]> {
    const { queue } = this.world;
    const calls = {
      ack: () => queue.ack(jobs),
      release: () => queue.release(jobs),
      retry: () => queue.nack(jobs, { delayMs: ms }),
      extend: async () => (await queue.extend(jobs, ms + 1)).map((until) => until !== undefined),
    };
    const held = await calls[does]();
    for (const [i, { lease }] of jobs.entries()) {
      const job = this.jobs.find((one) => one.lease === lease);
      if (!job || this.isLeased(job)) expect(held[i], does).to.equal(job !== undefined);
    }
    return held;
  }

  /** A lease that has ended is not tried again: its job may have another by then. */
  private forget(jobs: LeasedJob[], settled: readonly LeasedJob[]): void {
    const left = jobs.filter((job) => !settled.includes(job));
    this.reservations.splice(this.reservations.indexOf(jobs), 1, ...(left.length > 0 ? [left] : []));
  }

  /** A delay after which no job is due so far: of those due together only the order of one batch is certain. */
  private distinct(delayMs: number): number {
    const dueMs = this.world.clock.now() + delayMs;
    return this.jobs.some((job) => job.dueMs === dueMs) ? this.distinct(delayMs + 1) : delayMs;
  }

  private isLeased({ leasedUntilMs }: ModelJob): boolean {
    return leasedUntilMs > this.world.clock.now();
  }
}

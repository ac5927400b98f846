import type { Letter, ModelJob, ModelLease, Waiting } from './job.js';
import type { Line } from './line.js';
import { DEFAULT_POLICY, endAttempt, hasRetryLeft, lossesOf } from './retries.js';
import type { Rules } from './rules.js';

/** How often (ms) a job that waits for a duplicate is tried again. */
export const LOOK_AGAIN_MS = 1000;

/** Jobs that are leased, waiting or dead, and how they come back. */
export class Comeback {
  readonly leases: ModelLease[] = [];
  readonly waiting: Waiting[] = [];
  /** In the order in which they failed. */
  readonly letters: Letter[] = [];

  constructor(
    private readonly line: Line,
    private readonly rules: Rules,
  ) {}

  /** Ends a lease; the caller handles its job. */
  end(lease: ModelLease): ModelLease {
    this.leases.splice(this.leases.indexOf(lease), 1);
    return lease;
  }

  /** Clamps a time to the last one that a store can have; Infinity stays. */
  byLast(at: number): number {
    return at === Infinity ? Infinity : Math.min(at, this.rules.lastMs);
  }

  /** Makes a dead letter. */
  bury(
    job: ModelJob,
    { deadTtlMs, reason }: { readonly deadTtlMs: number; readonly reason: string | undefined },
    now: number,
  ): Letter {
    const deleteAt = deadTtlMs === 0 ? Infinity : this.byLast(now + deadTtlMs);
    const letter = { job, failedAt: now, deleteAt, reason };
    this.letters.push(letter);
    return letter;
  }

  /**
   * Brings back jobs whose lease has ended, or makes dead letters of those with no retry left, and brings back jobs that
   * waited for a duplicate that is gone.
   */
  reclaim(now: number): Reclaimed {
    const turns = [...this.endedLeases(now), ...this.waitingTurns(now)];
    if (this.rules.reclaims === 'by time') turns.sort((a, b) => a.at - b.at);
    const dead = this.letters.length;
    const back = turns.reduce((sum, { act }) => sum + act(), 0);
    return { back, buried: this.letters.slice(dead) };
  }

  private endedLeases(now: number): Turn[] {
    const ended = this.leases.filter(({ end }) => end <= now).sort(byEnd);
    const records = new Map<string, ModelLease[]>();
    for (const lease of ended) {
      const record = recordOf(lease);
      records.set(record, [...(records.get(record) ?? []), lease]);
    }
    return [...records.values()].map((leases) => ({
      at: leases[0]?.end ?? 0,
      act: () => {
        const [first] = leases;
        if (first?.isHold === true) return this.takeBack(leases, now);
        for (const lease of leases) this.lose(lease);
        const back = leases.filter(({ job, policy }) => hasRetryLeft(job, policy)).map(({ job }) => job);
        for (const { job, policy } of leases)
          if (!back.includes(job))
            this.bury(job, { ...(policy ?? DEFAULT_POLICY), reason: lossesOf(job) }, now);
        return this.comeBack(back, first?.since ?? now, now);
      },
    }));
  }

  /** Ends leases of one reservation as if their jobs had never been reserved. @returns how many came back */
  takeBack(leases: readonly ModelLease[], now: number): number {
    for (const lease of leases) this.end(lease).job.attempts -= 1;
    const [first] = leases;
    return this.comeBack(
      leases.map(({ job }) => job),
      first?.since ?? now,
      now,
      first?.isHold,
    );
  }

  private lose(lease: ModelLease): void {
    this.end(lease);
    endAttempt(lease, { endedAt: lease.end, outcome: 'lease_ended' });
  }

  private waitingTurns(now: number): Turn[] {
    const ripe = this.waiting.filter(({ lookAt }) => lookAt <= now);
    if (this.rules.waitingLooks === 'one a job') {
      ripe.sort((a, b) => a.lookAt - b.lookAt || a.job.number - b.job.number);
      return ripe.map((one) => ({ at: one.lookAt, act: () => this.lookAt([one], now) }));
    }
    const ids = [...new Set(ripe.map(({ job }) => job.id))].sort();
    return ids.map((id) => ({
      at: this.waitingFor(id)[0]?.lookAt ?? now,
      act: () => this.lookAt(this.waitingFor(id), now),
    }));
  }

  /** Brings the first of these back if the id is free; the others go on waiting. */
  private lookAt(some: readonly Waiting[], now: number): number {
    const [first] = some;
    if (!first) return 0;
    for (const one of some) one.lookAt = now + LOOK_AGAIN_MS;
    if (this.hasToWait(first.job, now)) return 0;
    this.waiting.splice(this.waiting.indexOf(first), 1);
    return this.comeBack([first.job], first.since, now);
  }

  /**
   * Puts jobs back at their places, or lets them wait for a duplicate. Their lifetime stood still since they were taken,
   * or since they were due. Of two jobs of one id, which a hold may take, the second waits for the first.
   * @param isHold whether they were held; such jobs may be not due yet
   * @returns how many came back
   */
  comeBack(jobs: readonly ModelJob[], since: number, now: number, isHold = false): number {
    const isFirst = ({ id }: ModelJob, i: number) => jobs.findIndex((one) => one.id === id) === i;
    const free = jobs.filter((job, i) => isFirst(job, i) && !this.hasToWait(job, now));
    for (const job of jobs) {
      const from = Math.max(since, job.dueAt ?? since);
      job.expiresAt = this.byLast(job.expiresAt + Math.max(0, now - from));
      if (!free.includes(job)) this.wait(job, Math.max(from, now), now);
    }
    const isDelayed = ({ dueAt }: ModelJob) => dueAt !== undefined && dueAt > now;
    for (const job of free.filter(isDelayed))
      if (isHold) this.line.giveBack(job);
      else this.putInLine(job, job.dueAt ?? now, now);
    this.line.bringBack(
      free.filter((job) => !isDelayed(job)),
      now,
    );
    return free.length;
  }

  /** Puts a job in line, after deleting an old entry of its id. */
  putInLine(job: ModelJob, dueAt: number, now: number): void {
    this.line.leave([job.id]);
    this.line.add(job, dueAt, now);
  }

  hasToWait({ id, topic }: ModelJob, now: number): boolean {
    return this.line.isTaken(id, now) || this.line.isBlocked(topic);
  }

  wait(job: ModelJob, since: number, now: number): void {
    this.waiting.push({ job, since, lookAt: now + LOOK_AGAIN_MS });
    this.lookLater(job.id, now);
  }

  /** Takes a waiting job out; its lifetime has stood still until now. */
  stopWaiting(one: Waiting, now: number): Waiting {
    const { job, since } = one;
    this.waiting.splice(this.waiting.indexOf(one), 1);
    this.lookLater(job.id, now);
    job.expiresAt = this.byLast(job.expiresAt + Math.max(0, now - since));
    return one;
  }

  /** If the jobs that wait for an id share one time for the next try, it starts again when one of them comes or goes. */
  lookLater(id: string, now: number): void {
    if (this.rules.waitingLooks === 'one an id')
      for (const one of this.waitingFor(id)) one.lookAt = now + LOOK_AGAIN_MS;
  }

  waitingFor(id: string): Waiting[] {
    return this.waiting.filter(({ job }) => job.id === id);
  }
}

export interface Reclaimed {
  /** The number of jobs that came back. */
  readonly back: number;
  readonly buried: readonly Letter[];
}

interface Turn {
  readonly at: number;
  readonly act: () => number;
}

const recordOf = ({ reservation, isAlone, number }: ModelLease): string =>
  isAlone ? `${reservation}.${number}` : `${reservation}`;
const byEnd = (a: ModelLease, b: ModelLease): number =>
  a.end - b.end ||
  a.reservation - b.reservation ||
  Number(a.isAlone) - Number(b.isAlone) ||
  a.number - b.number;

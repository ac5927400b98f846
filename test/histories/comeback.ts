import type { Letter, ModelJob, ModelLease, Waiting } from './job.js';
import type { Line } from './line.js';
import { DEFAULT_POLICY, endAttempt, hasRetryLeft, lossesOf } from './retries.js';
import type { Rules } from './rules.js';

/** While another job of its id is in line, a job is looked at so often (ms). */
export const LOOK_AGAIN_MS = 1000;

/** Jobs that are away from the line, in the hands of consumers, waiting or dead, and how they come back. */
export class Comeback {
  readonly leases: ModelLease[] = [];
  readonly waiting: Waiting[] = [];
  /** In the order of their death. */
  readonly letters: Letter[] = [];

  constructor(
    private readonly line: Line,
    private readonly rules: Rules,
  ) {}

  /** Ends a lease; what becomes of its job is the caller's affair. */
  end(lease: ModelLease): ModelLease {
    this.leases.splice(this.leases.indexOf(lease), 1);
    return lease;
  }

  /** No time is later than the last that a store knows; what has no end has none. */
  byLast(at: number): number {
    return at === Infinity ? Infinity : Math.min(at, this.rules.lastMs);
  }

  /** Failed for good. */
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
   * Jobs whose lease has ended come back, or are dead where no retry is left; and those come back that waited for
   * another one of their id that is gone.
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

  /** Leases of one reservation end as if their jobs had never been reserved. @returns how many are back */
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

  /** The first of these comes back when the id is free; the others wait on. */
  private lookAt(some: readonly Waiting[], now: number): number {
    const [first] = some;
    if (!first) return 0;
    for (const one of some) one.lookAt = now + LOOK_AGAIN_MS;
    if (this.hasToWait(first.job, now)) return 0;
    this.waiting.splice(this.waiting.indexOf(first), 1);
    return this.comeBack([first.job], first.since, now);
  }

  /**
   * Jobs go back to their places, or wait while another one of their id is in line. The lifetime stood still, which
   * begins when they are due. Of two jobs of one id, as a hold may take them, the second waits for the first.
   * @param isHold they stood in line before, also those that are not due yet
   * @returns how many are back
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

  /** An entry of its id that stands for no job any more goes first. */
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

  /** A job that waits is taken away: its lifetime has stood still until now. */
  stopWaiting(one: Waiting, now: number): Waiting {
    const { job, since } = one;
    this.waiting.splice(this.waiting.indexOf(one), 1);
    this.lookLater(job.id, now);
    job.expiresAt = this.byLast(job.expiresAt + Math.max(0, now - since));
    return one;
  }

  /** Where those that wait for an id have one time, it begins anew when one of them comes or goes. */
  lookLater(id: string, now: number): void {
    if (this.rules.waitingLooks === 'one an id')
      for (const one of this.waitingFor(id)) one.lookAt = now + LOOK_AGAIN_MS;
  }

  waitingFor(id: string): Waiting[] {
    return this.waiting.filter(({ job }) => job.id === id);
  }
}

export interface Reclaimed {
  /** How many jobs are in line again. */
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

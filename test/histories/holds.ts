import type { JobState } from '../../src/core/job.js';
import { isMeant, type Meant } from './beliefs.js';
import type { Comeback } from './comeback.js';
import type { ModelJob, ModelLease } from './job.js';
import type { Line } from './line.js';
import type { Rules } from './rules.js';

/** The states in which a job can be held. */
export const HELD = ['delayed', 'due', 'ready'] as const;

/** A job to hold, with its expected states. */
export interface MeantToHold extends Meant {
  readonly states: readonly JobState[];
  /** Whether it waits for a duplicate; undefined for either. */
  readonly isWaiting?: boolean | undefined;
}

export interface ModelHold {
  readonly leaseMs: number;
  readonly holder: string;
}

/** Holds of an operator: the end of such a lease leaves the job as it was; an ack deletes it. */
export class Holds {
  constructor(
    private readonly line: Line,
    private readonly back: Comeback,
    private readonly rules: Rules,
    private readonly nextReservation: () => number,
  ) {}

  /** @returns the lease of each job and its state before; undefined if the job is not as expected */
  hold(
    jobs: readonly MeantToHold[],
    { leaseMs, holder }: ModelHold,
    now: number,
  ): ({ readonly lease: ModelLease; readonly was: JobState } | undefined)[] {
    const taken = jobs.map((meant) => {
      const { isWaiting } = meant;
      const inLine = isWaiting === true ? undefined : this.takeInLine(meant, now);
      return inLine ?? (isWaiting === false ? undefined : this.takeWaiting(meant, now));
    });
    const end = this.back.byLast(now + leaseMs);
    const shared = {
      ...{ name: '', reservation: this.nextReservation(), count: taken.filter(Boolean).length },
      ...{ isAlone: false, isHold: true, policy: undefined, holder },
      ...{ firstEnd: end, since: now, end },
    };
    let number = 0;
    return taken.map((one) => {
      if (!one) return undefined;
      const lease = { ...shared, job: one.job, number: (number += 1) };
      one.job.attempts += 1;
      if (one.job.dueAt !== undefined) one.job.ttlMs ??= one.job.expiresAt - one.job.dueAt;
      this.back.leases.push(lease);
      return { lease, was: one.was };
    });
  }

  private takeInLine({ states, ...meant }: MeantToHold, now: number): Taken | undefined {
    const { id } = meant;
    const job = this.line.get(id);
    const was = this.line.state(id, now);
    if (!job || was === undefined || !states.includes(was)) return undefined;
    if (!isMeant(meant, job, true)) return undefined;
    this.line.drop(id);
    return { job, was };
  }

  /** Takes a waiting job, whose lifetime has stood still. */
  private takeWaiting({ states, ...meant }: MeantToHold, now: number): Taken | undefined {
    const jobs = states.includes('delayed') ? this.back.waitingFor(meant.id) : [];
    const found = jobs.filter(({ job }) => isMeant(meant, job, false));
    // Of several, Redis takes the one that came back first, SQLite the one that was pushed first.
    if (this.rules.waitingLooks === 'one a job') found.sort((a, b) => a.job.number - b.job.number);
    const [waiting] = found;
    if (!waiting) return undefined;
    const { job } = this.back.stopWaiting(waiting, now);
    return { job, was: 'delayed' };
  }
}

interface Taken {
  readonly job: ModelJob;
  readonly was: JobState;
}

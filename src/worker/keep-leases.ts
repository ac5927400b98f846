import type { LeasedJob } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import type { CallOptions } from '../core/requests.js';
import { monotonicMs } from '../core/timer.js';

/** Jobs that were leased with one call. */
export interface Reservation {
  readonly jobs: readonly HeldJob[];
  /** On the monotonic clock: when the reserve was sent. */
  readonly reservedAtMs: number;
  /** How many of its jobs are not handled yet, nor dropped as lost. */
  unfinished: number;
}

/** A leased job and what is known of its lease. */
export interface HeldJob {
  job: LeasedJob;
  readonly reservation: Reservation;
  /** Place in the order in which this worker leased its jobs. */
  readonly order: number;
  /**
   * On the monotonic clock: until then the job is surely this worker's. It counts from before the request was sent,
   * because the lease began at some time between that and the answer.
   */
  heldUntilMs: number;
  /** The store said that the lease is not held any more. */
  isLost: boolean;
  /** It was lost before its time was over: its handler ended the lease, or the job was removed. */
  wasHeldUntilLost: boolean;
  /** The lease was ended: its ack, nack or release is on its way. */
  isEnded: boolean;
  /** The call that ended the lease was not answered; it may have been done. */
  isPerhapsEnded: boolean;
}

/**
 * Keeps leases alive until they are ended. All leases of a reservation are renewed together, also those of jobs that
 * are done and wait for their ack, because the store then moves one deadline instead of many.
 */
export class LeaseKeeper {
  private reservations: Reservation[] = [];
  private leased = 0;
  private timer: NodeJS.Timeout | undefined;
  private renewing: Promise<void> | undefined;

  constructor(
    private readonly queue: Queue,
    private readonly leaseMs: number,
    /** May handlers end leases themselves? */
    private readonly knowsLeases: boolean,
    private readonly onLost: () => void,
    /** How long an answer of the store is waited for. */
    private readonly limits: () => CallOptions,
  ) {}

  start(): void {
    // A renewal that fails is tried again. Until one succeeds, a job whose lease may have ended is not delivered.
    this.timer = setInterval(() => void this.renew().catch(() => undefined), this.leaseMs / 3);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** @param sentAtMs when the reserve was sent, on the monotonic clock */
  add(jobs: readonly LeasedJob[], sentAtMs: number): readonly HeldJob[] {
    const held: HeldJob[] = [];
    const reservation: Reservation = { jobs: held, reservedAtMs: sentAtMs, unfinished: jobs.length };
    const heldUntilMs = sentAtMs + this.leaseMs;
    for (const job of jobs) {
      this.leased += 1;
      // Written without a spread: a worker makes tens of thousands of these a second.
      held.push({
        job,
        reservation,
        order: this.leased,
        heldUntilMs,
        isLost: false,
        wasHeldUntilLost: false,
        isEnded: false,
        isPerhapsEnded: false,
      });
    }
    this.reservations = this.reservations.filter((one) => one.jobs.some(isOpen));
    this.reservations.push(reservation);
    return held;
  }

  /**
   * May these jobs be delivered without asking the store? Leases are renewed after a third of their time; if more
   * than half is over, renewals failed or the process was stopped.
   */
  areFresh(jobs: readonly HeldJob[]): boolean {
    const nowMs = monotonicMs();
    return jobs.every(({ isLost, heldUntilMs }) => !isLost && heldUntilMs - nowMs > this.leaseMs / 2);
  }

  isHeld({ isLost, heldUntilMs }: HeldJob): boolean {
    return !isLost && monotonicMs() < heldUntilMs;
  }

  /** Asks the store which leases are still held, and renews these. */
  async refresh(jobs: readonly HeldJob[]): Promise<void> {
    await this.renew();
    // The renewal that was under way may have been sent before the process was stopped.
    if (jobs.some((one) => !one.isLost && !this.isHeld(one))) await this.renew();
  }

  private renew(): Promise<void> {
    this.renewing ??= this.extendAll().finally(() => {
      this.renewing = undefined;
    });
    return this.renewing;
  }

  private async extendAll(): Promise<void> {
    const held = this.reservations.flatMap(({ jobs }) => jobs.filter(isOpen));
    if (held.length === 0) return;
    const heldUntilMs = monotonicMs() + this.leaseMs;
    const ends = await this.queue.extend(
      held.map(({ job }) => job.lease),
      this.leaseMs,
      this.limits(),
    );
    for (const [i, one] of held.entries()) {
      const leaseUntil = ends[i];
      if (leaseUntil === undefined) {
        one.isLost = true;
        one.wasHeldUntilLost = this.knowsLeases && monotonicMs() < one.heldUntilMs;
      } else {
        one.job = { ...one.job, leaseUntil };
        one.heldUntilMs = heldUntilMs;
      }
    }
    if (held.some(({ isLost }) => isLost)) this.onLost();
  }
}

const isOpen = ({ isLost, isEnded }: HeldJob): boolean => !isLost && !isEnded;

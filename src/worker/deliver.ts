import type { JobEvent } from '../core/events.js';
import { monotonicMs } from '../core/timer.js';
import type { Acknowledger } from './acknowledge.js';
import { Call } from './call.js';
import type { Load } from './fetch.js';
import type { Handler, Outcome } from './handler.js';
import type { HeldJob, LeaseKeeper } from './keep-leases.js';
import type { LockKeeper } from './lock.js';

export interface DeliveryListener {
  /** No more jobs are to be delivered. */
  readonly isOver: boolean;
  /** A call has ended after so long (ms); its outcomes are with the acknowledger. */
  onCallEnded(jobs: readonly HeldJob[], ms: number): void;
  /** The lease of a job was ended during its call. */
  onSettled(): void;
  /** The handler was rejected. */
  onHandlerFailed(error: unknown): void;
  /** The store could not be asked whether the leases are still held. */
  onRefreshFailed(error: unknown): Promise<void>;
  onJob(event: JobEvent): void;
}

export interface DeliveryOptions {
  readonly handler: Handler;
  /** A call that takes longer (ms) is stopped. */
  readonly timeoutMs?: number | undefined;
  /** Does the listener want an event for each job that is started? */
  readonly tellsEachJob: boolean;
}

/** The other parts of the worker. */
export interface DeliveryParts {
  readonly leases: LeaseKeeper;
  readonly acks: Acknowledger;
  readonly lock: LockKeeper | undefined;
}

/** Gives jobs to the handler and passes their outcomes on; any number of calls at once. */
export class Deliverer implements Load {
  /** True when the handler accepts no more. */
  isClosed = false;
  private readonly calls = new Set<Call>();
  jobCount = 0;

  constructor(
    private readonly options: DeliveryOptions,
    private readonly parts: DeliveryParts,
    private readonly listener: DeliveryListener,
  ) {}

  get callCount(): number {
    return this.calls.size;
  }

  /** Begins a call, and does not wait. */
  begin(jobs: readonly HeldJob[]): void {
    const call = new Call(
      jobs,
      (job, outcome) => {
        this.pass(job, outcome);
        this.listener.onSettled();
      },
      (refreshed) => this.parts.leases.refresh(refreshed),
    );
    this.calls.add(call);
    this.jobCount += jobs.length;
    const begunAtMs = monotonicMs();
    void this.deliver(call).finally(() => {
      call.end();
      this.calls.delete(call);
      this.jobCount -= jobs.length;
      this.listener.onCallEnded(jobs, monotonicMs() - begunAtMs);
    });
  }

  /** Stops the calls that have lost all their jobs. */
  stopLost(): void {
    for (const call of this.calls) call.stopIfLost();
  }

  /** Stops all calls at once. */
  stopAll(): void {
    for (const call of this.calls) call.stop('shutdown');
  }

  private async deliver(call: Call): Promise<void> {
    if (!this.parts.leases.areFresh(call.jobs) || this.parts.lock?.isSure === false) {
      call.jobs = await this.stillHeld(call.jobs);
      if (call.jobs.length === 0) return;
    }
    const { handler, timeoutMs, tellsEachJob } = this.options;
    if (timeoutMs !== undefined) call.stopAfter(timeoutMs);
    const jobs = call.jobs.map(({ job }) => job);
    if (tellsEachJob) for (const job of jobs) this.listener.onJob({ type: 'job_started', job });
    try {
      const { outcomes, isClosed = false } = await handler.handle(jobs, call);
      if (isClosed) this.isClosed = true;
      for (const [i, job] of call.jobs.entries()) {
        if (!call.isSettled(job)) this.pass(job, outcomes[i] ?? 'release');
      }
    } catch (error) {
      this.release(call.jobs.filter((job) => !call.isSettled(job)));
      this.listener.onHandlerFailed(error);
    }
  }

  private pass(held: HeldJob, outcome: Outcome): void {
    // A function whose job is lost goes on, and accepts the next one.
    if (held.isLost && this.options.handler.knowsLeases === true) {
      this.parts.acks.addLost(held);
      return;
    }
    if (outcome === 'release') this.isClosed = true;
    this.parts.acks.add(held, outcome);
  }

  /**
   * Finds the jobs that are surely this worker's now; the others are given back, unless they are lost. Without the
   * lock, none is: another worker has it.
   */
  private async stillHeld(jobs: readonly HeldJob[]): Promise<readonly HeldJob[]> {
    const { lock } = this.parts;
    try {
      if (lock?.isSure === false && !(await lock.take())) {
        this.release(jobs);
        return [];
      }
      await this.parts.leases.refresh(jobs);
    } catch (error) {
      this.release(jobs);
      await this.listener.onRefreshFailed(error);
      return [];
    }
    const isOver = this.listener.isOver;
    const held: HeldJob[] = [];
    for (const job of jobs) {
      if (job.isLost) job.reservation.unfinished -= 1;
      else if (!isOver && this.parts.leases.isHeld(job)) held.push(job);
      else this.parts.acks.add(job, 'release');
    }
    return held;
  }

  private release(jobs: readonly HeldJob[]): void {
    for (const job of jobs) this.parts.acks.add(job, 'release');
  }
}

import type { Acknowledger } from './acknowledge.js';
import type { Load } from './fetch.js';
import type { Handler, HandlerContext } from './handler.js';
import type { HeldJob, LeaseKeeper } from './keep-leases.js';

/** One call of the handler. */
class Call implements HandlerContext {
  private lost: AbortController | undefined;

  constructor(readonly jobs: readonly HeldJob[]) {}

  get signal(): AbortSignal {
    // Made on demand: it costs more than everything else that is done here for jobs that are only printed.
    this.lost ??= new AbortController();
    this.abortIfLost();
    return this.lost.signal;
  }

  abortIfLost(): void {
    if (this.lost && this.jobs.every(({ isLost }) => isLost)) this.lost.abort();
  }
}

export interface DeliveryListener {
  /** Is nothing more to be delivered? */
  readonly isOver: boolean;
  /** A call has ended; its outcomes are with the acknowledger. */
  onCallEnded(jobs: readonly HeldJob[]): void;
  /** The handler was rejected. */
  onHandlerFailed(error: unknown): void;
  /** The store could not be asked whether the leases are still held. */
  onRefreshFailed(error: unknown): Promise<void>;
}

/** Gives jobs to the handler and passes their outcomes on; any number of calls at once. */
export class Deliverer implements Load {
  /** True when the handler accepts no more. */
  isClosed = false;
  private readonly calls = new Set<Call>();
  jobCount = 0;

  constructor(
    private readonly handler: Handler,
    private readonly leases: LeaseKeeper,
    private readonly acks: Acknowledger,
    private readonly listener: DeliveryListener,
  ) {}

  get callCount(): number {
    return this.calls.size;
  }

  /** Begins a call, and does not wait. */
  begin(jobs: readonly HeldJob[]): void {
    const call = new Call(jobs);
    this.calls.add(call);
    this.jobCount += jobs.length;
    void this.deliver(call).finally(() => {
      this.calls.delete(call);
      this.jobCount -= jobs.length;
      this.listener.onCallEnded(jobs);
    });
  }

  /** Aborts the signals of the calls that have lost all their jobs. */
  abortLost(): void {
    for (const call of this.calls) call.abortIfLost();
  }

  private async deliver(call: Call): Promise<void> {
    let held = call.jobs;
    if (!this.leases.areFresh(held)) {
      held = await this.stillHeld(held);
      if (held.length === 0) return;
    }
    try {
      const leased = held.map(({ job }) => job);
      const { outcomes, isClosed = false } = await this.handler.handle(leased, call);
      if (isClosed) this.isClosed = true;
      for (const [i, job] of held.entries()) {
        const outcome = outcomes[i] ?? 'release';
        if (outcome === 'release') this.isClosed = true;
        this.acks.add(job, outcome);
      }
    } catch (error) {
      this.release(held);
      this.listener.onHandlerFailed(error);
    }
  }

  /** Which jobs are surely this worker's now; the others are given back, if they are not lost. */
  private async stillHeld(jobs: readonly HeldJob[]): Promise<readonly HeldJob[]> {
    try {
      await this.leases.refresh(jobs);
    } catch (error) {
      this.release(jobs);
      await this.listener.onRefreshFailed(error);
      return [];
    }
    const isOver = this.listener.isOver;
    const held: HeldJob[] = [];
    for (const job of jobs) {
      if (job.isLost) job.reservation.unfinished -= 1;
      else if (!isOver && this.leases.isHeld(job)) held.push(job);
      else this.acks.add(job, 'release');
    }
    return held;
  }

  private release(jobs: readonly HeldJob[]): void {
    for (const job of jobs) this.acks.add(job, 'release');
  }
}

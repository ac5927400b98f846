import type { HandlerContext, Outcome, StopReason } from './handler.js';
import type { HeldJob } from './keep-leases.js';

/** One call of the handler. */
export class Call implements HandlerContext {
  stopReason: StopReason | undefined;
  /** The jobs that the handler was given. */
  jobs: readonly HeldJob[];
  private controller: AbortController | undefined;
  private listener: ((reason: StopReason) => void) | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** Jobs whose leases were ended during the call. */
  private settled: Set<HeldJob> | undefined;
  private isOver = false;

  constructor(
    jobs: readonly HeldJob[],
    private readonly onSettle: (job: HeldJob, outcome: Outcome) => void,
    private readonly refresh: (jobs: readonly HeldJob[]) => Promise<void>,
  ) {
    this.jobs = jobs;
  }

  get signal(): AbortSignal {
    // Created on demand: for jobs that are only printed it would cost more than all the rest here.
    this.controller ??= new AbortController();
    if (this.stopReason !== undefined) this.controller.abort();
    return this.controller.signal;
  }

  onStop(listener: (reason: StopReason) => void): void {
    this.listener = listener;
    if (this.stopReason !== undefined) listener(this.stopReason);
  }

  async wereEnded(): Promise<boolean> {
    await this.refresh(this.jobs).catch(() => undefined);
    return this.jobs.some(({ wasHeldUntilLost }) => wasHeldUntilLost);
  }

  settle(place: number, outcome: Outcome): boolean {
    const job = this.jobs[place];
    if (this.isOver || job === undefined || this.isSettled(job)) return false;
    this.settled ??= new Set();
    this.settled.add(job);
    this.onSettle(job, outcome);
    return true;
  }

  isSettled(job: HeldJob): boolean {
    return this.settled?.has(job) === true;
  }

  stopAfter(ms: number): void {
    this.timer = setTimeout(() => this.stop('timeout'), ms);
  }

  /** Only the first reason counts. */
  stop(reason: StopReason): void {
    if (this.stopReason !== undefined) return;
    this.stopReason = reason;
    this.listener?.(reason);
    this.controller?.abort();
  }

  stopIfLost(): void {
    if (this.jobs.every((job) => job.isLost || this.isSettled(job)) && this.jobs.some(({ isLost }) => isLost))
      this.stop('lost');
  }

  end(): void {
    this.isOver = true;
    clearTimeout(this.timer);
  }
}

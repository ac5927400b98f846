import type { CallOptions } from '../core/requests.js';
import { type AbortSignalLike, monotonicMs } from '../core/timer.js';
import { type Rate, StartLimiter } from './rate.js';

/** Limits a worker's work: how many jobs, how many in a time, and until when. */
export class Bounds {
  private readonly limiter: StartLimiter | undefined;
  private timer: NodeJS.Timeout | undefined;
  private room: Promise<void> | undefined;

  constructor(
    private readonly options: {
      readonly max?: number | undefined;
      readonly rate?: Rate | undefined;
      /** Has counted earlier starts as well; the worker has its own when absent. */
      readonly limiter?: StartLimiter | undefined;
      /** On the monotonic clock. */
      readonly untilMs?: number | undefined;
      /** Returns a promise while the output has no room for that of more jobs. */
      readonly waitForRoom?: (() => Promise<void> | undefined) | undefined;
    },
  ) {
    this.limiter = options.limiter ?? (options.rate && new StartLimiter(options.rate));
  }

  /** How long (ms) the window is open; Infinity where there is none. */
  get leftMs(): number {
    return Math.max(0, (this.options.untilMs ?? Infinity) - monotonicMs());
  }

  /**
   * Limits how long an answer of the store is waited for, so that a store that hangs does not extend the window
   * much, or delay the end after a signal.
   */
  limits(signal: AbortSignalLike): CallOptions {
    return { signal, timeoutMs: this.options.untilMs === undefined ? undefined : this.leftMs };
  }

  /** How many more jobs may be taken, when so many were taken already. */
  left(taken: number): number {
    return (this.options.max ?? Infinity) - taken;
  }

  /** How many jobs the rate allows to be started now. */
  get mayStart(): number {
    return this.limiter?.free ?? Infinity;
  }

  /** How long (ms) until the rate allows one more; 0 when it does now. */
  get startInMs(): number {
    return this.limiter?.waitMs ?? 0;
  }

  onStarted(jobs: number): void {
    this.limiter?.start(jobs);
  }

  /** Calls back when the rate allows one more job, or the window is over. */
  whenOneMayStart(wake: () => void): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(wake, Math.min(this.startInMs, this.leftMs));
  }

  /** Does the output have no room for that of more jobs? Calls back when it has. */
  isHeldUp(wake: () => void): boolean {
    this.room ??= this.options.waitForRoom?.()?.then(() => {
      this.room = undefined;
      wake();
    });
    return this.room !== undefined;
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}

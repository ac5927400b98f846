import { monotonicMs } from '../core/timer.js';

/** At most `count` starts in any `perMs` (ms). */
export interface Rate {
  readonly count: number;
  readonly perMs: number;
}

/** Decides how many jobs may be started now, by when those before were started. */
export class StartLimiter {
  /** When jobs were started, on the monotonic clock, oldest first; at most `count` of them. */
  private starts: number[] = [];

  constructor(private readonly rate: Rate) {}

  get free(): number {
    const sinceMs = monotonicMs() - this.rate.perMs;
    const past = this.starts.findIndex((atMs) => atMs > sinceMs);
    this.starts.splice(0, past === -1 ? this.starts.length : past);
    return this.rate.count - this.starts.length;
  }

  /** How long (ms) until one more may be started; 0 when one may be now. */
  get waitMs(): number {
    if (this.free > 0) return 0;
    return Math.max(0, (this.starts[0] ?? 0) + this.rate.perMs - monotonicMs());
  }

  start(jobs: number): void {
    const nowMs = monotonicMs();
    for (let i = 0; i < jobs; i += 1) this.starts.push(nowMs);
  }
}

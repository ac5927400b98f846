import type { CallLimits } from '../../core/store.js';
import { type AbortSignalLike, MAX_TIMER_MS, monotonicMs, onAbort } from '../../core/timer.js';

/**
 * How long the answer to one request is waited for: until the caller's time is over or a signal aborts, and
 * some ms of grace, for it may be on its way.
 */
export class Patience {
  /** Does nobody wait any more? */
  isOver = false;
  private readonly beganAtMs = monotonicMs();
  private timer: NodeJS.Timeout | undefined;

  private constructor(
    private readonly untilMs: number,
    private readonly signals: readonly (AbortSignalLike | undefined)[],
    private readonly graceMs: number,
  ) {}

  /** Nothing where the answer is waited for as long as the connection lasts. */
  static of(
    { untilMs = Infinity, signal }: CallLimits,
    shutdown: AbortSignalLike | undefined,
    graceMs: number,
  ): Patience | undefined {
    if (untilMs === Infinity && signal === undefined && shutdown === undefined) return undefined;
    return new Patience(untilMs, [signal, shutdown], graceMs);
  }

  get waitedMs(): number {
    return monotonicMs() - this.beganAtMs;
  }

  /** The answer, or a rejection with what `onOver` gives; the answer is not asked for again then. */
  bound<T>(answer: Promise<T>, onOver: () => Error): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const end = () => {
        this.isOver = true;
        settle();
        reject(onOver());
      };
      const endWithin = (ms: number) => {
        clearTimeout(this.timer);
        this.timer = setTimeout(end, Math.min(Math.max(0, ms) + this.graceMs, MAX_TIMER_MS));
      };
      if (this.untilMs < Infinity) endWithin(this.untilMs - this.beganAtMs);
      const forget = this.signals.map((signal) => onAbort(signal, () => endWithin(0)));
      const settle = () => {
        clearTimeout(this.timer);
        for (const one of forget) one();
      };
      // Whichever comes second has nobody who hears of it.
      answer.finally(settle).then(resolve, reject);
    });
  }
}

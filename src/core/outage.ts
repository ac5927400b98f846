import { backoffMs } from './backoff.js';
import { DelayerError, isLasting } from './errors.js';
import type { OnEvent } from './events.js';
import type { CallLimits } from './store.js';
import { isTimeOver, monotonicMs, sleep } from './timer.js';

/** Lets a waiting call survive outages of the store. Only the first contact has to succeed. */
export class Outage {
  private hasAnswered = false;
  private failures = 0;

  constructor(
    private readonly store: string,
    private readonly onEvent: OnEvent = () => undefined,
  ) {}

  /** The store has answered. */
  end(): void {
    this.hasAnswered = true;
    if (this.failures > 0) this.onEvent({ type: 'store_back', store: this.store });
    this.failures = 0;
  }

  /** Waits, and answers whether to try again. */
  async waitOut(error: unknown, limits: CallLimits): Promise<boolean> {
    if (!this.hasAnswered || !(error instanceof DelayerError) || isLasting(error) || isTimeOver(limits))
      return false;
    if (this.failures === 0) this.onEvent({ type: 'store_lost', store: this.store, error });
    this.failures += 1;
    const restMs = (limits.untilMs ?? Infinity) - monotonicMs();
    await sleep(Math.min(backoffMs(this.failures - 1), restMs), limits.signal);
    return true;
  }
}

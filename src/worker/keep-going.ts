import type { Reserved } from '../core/results.js';
import type { AbortSignalLike } from '../core/timer.js';

/** The call of the store that failed; `ack` includes nack. */
export type StoreCall = 'reserve' | 'extend' | 'ack' | 'release';

/** What makes a worker go on where a single pass ends. */
export interface KeepGoing {
  /** After a reserve that found nothing: resolves when there may be jobs, or when aborted. */
  waitForMore(found: Reserved, signal: AbortSignalLike): Promise<void>;
  /**
   * Resolves with true when it is time to try again, or with false when the error does not pass by itself.
   */
  waitForRetry(error: unknown, call: StoreCall, signal: AbortSignalLike): Promise<boolean>;
  /** The store has answered a call; `jobs` is how many it reserved. */
  onAnswer(call: 'reserve' | 'ack', jobs: number): void;
}

import type { DelayerError } from './errors.js';

/**
 * What a worker or daemon reports while it runs. Values, not sentences: the command line makes sentences of
 * them, and logs and metrics read them as they are.
 */
export type DelayerEvent =
  /** The store failed, and the work goes on when it is back. One event an outage, however many tries it takes. */
  | { readonly type: 'store_lost'; readonly store: string; readonly error: DelayerError }
  | { readonly type: 'store_back'; readonly store: string }
  /** A pass of the cron loop failed; the next one tries again. */
  | { readonly type: 'pass_failed'; readonly error: DelayerError }
  /** A step of maintenance that moved something. */
  | {
      readonly type: 'maintained';
      readonly promoted: number;
      readonly reclaimed: number;
      readonly expired: number;
      readonly deleted: number;
    }
  /** Due jobs cannot be moved because a key of the wrong type is in their way. One event when that begins. */
  | { readonly type: 'jobs_stuck'; readonly jobs: number }
  | { readonly type: 'jobs_unstuck' }
  /** The daemon cannot note that it is alive, and works all the same. */
  | { readonly type: 'announce_failed'; readonly error: DelayerError };

export type OnEvent = (event: DelayerEvent) => void;

import type { DelayerError } from './errors.js';
import type { Lateness } from './lateness.js';
import type { Repairs } from './results.js';

/** What a daemon has done since it began, in jobs. */
export interface DaemonTotals {
  readonly promoted: number;
  /** Expired jobs that were cleared away. */
  readonly expired: number;
  /** Jobs whose lease had ended, and that are ready again. */
  readonly reclaimed: number;
  /** Dead letters that were deleted because their time was over. */
  readonly deleted: number;
}

/** Upper bounds (ms) of the classes in which step times are counted; one more class lies above. */
export const STEP_BOUNDS_MS: readonly number[] = [1, 2, 5, 10, 25, 50, 100, 250, 1000, 5000];

/** The state of a running daemon, for whoever watches it. */
export interface DaemonStatus {
  readonly totals: DaemonTotals;
  /** Jobs that became dead letters because their lease ended once too often. */
  readonly buried: number;
  /**
   * Second entries of ready jobs that were removed: a daemon of the original kind works on the same store.
   */
  readonly doubled: number;
  /** Addresses of clients that poll the store as a daemon of the original kind does, at the last look. */
  readonly originalDaemons: readonly string[];
  /** Other things that it has cleared away, by kind. */
  readonly repairs: Required<Repairs>;
  /** Bodies that have had no key with their id for some minutes. */
  readonly unnamedBodies: number;
  /** Keys of the store with a wrong type. */
  readonly wrongTypes: readonly string[];
  /** Due jobs that cannot be moved now because of a key with a wrong type. */
  readonly stuck: number;
  /** The lateness of all jobs that it promoted; absent when there was none. */
  readonly lateness: Lateness | undefined;
  /** How late (ms) the jobs are that it promotes now; 0 when no due job is left. */
  readonly behindMs: number;
  /**
   * How long its steps took, from the request to the answer, without the time in which the step before was under
   * way: the count in each class of STEP_BOUNDS_MS, and the sum.
   */
  readonly steps: { readonly counts: readonly number[]; readonly sumMs: number };
  /** When (ms, on the monotonic clock) the store answered last; absent before the first answer. */
  readonly answeredAtMs: number | undefined;
  /** The longest time (ms) between an answer and the next request while the store answers. */
  readonly longestPauseMs: number;
  /** Why the store cannot be used now; absent when it can. */
  readonly lost: DelayerError | undefined;
  /** How often the store was lost. */
  readonly outages: number;
}

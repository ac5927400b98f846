import type { DelayerError } from './errors.js';
import type { Lateness } from './lateness.js';
import type { Repairs } from './results.js';

/** What a daemon has done since it began, in jobs. */
export interface DaemonTotals {
  readonly promoted: number;
  /** Expired jobs that were cleared away. */
  readonly expired: number;
  /** Jobs whose lease had ended, and which are ready again. */
  readonly reclaimed: number;
  /** Dead letters past their time that were deleted. */
  readonly deleted: number;
}

/** Upper bounds (ms) of the classes in which the times of steps are counted; one more class is above. */
export const STEP_BOUNDS_MS: readonly number[] = [1, 2, 5, 10, 25, 50, 100, 250, 1000, 5000];

/** How a daemon does, for whoever watches it while it runs. */
export interface DaemonStatus {
  readonly totals: DaemonTotals;
  /** Jobs that it made dead letters of, because their lease ended once too often. */
  readonly buried: number;
  /** Second entries of ready jobs that it took away: a daemon of the original kind is at work beside it. */
  readonly doubled: number;
  /** Addresses of clients that poll the store as a daemon of the original kind does, at the last look. */
  readonly originalDaemons: readonly string[];
  /** What else it has cleared away, by kind. */
  readonly repairs: Required<Repairs>;
  /** Bodies that no key names, and has not for some minutes. */
  readonly unnamedBodies: number;
  /** Keys of the store that hold another type than belongs there. */
  readonly wrongTypes: readonly string[];
  /** Due jobs that a key of the wrong type keeps from being moved now. */
  readonly stuck: number;
  /** Of all jobs that it promoted; absent when there was none. */
  readonly lateness: Lateness | undefined;
  /** How late (ms) the jobs are that it promotes now; 0 when none is left that is due. */
  readonly behindMs: number;
  /**
   * How long its steps took, from asking the store to its answer, without the time in which the step before was under way:
   * how many in each class of STEP_BOUNDS_MS, and in all.
   */
  readonly steps: { readonly counts: readonly number[]; readonly sumMs: number };
  /** When (ms, on the monotonic clock) the store has answered last; absent before the first answer. */
  readonly answeredAtMs: number | undefined;
  /** Why the store cannot be used now. */
  readonly lost: DelayerError | undefined;
  /** How often it was lost. */
  readonly outages: number;
}

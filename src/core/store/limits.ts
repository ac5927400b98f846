import type { AbortSignalLike } from '../timer.js';

/**
 * How long a caller waits for an answer. When the time is over or the signal aborts, a call ends soon after:
 * with what it has found by then, or rejected. It may have been done all the same.
 */
export interface CallLimits {
  /** On the monotonic clock (ms). */
  readonly untilMs?: number | undefined;
  readonly signal?: AbortSignalLike | undefined;
}

/**
 * So much longer (ms) a store tries what its caller has to know the outcome of, and waits for the answer: a lease
 * whose ack is given up is a job that is delivered twice.
 */
export const OUTCOME_GRACE_MS = 2000;

export interface TopicParams {
  /** At least one, each once, in order of preference. */
  readonly topics: readonly Buffer[];
}

import type { AbortSignalLike } from '../timer.js';

/**
 * How long a caller waits for an answer. When the time is over or the signal aborts, the call ends soon after: with
 * what it has found until then, or with an error. It may have been done all the same.
 */
export interface CallLimits {
  /** On the monotonic clock (ms). */
  readonly untilMs?: number | undefined;
  readonly signal?: AbortSignalLike | undefined;
}

/**
 * How much longer (ms) a store tries a call, and waits for its answer, when the caller needs to know the outcome: if
 * the ack of a lease is given up, its job is delivered twice.
 */
export const OUTCOME_GRACE_MS = 2000;

export interface TopicParams {
  /** At least one topic, each once, in order of preference. */
  readonly topics: readonly Buffer[];
}

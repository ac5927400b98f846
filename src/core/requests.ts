import type { OnEvent } from './events.js';
import type { Bytes, JobState } from './job.js';
import type { PushResult } from './results.js';
import type { AbortSignalLike } from './timer.js';

/** What a queue is asked for. */

/** Text stands for its UTF-8 bytes. */
export type TextOrBytes = string | Uint8Array;

/** A job to push. Its delay (ms) counts from now, its ready lifetime (ms) from its due time. */
export interface PushRequest {
  readonly topic: TextOrBytes;
  readonly body: TextOrBytes;
  /** A UUID when absent. */
  readonly id?: TextOrBytes | undefined;
  /** 0 when neither `delayMs` nor `at` is given; `at` in the past means now. */
  readonly delayMs?: number | undefined;
  readonly at?: Date | undefined;
  /** A week when absent. */
  readonly ttlMs?: number | undefined;
}

/** One topic, or several in order of preference. */
export type Topics = TextOrBytes | readonly TextOrBytes[];

/** A lease string, or the leased job that has it. */
export type LeaseLike = string | { readonly lease: string };

export interface PushReceipt extends PushResult {
  readonly id: Bytes;
}

/** How long the answer of the store is waited for: as long as it may come when absent. The call may be done all the same. */
export interface CallOptions {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignalLike | undefined;
}

export interface ReserveRequest extends CallOptions {
  readonly topics: Topics;
  readonly limit: number;
  readonly leaseMs: number;
}

export interface WaitOptions {
  /** For ever when absent. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignalLike | undefined;
}

export interface BpopOptions extends WaitOptions {
  /** Is told of an outage of the store, and of its end. */
  readonly onEvent?: OnEvent | undefined;
}

export interface ReadyWaitOptions extends WaitOptions {
  /** The `revision` of the reserve that found nothing: what became ready after it ends the wait. When absent, what has changed since the wait before. */
  readonly since?: number | undefined;
}

/** How a job failed: `delayMs` until the next try, or `dead` for good, kept for `deadTtlMs` (30 days; 0: for ever). */
export interface NackOptions extends CallOptions {
  readonly delayMs?: number | undefined;
  readonly dead?: boolean | undefined;
  readonly deadTtlMs?: number | undefined;
  /** Kept with a dead letter; cut after 4 KiB. */
  readonly reason?: string | undefined;
}

export interface ListQuery {
  /** All states when absent. */
  readonly states?: readonly JobState[] | undefined;
  readonly dueBefore?: Date | undefined;
  readonly dueAfter?: Date | undefined;
  /** `*`, `?`, `[a-z]` and a backslash, on bytes; case matters. */
  readonly idGlob?: string | undefined;
  /** Jobs on a page; 50 when absent. */
  readonly limit?: number | undefined;
  /** From a page before. */
  readonly cursor?: string | undefined;
}

import type { OnEvent } from './events.js';
import type { Attempt, Bytes, JobState, OwnRetry } from './job.js';
import type { ImportProgress } from './transfer.js';
import type { OnExisting, PushResult } from './results.js';
import type { RetryOptions } from './retry-policy.js';
import type { AbortSignalLike } from './timer.js';

/** What a queue is asked for. */

/** Text stands for its UTF-8 bytes. */
export type TextOrBytes = string | Uint8Array;

/** A job to push. Its delay (ms) counts from now, its ready lifetime (ms) from its due time. */
export interface PushRequest extends OwnRetry {
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

/**
 * How long the answer of the store is waited for; as long as the connection may still bring it when both are absent.
 * What was sent may be done all the same.
 */
export interface CallOptions {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignalLike | undefined;
}

export interface PopOptions extends CallOptions {
  /** Is told of jobs that became dead letters because the pop found their lease ended once too often, and when nothing was found because every topic is paused. */
  readonly onEvent?: OnEvent | undefined;
}

export interface ReserveRequest extends CallOptions {
  readonly topics: Topics;
  readonly limit: number;
  readonly leaseMs: number;
  /**
   * What becomes of jobs that fail, or whose lease ends. False: a job that is nacked without more is tried
   * again, and one whose lease ends is ready again, however often, and whatever retries it was pushed with.
   */
  readonly retry?: RetryOptions | false | undefined;
  /** Who reserves, for people who look at the job: `host:pid`. */
  readonly holder?: string | undefined;
  /** Reserves only while it has this lock, and takes it when it is free. */
  readonly lock?: Lock | undefined;
}

/**
 * A lock on a store, by name. It is held by one owner at a time, until `unlock`, or 30 s after it was last
 * reserved under or renewed.
 */
export interface Lock {
  readonly name: TextOrBytes;
  /** Text that nobody else has. */
  readonly owner: string;
}

export interface WaitOptions {
  /** For ever when absent. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignalLike | undefined;
}

export interface BpopOptions extends WaitOptions {
  /** Is told of an outage of the store and of its end, and of dead letters and paused topics as with a pop. */
  readonly onEvent?: OnEvent | undefined;
}

export interface PushWaitOptions extends WaitOptions {
  /** The longest wait (ms) where the store cannot tell of pushes by all clients; the whole time when absent. */
  readonly pollMs?: number | undefined;
}

export interface ReadyWaitOptions extends WaitOptions {
  /** The `revision` of the reserve that found nothing: what became ready after it ends the wait. When absent, what has changed since the wait before. */
  readonly since?: number | undefined;
}

/**
 * How a job failed. It is tried again as the job itself or its lease says, and is dead when no retry is left.
 */
export interface NackOptions extends CallOptions {
  /** How long until the next try, in place of the backoff. */
  readonly delayMs?: number | undefined;
  /** For good, whatever retries are left. */
  readonly dead?: boolean | undefined;
  /** How long a job that is `dead` is kept (0: for ever), in place of what its lease says. */
  readonly deadTtlMs?: number | undefined;
  /** Kept with the attempt and the dead letter; of a longer one than 4 KiB the end is kept. */
  readonly reason?: string | undefined;
  /** Of the program that handled the job; kept with the attempt. */
  readonly exitCode?: number | undefined;
  readonly signalName?: string | undefined;
}

/**
 * A job by its id, and what is believed of it, as a JobRecord has it: a job that is otherwise is left alone. What is
 * absent may be anything.
 */
export interface JobReference {
  readonly id: TextOrBytes;
  readonly dueAt?: Date | undefined;
  readonly topic?: TextOrBytes | undefined;
  readonly body?: TextOrBytes | undefined;
  /** Of a job in line; others are not asked, because the lifetime of one that is leased or waits stands still. */
  readonly expiresAt?: Date | undefined;
}

/** A job to remove, and what it is believed to be. */
export interface RemoveRequest extends JobReference {
  /** In place of those of the call. */
  readonly states?: readonly JobState[] | undefined;
  /** When a dead letter is believed to have failed: others of its id are left alone. */
  readonly failedAt?: Date | undefined;
  /** Whether it waits until another one of its id is gone (JobRecord has it): two of an id may be due at one time. Either when absent. */
  readonly isWaiting?: boolean | undefined;
}

/** A job to hold, and what it is believed to be. */
export interface HoldRequest extends JobReference {
  /** States in which it may be held, of `delayed`, `due` and `ready`; any of these when absent. */
  readonly states?: readonly JobState[] | undefined;
  /**
   * Whether it waits until another one of its id is gone (JobRecord has it): two of an id may be due at one time. Either
   * when absent. Of several that wait and are due together, one is held: on Redis that which came back first, on SQLite
   * that which was pushed first.
   */
  readonly isWaiting?: boolean | undefined;
}

export interface HoldOptions {
  readonly leaseMs: number;
  /** Who holds them, as views show it. */
  readonly holder: string;
}

/**
 * A job and its new due time, which is given in one of three ways: so long from now, a time, or so long after its own
 * due time (before it, when negative). One in the past means now.
 */
export interface RescheduleRequest extends JobReference {
  readonly delayMs?: number | undefined;
  readonly at?: Date | undefined;
  readonly byMs?: number | undefined;
}

/** A job and what it is to have: another body, another ready lifetime (ms, from its due time), or both. */
export interface EditRequest extends Omit<JobReference, 'body'> {
  /** States in which it may be edited, of `delayed`, `due` and `ready`; any of these when absent. */
  readonly states?: readonly JobState[] | undefined;
  /** The body that it is believed to have: one with another body is left alone. */
  readonly ifBody?: TextOrBytes | undefined;
  readonly body?: TextOrBytes | undefined;
  readonly ttlMs?: number | undefined;
}

/**
 * A job to requeue: the latest dead letter of an id, among those of this topic and time of failure; where there is none,
 * the expired job of the id, if the store still has its body (SQLite).
 */
export interface RequeueRequest {
  readonly id: TextOrBytes;
  readonly topic?: TextOrBytes | undefined;
  readonly failedAt?: Date | undefined;
  /** Only a job in this state; either when absent. */
  readonly state?: 'dead' | 'expired' | undefined;
  /** In place of the delay of the call. */
  readonly delayMs?: number | undefined;
}

export interface PromoteOptions {
  /** The jobs are given in the reverse of their order, as a scan with `latestFirst` has them: it need not be read. */
  readonly latestFirst?: boolean | undefined;
}

export interface RequeueOptions {
  /** 0 when absent. */
  readonly delayMs?: number | undefined;
  /** False: they start at 0, and the job has all its retries again. */
  readonly keepAttempts?: boolean | undefined;
}

/**
 * A job as it was in another store: what `find` and `list` tell of it, whole. What they tell beside, as
 * `readyAhead`, is passed over.
 */
export interface ImportRequest extends OwnRetry {
  readonly id: TextOrBytes;
  readonly topic: TextOrBytes;
  readonly body: TextOrBytes;
  /** `dead` makes a dead letter; any other is in line again. */
  readonly state?: JobState | undefined;
  /** Now when absent. */
  readonly dueAt?: Date | undefined;
  /** When absent: so long after its due time as `ttlMs` says, or never. */
  readonly expiresAt?: Date | undefined;
  /** What lies between its due time and its expiry when absent, or not above 0. */
  readonly ttlMs?: number | undefined;
  /** 0 when absent. */
  readonly attempts?: number | undefined;
  readonly key?: string | undefined;
  /** Oldest first; the last ten are kept. */
  readonly history?: readonly Attempt[] | undefined;
  /** Since when its ready lifetime stands still. */
  readonly leasedAt?: Date | undefined;
  /**
   * It waited until another job of its id was gone, and does so again where one is there. So does a job that was leased,
   * unless the one that is there has the same topic and body.
   */
  readonly isWaiting?: boolean | undefined;
  /** Of a dead letter. */
  readonly reason?: string | undefined;
  /** Of a dead letter; now when absent. */
  readonly failedAt?: Date | undefined;
  /** When a dead letter is deleted; never when absent. */
  readonly deadUntil?: Date | undefined;
  /** The line of its file, for `progress`. */
  readonly line?: number | undefined;
}

export interface ImportOptions {
  /** `refuse` when absent. */
  readonly onExisting?: OnExisting | undefined;
  /** Makes the import of a file one that goes on where it was cut off. */
  readonly progress?: ImportProgress | undefined;
  /**
   * The file of which the jobs are refused lines, to be tried again: in the same step a line that is imported is no
   * longer noted as refused. `progress` is absent then.
   */
  readonly retryOf?: string | undefined;
}

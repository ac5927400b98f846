/**
 * The words of this project.
 *
 * - job: an id, a topic and a body, each a non-empty string of bytes; it is due at a point in time.
 * - topic: the name of a queue; a consumer takes the jobs of one topic or of several.
 * - ttl, ready lifetime: how long a job may wait to be taken, counted from its due time.
 * - lease: a consumer's hold on a job, named by an opaque string; when it ends unacknowledged, the job is
 *   ready again.
 * - reservation: the jobs that one call has leased together.
 * - holder: who leased, as host:pid. policy: what becomes of a job of a reservation when its handler fails.
 * - promote: to make a due job ready. maintain: to promote, to reclaim ended leases, to clear away what
 *   has expired.
 * - reclaim: to bring a job back whose lease has ended, or to make a dead letter of it.
 * - place: where a job stands in line; the order of due times, then of pushing, unless an operator promoted it.
 * - duplicate id: the id of a job that exists, pushed again. A job that comes back while another one of its id is
 *   in the queue waits (`blockedBy`) until that one is gone.
 *
 * Of what Redis holds (src/storage/redis/lua):
 * - bucket: the hash with topic and body of a job. entry: its id in the pool or in a ready list.
 * - record: the packed jobs of a reservation, and of what waits or is dead.
 * - note: what is known of a ready entry beside the original's layout: place, due time, expiry, topic.
 * - extras: retry settings of a job's own, key and history; its memo, a field of the bucket, holds them. On SQLite
 *   they are in the table `extras`.
 */

/**
 * - `delayed`: not due yet.
 * - `due`: due, and not moved to the ready jobs of its topic yet; on Redis alone.
 * - `ready`: can be taken.
 * - `leased`: in the hands of one consumer until a deadline.
 * - `expired`: its ready lifetime passed before anyone took it; it is never delivered.
 * - `dead`: a dead letter: it failed for good, and is kept with its body and the reason.
 */
export type JobState = 'delayed' | 'due' | 'ready' | 'leased' | 'expired' | 'dead';

export const JOB_STATES: readonly JobState[] = ['delayed', 'due', 'ready', 'leased', 'expired', 'dead'];

/** Bytes as delayer gives them: a Buffer, described without Node's types. */
export interface Bytes extends Uint8Array {
  /** UTF-8 when no encoding is given. */
  toString(encoding?: 'utf8' | 'latin1' | 'hex' | 'base64' | 'base64url'): string;
  equals(other: Uint8Array): boolean;
}

/** The pause (ms) before the first retry; each later one is twice as long as the one before, up to `lastMs`. */
export interface Backoff {
  readonly firstMs: number;
  readonly lastMs: number;
}

/** What a job may say of its own retries when it is pushed. What it leaves out is the consumer's to say. */
export interface OwnRetry {
  /** Tries after the first one; 0: none. */
  readonly retries?: number | undefined;
  readonly backoff?: Backoff | undefined;
}

/** A job as it was taken from the queue. Its own `retries` and `backoff` are absent where it was pushed without. */
export interface Job extends OwnRetry {
  readonly id: Bytes;
  readonly topic: Bytes;
  readonly body: Bytes;
  readonly state: JobState;
  /** Absent where nobody wrote it down: another client's daemon promoted the job. */
  readonly dueAt?: Date | undefined;
  /** Absent when the job never expires: another client pushed it so. */
  readonly expiresAt?: Date | undefined;
  /** How often it was reserved or popped, this time included. */
  readonly attempts: number;
}

/** A job in the hands of one consumer until `leaseUntil`, by the store's clock. */
export interface LeasedJob extends Job {
  /** Opaque; any process may ack, nack, release or extend it. */
  readonly lease: string;
  readonly leaseUntil: Date;
  /**
   * Names the job over all its attempts, and no other job, also not one that is pushed later under its id.
   * It is made when the job is first reserved. A consumer that writes it with the effect of the job, in one
   * transaction and under a unique index, has the effect once.
   */
  readonly key: string;
}

/**
 * One try of a job, as the store keeps it: the last {@link MAX_HISTORY} of them. Times are by the store's clock.
 * - `retried`: it failed, and the job was to be tried again. `dead`: it failed for good.
 * - `lease_ended`: nobody ended the lease before its time was over; its consumer was killed, or cut off.
 */
export interface Attempt {
  /** Its number, from 1. */
  readonly attempt: number;
  /** Absent when unknown. */
  readonly startedAt?: Date | undefined;
  readonly endedAt: Date;
  readonly outcome: 'retried' | 'dead' | 'lease_ended';
  /** Of the handler, where it was a program that ended. */
  readonly exitCode?: number | undefined;
  /** The signal that ended the handler: `SIGKILL`. */
  readonly signal?: string | undefined;
  readonly reason?: string | undefined;
}

/** A job as `find` and `list` see it. What the store no longer knows of it is absent: an expired job may have lost its body. */
export interface JobRecord extends Omit<Job, 'topic' | 'body'> {
  readonly topic?: Bytes | undefined;
  readonly body?: Bytes | undefined;
  /** How long (ms) it may wait to be taken once it is due; absent when that is not known. */
  readonly ttlMs?: number | undefined;
  /** See `LeasedJob`; absent before its first lease. */
  readonly key?: string | undefined;
  readonly lease?: string | undefined;
  readonly leaseUntil?: Date | undefined;
  /** Who reserved a leased job, as it named itself: `host:pid`. */
  readonly leasedBy?: string | undefined;
  /** The attempts that have ended, oldest first; absent when there was none, or none is known. */
  readonly history?: readonly Attempt[] | undefined;
  /** Why a dead letter failed, as the consumer said it. */
  readonly reason?: string | undefined;
  readonly failedAt?: Date | undefined;
  /** When a dead letter is deleted; absent when never. */
  readonly deadUntil?: Date | undefined;
  /** When a leased job was taken; absent when unknown. */
  readonly leasedAt?: Date | undefined;
  /** How many ready jobs of its topic are delivered before it; absent when unknown. */
  readonly readyAhead?: number | undefined;
  /** Where `readyAhead` is not known: no more than so many. */
  readonly readyAheadAtMost?: number | undefined;
  /** Until when its topic is paused (ms); `Infinity` until it is resumed; absent when it is not. */
  readonly pausedUntilMs?: number | undefined;
  /** Of what a daemon is to move: was one seen lately? Absent where it is not asked. */
  readonly isDaemonSeen?: boolean | undefined;
  /** True of a job that is back from a consumer and waits until another one of its id is gone. */
  readonly isWaiting?: boolean | undefined;
  /** What keeps the job from moving; absent when nothing does. */
  readonly blockedBy?: Blocker | undefined;
  /** What is wrong with it; absent when nothing is. */
  readonly flaw?: Flaw | undefined;
}

/**
 * What is wrong with a job of Redis, as other clients or an eviction leave it.
 * - `body_gone`: its id is in the pool, and there is no body.
 * - `body_incomplete`: its body or its topic is missing.
 * - `no_entry`: its body is there, and its id is neither in the pool nor in a ready list: no consumer is
 *   given it.
 * - `other_topic`: its only entry is in the ready list of another topic, `listedIn`. delayer passes over it.
 * - `old_entry`: it is not ready, or ready in another list, and an entry of its id is in the ready list `listedIn`.
 *   delayer passes over that, and other clients do not.
 * - `doubled_entry`: it is in its ready list `entries` times. delayer delivers it once.
 */
export type Flaw =
  | { readonly type: 'body_gone' | 'body_incomplete' | 'no_entry' }
  | { readonly type: 'other_topic' | 'old_entry'; readonly listedIn: Bytes }
  | { readonly type: 'doubled_entry'; readonly entries: number };

/**
 * What keeps a job from moving.
 * - `duplicate_id`: another job of its id is in the queue; it moves when that one is gone.
 * - `wrong_type`: `key` of Redis holds a `found` where a `wanted` belongs.
 */
export type Blocker =
  | { readonly type: 'duplicate_id' }
  | { readonly type: 'wrong_type'; readonly key: string; readonly found: string; readonly wanted: string };

/** `1 job`, `2 jobs` */
export const jobCount = (count: number): string => `${count} ${count === 1 ? 'job' : 'jobs'}`;

/** The original clients' ready lifetime when none is given: a week. */
export const DEFAULT_TTL_MS = 604_800_000;

/** How long a dead letter is kept when nothing else is said: 30 days. */
export const DEFAULT_DEAD_TTL_MS = 30 * 86_400_000;

/** What Redis takes as one string, by its default `proto-max-bulk-len`. */
export const MAX_BODY_BYTES = 512 * 1024 * 1024;

/** Jobs are popped in batches of this size at most. */
export const POP_BATCH = 500;

/** The longest lease: Node's timers reach no further, and a worker has to renew it in time. */
export const MAX_LEASE_MS = 24 * 86_400_000;

/** Bytes of the reason of a failed attempt; of a longer one the end is kept. */
export const MAX_REASON_BYTES = 4096;

/** How many attempts of a job are kept. */
export const MAX_HISTORY = 10;

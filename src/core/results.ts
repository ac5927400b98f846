import type { Lateness } from './lateness.js';
import type { Bytes, Job, JobState, LeasedJob } from './job.js';

/** What a queue answers; a store answers the same. */

/** What to do with a push whose id exists with other content. */
export type OnExisting = 'refuse' | 'replace' | 'keep';

export interface PushResult {
  /**
   * - `pushed`: new; where the answer was lost, perhaps there before with the same due time.
   * - `replaced`: it took the place of the job of that id.
   * - `repeated`: the id exists with the same topic and body; it stays, due when it was.
   * - `kept`: the id exists with other content, or its job is leased or waits to come back, and was to be kept.
   * - `conflict`: the id exists with other content; nothing changed.
   * - `blocked`: a key that is not a job stands in its place; nothing changed.
   * - `unknown`: the connection broke, and the job is not there now: it may have come and gone, or not.
   */
  readonly outcome: 'pushed' | 'replaced' | 'repeated' | 'kept' | 'conflict' | 'blocked' | 'unknown';
  /** When the job of that id is due; absent when the store does not know. */
  readonly dueAt?: Date | undefined;
}

export interface Popped {
  readonly jobs: Job[];
  /**
   * From now, by the store's clock, until the next job is due, the next lease or the next pause ends;
   * absent when none is waiting. May be absent where there are jobs.
   */
  readonly nextInMs?: number | undefined;
  /** No job was given because every topic that was asked for is paused. */
  readonly isPaused?: boolean | undefined;
  /** How far the store had heard of changes when it looked; for `waitForReady`. */
  readonly revision?: number | undefined;
  /**
   * Jobs that became dead letters because this call found that their lease had ended once too often; absent when
   * none.
   */
  readonly buried?: readonly Burial[] | undefined;
}

/** A job that became a dead letter by maintenance. */
export interface Burial {
  readonly id: Bytes;
  readonly topic: Bytes;
  readonly reason: string;
}

export interface Reserved extends Popped {
  readonly jobs: LeasedJob[];
  /**
   * Nothing was reserved, because another owner has the lock; `nextInMs` says when it is free at the latest.
   */
  readonly isLocked?: boolean | undefined;
}

/** `not_held`: the lease was lost, or ended before; nothing changed. */
export interface NackResult {
  readonly outcome: 'retried' | 'dead' | 'not_held';
  /** When a job that is retried is due again. */
  readonly dueAt?: Date | undefined;
}

export interface RemoveResult {
  readonly removed: boolean;
  /** What the job was; absent when there is none of that id. */
  readonly state?: JobState | undefined;
}

export interface HoldResult {
  readonly held: boolean;
  /** What the job was; absent when there is none of that id. */
  readonly state?: JobState | undefined;
  /** The lease of a job that is held now. */
  readonly lease?: string | undefined;
  readonly leaseUntil?: Date | undefined;
}

export interface PromoteResult {
  readonly promoted: boolean;
  /** What the job was; absent when there is none of that id. */
  readonly state?: JobState | undefined;
}

export interface RescheduleResult {
  readonly rescheduled: boolean;
  /** What the job was; absent when there is none of that id. */
  readonly state?: JobState | undefined;
  /** The new due time of a job that was rescheduled. */
  readonly dueAt?: Date | undefined;
}

export interface EditResult {
  readonly edited: boolean;
  /** What the job was; absent when there is none of that id. */
  readonly state?: JobState | undefined;
  /** True when nothing was changed because the new ready lifetime would be over already. */
  readonly isOver?: boolean | undefined;
}

/**
 * `none`: there is no dead letter of that id, and no expired job with its body. `duplicate_id`: another job of that id is in the queue; nothing
 * changed.
 */
export type RequeueResult = 'requeued' | 'none' | 'duplicate_id';

/**
 * What a daemon clears away beside its work. The first two are of the expired jobs: ids that were to come and whose
 * body had expired, and entries of ready lists; then notes of jobs that other clients took, and bodies that no key names.
 */
export const REPAIRS = ['delayed_ids', 'ready_entries', 'notes', 'bodies'] as const;

/** How many of each kind. */
export type Repairs = Partial<Readonly<Record<(typeof REPAIRS)[number], number>>>;

export interface WrongType {
  readonly key: string;
  readonly wanted: string;
  readonly found: string;
}

export interface Maintenance {
  readonly promoted: number;
  /** Expired jobs that were cleared away. */
  readonly expired: number;
  /** Jobs whose leases had ended, and which are ready again. */
  readonly reclaimed: number;
  /** Dead letters past their time that were deleted. */
  readonly deleted: number;
  /** Jobs that became dead letters because their lease ended once too often; absent when none. */
  readonly buried?: readonly Burial[] | undefined;
  /** Second entries of ready jobs that were taken away, as original daemons leave them; absent when there was none. */
  readonly doubled?: number | undefined;
  /** What else was cleared away, by kind; absent when there was nothing. */
  readonly repairs?: Repairs | undefined;
  /** Bodies that no key has named for the grace time, as far as was looked; absent when there is none. */
  readonly unnamedBodies?: number | undefined;
  /**
   * The store's own keys with a wrong type; the work that needs them was not done. Absent when there are none.
   */
  readonly wrongTypes?: readonly WrongType[] | undefined;
  /** How late the promoted jobs were; absent when none was promoted. */
  readonly lateness?: Lateness | undefined;
  /** Due jobs that could not be moved because a key of the wrong type is in the way. */
  readonly stuck: number;
  /** Is there more to do at once? */
  readonly more: boolean;
  /** From now, by the store's clock, until the next job is due or the next lease ends; absent when none is waiting. */
  readonly nextInMs?: number | undefined;
}

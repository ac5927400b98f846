import type { Lateness } from './lateness.js';
import type { Bytes, Job, JobRecord, JobState, LeasedJob } from './job.js';

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

export interface Stats {
  /** By state; one that was not counted is absent. */
  readonly totals: Partial<Readonly<Record<JobState, number>>>;
  /** In order of topic, byte by byte. */
  readonly topics: readonly TopicStats[];
  /** How estimated counts were made; absent when all are exact. */
  readonly estimate?: Estimate | undefined;
  /** Of the delayed jobs, those due later than `beyond` of the request; absent when it named none. */
  readonly beyond?: number | undefined;
  /** The due time of the job that has waited longest to be made ready; absent when there is none. */
  readonly overdueSince?: Date | undefined;
  /**
   * Leases that have ended and were not reclaimed yet; a reservation counts as one. Absent when they were not
   * counted.
   */
  readonly endedLeases?: number | undefined;
  /** The daemons that were seen lately; absent where jobs become ready without one. */
  readonly daemons?: readonly Daemon[] | undefined;
  /**
   * Who holds leases, in order of name; with very many leases those of a sample. Absent when it was not asked.
   */
  readonly consumers?: readonly string[] | undefined;
  /**
   * How full (in percent) the store is: its `maxmemory`, or the file as a part of itself and the free room on its
   * disk. Absent when no limit is known.
   */
  readonly usedPercent?: number | undefined;
  /** What was found wrong while counting; absent where jobs were not looked at one by one. */
  readonly problems?: readonly Problem[] | undefined;
}

/** A daemon at work, by its last report. A daemon of the first release reports its name only. */
export interface Daemon {
  /** `host:pid`, as `serve` names itself. */
  readonly name: string;
  /** When it reported last, by the store's clock; it does so every few seconds. */
  readonly seenAt: Date;
  readonly since?: Date | undefined;
  /** Jobs that it has made ready since then. */
  readonly promoted?: number | undefined;
  /**
   * How late (ms) the latest job was that it made ready in its last few seconds; absent when there was none.
   */
  readonly latestMs?: number | undefined;
}

/** How many jobs are due in each of several equal steps from now on. */
export interface DueCounts {
  /** By the store's clock. */
  readonly now: Date;
  readonly counts: readonly number[];
  /** By how many each estimated count may be off, in 95 of 100 cases. Absent when the counts are exact. */
  readonly errors?: readonly number[] | undefined;
}

/**
 * How counts were estimated: from a sample of the jobs of a store that is too large to be counted at once.
 */
export interface Estimate {
  /** Jobs that were looked at. */
  readonly sampled: number;
  /**
   * A topic with so many jobs that nobody has taken yet is missing with a chance of 5 %; one with more is missing
   * less often.
   */
  readonly missingBelow: number;
  /** The totals that are estimates: each is off by no more than so many jobs in 95 of 100 cases. */
  readonly errors: Partial<Readonly<Record<JobState, number>>>;
}

/** A count that was not made is absent. */
export interface TopicStats extends Readonly<Record<Exclude<JobState, 'expired'>, number>> {
  readonly topic: Bytes;
  /** See `Stats`; absent also where `delayed` is an estimate. */
  readonly beyond?: number | undefined;
  /** Expired jobs that are not cleared away yet; where it is absent, `ready` counts them. */
  readonly expired?: number | undefined;
  /** The counts that are estimates: each is off by no more than so many jobs in 95 of 100 cases; absent when none is. */
  readonly errors?: Partial<Readonly<Record<JobState, number>>> | undefined;
  /** The next due time of jobs that are not ready; absent when there is none, or it was not looked for. */
  readonly nextDueAt?: Date | undefined;
  /**
   * When the ready job was due that has waited longest; absent when none is ready, or the time is not known of any
   * of the first.
   */
  readonly oldestReadyAt?: Date | undefined;
  /**
   * True when the time is not known of the first in line, which another daemon made ready: they have waited at least
   * that long.
   */
  readonly isOldestAtLeast?: boolean | undefined;
  /** Until when the topic is paused; `Infinity` until it is resumed; absent when it is not. */
  readonly pausedUntilMs?: number | undefined;
}

export interface JobPage {
  readonly jobs: JobRecord[];
  /** Where the next page begins; absent on the last. */
  readonly cursor?: string | undefined;
  /** What could not be listed, and why; absent when there is no such thing. */
  readonly problems?: readonly Problem[] | undefined;
}

/** A part of a scan. */
export interface ScanPart {
  readonly jobs: readonly JobRecord[];
  /** How many jobs were looked at for it, for a view of the progress. */
  readonly lookedAt: number;
  /** What could not be looked at, and why; absent when there is no such thing. */
  readonly problems?: readonly Problem[] | undefined;
}

/** Jobs that something is wrong with. */
export interface FlawedJobs {
  readonly jobs: JobRecord[];
  /** Are there more than were asked for? */
  readonly more: boolean;
}

export interface Problem {
  readonly code: ProblemCode;
  readonly message: string;
  /** What mends it. */
  readonly hint: string;
}

/**
 * - `bodies_gone`: jobs that will never be delivered, for their bodies are gone.
 * - `wrong_type`: a key of the wrong type stands where a queue or a body belongs.
 * - `id_empty`: a job has an empty id, as only another client gives; it is shown, and no verb acts on it.
 * - `doubled_entries`: ready jobs that are in their ready list more than once.
 * - `old_entries`: entries of ready lists whose job is not ready, or belongs to another topic.
 * - `records_gone`: leases, waiting jobs or dead letters whose record is gone, of a wrong type or unreadable.
 * - `strange_values`: rows, or values in the store's own keys, that no version wrote.
 * - `no_daemon`: due jobs become ready only when somebody asks for them.
 * - `no_persistence`: a restart of the store loses every job.
 * - `evicting`: the store may throw jobs away when it is full.
 * - `clock_jumped`: the store's clock was set ahead or back, and jobs were perhaps due, or expired, by that.
 */
export type ProblemCode =
  | 'bodies_gone'
  | 'id_empty'
  | 'wrong_type'
  | 'doubled_entries'
  | 'old_entries'
  | 'records_gone'
  | 'strange_values'
  | 'no_daemon'
  | 'no_persistence'
  | 'evicting'
  | 'clock_jumped';

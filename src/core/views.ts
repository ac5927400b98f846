import type { Bytes, JobRecord, JobState } from './job.js';
import type { TextOrBytes, Topics } from './requests.js';

/** What those who look at a queue ask, and what they are answered; a store answers the same. */

/** What narrows a view; the members of one list are alternatives. */
export interface JobFilter {
  /** All states when absent. */
  readonly states?: readonly JobState[] | undefined;
  readonly dueBefore?: Date | undefined;
  readonly dueAfter?: Date | undefined;
  /** Due earlier than this; of dead letters, failed earlier than this. */
  readonly olderThan?: Date | undefined;
  /** `*`, `?`, `[a-z]` and a backslash, on bytes; case matters. */
  readonly idGlobs?: readonly string[] | undefined;
  /** What stands somewhere in the body. */
  readonly bodyIncludes?: readonly TextOrBytes[] | undefined;
}

export interface ListQuery extends JobFilter {
  /** Jobs on a page; 50 when absent. */
  readonly limit?: number | undefined;
  /** From a page before. */
  readonly cursor?: string | undefined;
}

export interface ScanQuery extends JobFilter {
  /** By name or by one of the globs; all topics when neither is given. */
  readonly topics?: Topics | undefined;
  readonly topicGlobs?: readonly string[] | undefined;
  /** Of what waits for its due time, that which is due last comes first: for those that move such jobs to later. */
  readonly latestFirst?: boolean | undefined;
  /**
   * For those that act on jobs without reading them: of what waits for its due time only id, state and due time are
   * sure to come, and a job whose body is gone or expired may come as well.
   */
  readonly withoutContent?: boolean | undefined;
}

export interface StatsOptions {
  /** True when absent. False: what a store with many jobs can tell at once, the rest as an estimate. */
  readonly exact?: boolean | undefined;
  /** Counts apart what is due later than this, for those who compare two counts: no job becomes due between them. */
  readonly beyond?: Date | undefined;
  /** Is told now and then how many jobs were counted, and of how many, as far as that is known. */
  readonly onProgress?: ((counted: number, total: number) => void) | undefined;
}

/** What a daemon tells of itself, for whoever looks. */
export interface DaemonReport {
  /** Jobs that it has made ready since it began; 0 when absent. */
  readonly promoted?: number | undefined;
  /** How late (ms) the latest job was that it made ready since it was announced before; absent when there was none. */
  readonly latestMs?: number | undefined;
}

export interface DueCountsRequest {
  /** Of all topics when absent. */
  readonly topics?: Topics | undefined;
  readonly stepMs: number;
  /** How many steps, from now on; at most 10,000. */
  readonly steps: number;
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
 * - `name_empty`: a job has an empty id or topic, as only another program writes it; no verb acts on it.
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
  | 'name_empty'
  | 'wrong_type'
  | 'doubled_entries'
  | 'old_entries'
  | 'records_gone'
  | 'strange_values'
  | 'no_daemon'
  | 'no_persistence'
  | 'evicting'
  | 'clock_jumped';

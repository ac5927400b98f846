import type { Job, JobRecord, JobState, LeasedJob, NewJob } from './job.js';

/**
 * What a store does for a queue. Every call is atomic towards every other process on the same store,
 * takes its time from the store's clock, and rejects with a `DelayerError` only.
 *
 * A call never runs twice because a connection broke. Where it cannot be known whether it ran, it
 * rejects with `outcome_unknown`.
 */
export interface Store {
  /** The store's name for people and logs, without its password. */
  readonly label: string;

  /** True when opening it made it: it had not been there. Absent where a store cannot tell. */
  readonly isNew?: boolean;

  /** Does a due job have to be moved by somebody before it can be taken? Then a daemon is of use. */
  readonly needsPromotion: boolean;

  /** Takes jobs in, in order; answers in the same order. Each job stands or falls by itself. */
  push(jobs: readonly NewJob[], onExisting: OnExisting): Promise<PushResult[]>;

  /** Moves due jobs, leases that ran out and expired jobs on: one bounded step, in order of due time. */
  promote(): Promise<Promotion>;

  /**
   * Takes up to `limit` ready jobs for good, those due first first; promotes before it looks, and passes
   * over jobs that have expired. May answer fewer jobs than `limit`, for a step is bounded; no job
   * means that the topic has none ready. When it answers, the jobs are gone; when it does not, they are
   * still there, or come back.
   */
  pop(topic: Buffer, limit: number): Promise<Popped>;

  /** Leases jobs as `pop` takes them. Asking again with the same token answers the same jobs. */
  take(request: TakeRequest): Promise<Taken>;

  /** Ends leases with their jobs done and gone. Answers, in order, whether each lease was still held. */
  confirm(leases: readonly Lease[]): Promise<boolean[]>;

  /** Ends leases with their jobs ready again, before the others, as if they had never been taken. */
  putBack(leases: readonly Lease[]): Promise<void>;

  /**
   * Lets leases end `leaseMs` from now, and with them the others of the same request. Answers, in order,
   * when each ends now, or nothing when it was lost.
   */
  extend(leases: readonly Lease[], leaseMs: number): Promise<(Date | undefined)[]>;

  /** Removes jobs by id; answers in order. */
  remove(ids: readonly Buffer[], scope: RemoveScope): Promise<RemoveResult[]>;

  /**
   * Returns when a job of the topic may be ready, or after `maxMs`, or when aborted; sooner is
   * allowed. It takes nothing.
   */
  waitForReady(topic: Buffer, maxMs: number, signal?: AbortSignal): Promise<void>;

  /** Returns when a push may have changed the next due time, or after `maxMs`, or when aborted. */
  waitForPush(maxMs: number, signal?: AbortSignal): Promise<void>;

  /**
   * Counts the jobs of every topic, in order of topic, and says what is wrong. It looks while others
   * work, in bounded steps: not the picture of one moment.
   */
  survey(): Promise<Survey>;

  /** A page of a topic's jobs: ready (dead ones where they stand), leased, due, delayed; each in order of delivery. */
  list(topic: Buffer, query: ListQuery): Promise<JobPage>;

  /** Every job of that id: none, one, or two when it was pushed again while leased. */
  find(id: Buffer): Promise<JobRecord[]>;

  /** Tells other processes that a daemon is at work here; to be repeated every few seconds. */
  announce(daemon: string): Promise<void>;

  /** Takes an announcement back. */
  retire(daemon: string): Promise<void>;

  /** The store's clock. */
  now(): Promise<Date>;

  close(): Promise<void>;
}

/** What to do with a push whose id exists with other content. */
export type OnExisting = 'refuse' | 'replace' | 'keep';

export interface PushResult {
  /**
   * - `pushed`: new. `replaced`: it took the place of the job of that id.
   * - `repeated`: the id exists with the same topic and body; it stays, due when it was.
   * - `kept`: the id exists with other content and was to be kept.
   * - `conflict`: the id exists with other content; nothing changed.
   * - `blocked`: a key that is not a job stands in its place; nothing changed.
   * - `unknown`: the connection broke, and the job is not there now: it may have come and gone, or not.
   */
  readonly outcome: 'pushed' | 'replaced' | 'repeated' | 'kept' | 'conflict' | 'blocked' | 'unknown';
  /** When the job of that id is due; absent when the store does not know. */
  readonly dueAt?: Date | undefined;
}

export interface Promotion {
  readonly promoted: number;
  /** Dead jobs that were cleared away. */
  readonly expired: number;
  /** Leases that ran out, their jobs ready again. */
  readonly returned: number;
  /** Due jobs that could not be moved because a key of the wrong type is in the way. */
  readonly stuck: number;
  /** Is there more to do at once? */
  readonly more: boolean;
  /** From now, by the store's clock, until the next job is due or the next lease ends; absent when none is waiting. */
  readonly nextInMs?: number | undefined;
}

export interface TakeRequest {
  readonly topic: Buffer;
  readonly limit: number;
  readonly leaseMs: number;
  /** Unique to this request. */
  readonly token: string;
}

/** A hold on a job; a `LeasedJob` is one. */
export interface Lease {
  readonly lease: string;
  readonly leaseUntil: Date;
}

export interface Popped {
  readonly jobs: Job[];
  /** As in {@link Promotion}; may be absent where there are jobs. */
  readonly nextInMs?: number | undefined;
}

export interface Taken extends Popped {
  readonly jobs: LeasedJob[];
}

/** `delayed`: only jobs that are not due. `any`: ready, leased and dead ones too. */
export type RemoveScope = 'delayed' | 'any';

export interface RemoveResult {
  readonly removed: boolean;
  /** What the job was; absent when there is none of that id. */
  readonly state?: JobState | undefined;
}

export interface Survey {
  readonly topics: TopicCounts[];
  readonly problems: Problem[];
}

export interface TopicCounts {
  readonly topic: Buffer;
  readonly delayed: number;
  readonly due: number;
  readonly ready: number;
  readonly leased: number;
  readonly dead: number;
  readonly nextDueAt?: Date | undefined;
}

export interface ListQuery {
  /** All states when absent. */
  readonly states?: readonly JobState[] | undefined;
  readonly limit: number;
  /** From a page before. */
  readonly cursor?: string | undefined;
}

export interface JobPage {
  readonly jobs: JobRecord[];
  /** Where the next page begins; absent on the last. */
  readonly cursor?: string | undefined;
}

export interface Problem {
  readonly code: ProblemCode;
  readonly message: string;
  readonly hint: string;
}

/**
 * - `bodies_gone`: jobs that will never be delivered, for their bodies are gone.
 * - `wrong_type`: a key of the wrong type stands where a queue belongs.
 * - `no_daemon`: due jobs become ready only when somebody asks for them.
 * - `no_persistence`: a restart of the store loses every job.
 * - `evicting`: the store may throw jobs away when it is full.
 */
export type ProblemCode = 'bodies_gone' | 'wrong_type' | 'no_daemon' | 'no_persistence' | 'evicting';

/** A daemon that has not announced itself for so long is taken for gone. */
export const DAEMON_SEEN_MS = 15_000;

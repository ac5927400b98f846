import type { Description, DiagnosisPart, Fault } from './faults.js';
import type { JobRecord, JobState } from './job.js';
import type { ImportedJob } from './imported-job.js';
import type { Imported, ImportProgress } from './moving.js';
import type { Due, NewJob } from './new-job.js';
import type { RetryPolicy } from './retry-policy.js';
import type {
  Daemon,
  DueCounts,
  EditResult,
  FlawedJobs,
  JobPage,
  Maintenance,
  NackResult,
  OnExisting,
  Popped,
  Problem,
  PromoteResult,
  PushResult,
  RemoveResult,
  RequeueResult,
  RescheduleResult,
  Reserved,
  ScanPart,
  Stats,
} from './results.js';
import type { Selection, TopicSelection } from './selection.js';
import type { AbortSignalLike } from './timer.js';

/**
 * What a store does for a queue, by role. Internal: commands, workers and the library's users call
 * `Queue`. Every call is atomic towards every other process on the same store, takes its time from the
 * store's clock, and rejects with a `DelayerError` only.
 *
 * A call never runs twice because a connection broke. Where it cannot be known whether it ran, it rejects
 * with `outcome_unknown`.
 */
export interface Store extends Producer, Consumer, Operator, Maintainer, Observer, Doctor, Waiter {
  /** The store's name for people and logs, without its password. */
  readonly label: string;

  /** True when opening it created it. Absent where a store cannot tell. */
  readonly isNew?: boolean;

  /** How often the connection to the store was made anew. Absent where there is none. */
  readonly reconnects?: number;

  /** Does a due job have to be moved before it can be taken? Then a daemon is of use. */
  readonly needsPromotion: boolean;

  /** Ends what waits, and lets go of connections and files. Closing twice is closing once. No other call is under way. */
  close(): Promise<void>;
}

export interface Producer {
  /** Adds jobs in order; answers in the same order. Each job stands or falls by itself. */
  push(params: PushParams): Promise<PushResult[]>;

  /**
   * Takes in jobs as they were in another store, each by itself: due times, expiry, attempts, key, history and order
   * are what they were. Where `progress` is given, it is noted in the same steps how far its file is; nothing is done
   * when the file is elsewhere. Such a call may run again because a connection broke, for then it does nothing.
   */
  import(params: ImportParams): Promise<Imported>;
}

export interface Consumer {
  /**
   * Takes up to `limit` ready jobs for good, those of the first topic first and within a topic those due
   * first. It maintains before it looks, and passes over jobs that have expired. It may answer fewer jobs
   * than `limit`, for a step is bounded; no job means that none of the topics has one ready, or that the time
   * of the call was over. When it answers, the jobs are gone from the store; when it does not, they are still there, or come back.
   */
  pop(params: PopParams): Promise<Popped>;

  /**
   * Leases jobs as `pop` takes them. Asking again with the same token answers the same jobs. A job whose own
   * retry settings no delayer wrote is not given: it becomes a dead letter with that reason.
   */
  reserve(params: ReserveParams): Promise<Reserved>;

  /** Ends leases with their jobs done and gone. Answers, in order, whether each lease was still held. */
  ack(params: LeaseParams): Promise<boolean[]>;

  /**
   * Ends leases with their jobs failed. A job is tried again after `delayMs`, or the pause of its own backoff,
   * else that of its lease's policy (DEFAULT_RETRY's where it has none). It is dead when the failure says so,
   * or no retry is left: its own `retries`, else the policy's, without a policy it has always one left.
   * Attempts count, and the attempt joins the job's history. A job whose id was pushed again meanwhile waits
   * until that job is gone. Answers in order.
   */
  nack(params: NackParams): Promise<NackResult[]>;

  /**
   * Ends leases as if their jobs had never been reserved: ready, at their old place in line, attempts as
   * before. A job whose id was pushed again meanwhile waits until that job is gone. Answers, in order, whether each lease was still held.
   */
  release(params: LeaseParams): Promise<boolean[]>;

  /**
   * Lets leases end `leaseMs` from now, those given alone. Answers, in order, when each ends now, or
   * nothing when it was not held any more.
   */
  extend(params: ExtendParams): Promise<(Date | undefined)[]>;

  /** Takes a lock that is free or already this owner's, for LOCK_MS from now. Answers whether it has it now. */
  lock(params: LockParams): Promise<boolean>;

  /** Frees a lock that is this owner's, and leaves any other alone. */
  unlock(params: LockParams): Promise<void>;
}

/** Acting on jobs. A step names the jobs and what is believed of them, and leaves alone what has changed. */
export interface Operator {
  /** Removes jobs; answers in order. A leased job that is removed is its holder's no more. */
  remove(params: RemoveParams): Promise<RemoveResult[]>;

  /**
   * Makes dead letters jobs again, with their whole ready lifetime, key and history: the latest of each id (in
   * its topic, where one is named). Attempts start at 0 unless they are kept. An id that lives is left alone.
   * Answers in order.
   */
  requeue(params: RequeueParams): Promise<RequeueResult[]>;

  /**
   * Makes delayed jobs due now and ready at once, before all jobs of their topics that are ready; those of one call
   * among themselves in their old order. A job keeps that place when it comes back from a lease, apart from its due
   * time. Its whole ready lifetime counts from now; attempts, settings, key and history stay. Answers in order.
   */
  promote(params: PromoteParams): Promise<PromoteResult[]>;

  /**
   * Gives delayed jobs another due time, from which their whole ready lifetime counts; one in the past means now.
   * Among jobs that are due together each stands as if it were pushed now. Attempts, settings, key and history stay.
   * A job that waits for a duplicate of its id is left alone. Answers in order.
   */
  reschedule(params: RescheduleParams): Promise<RescheduleResult[]>;

  /**
   * Gives a job that is delayed, due or ready another body, or another ready lifetime, or both. Due time and place in
   * line, attempts, settings, key and history stay.
   */
  edit(params: EditParams): Promise<EditResult>;

  /** Holds topics back from `pop` and `reserve`; all else goes on. Pausing a paused topic sets its end anew. */
  pause(params: PauseParams): Promise<void>;

  resume(params: TopicParams): Promise<void>;
}

export interface Maintainer {
  /**
   * One bounded step: due jobs become ready in order of due time, leases that have ended bring their jobs
   * back (or make dead letters of them, where their policy has no retry left), expired jobs and dead letters past their time are cleared away.
   */
  maintain(): Promise<Maintenance>;

  /** Tells other processes that a daemon is at work here; to be repeated every few seconds. */
  announce(params: AnnounceParams): Promise<void>;

  /** Takes an announcement back. */
  retire(params: { readonly daemon: string }): Promise<void>;
}

/** Looking, which changes nothing. */
export interface Observer {
  /**
   * Counts jobs. Exact counts look at everything while others work, in bounded steps: not the picture of
   * one moment. Without `exact` a store with many jobs tells what can be told at once, within some
   * tenths of a second, and estimates the rest.
   */
  stats(params: StatsParams): Promise<Stats>;

  /**
   * A page of jobs, topic by topic: ready (expired ones where they stand), leased, due, delayed, dead;
   * each in order of delivery.
   */
  list(params: ListParams): Promise<JobPage>;

  /**
   * All selected jobs, part by part, in the order in which jobs move: what waits for its due time, then ready, leased
   * and dead ones, each in order of delivery. It is not the picture of one moment. A job that stays where it is comes
   * once; one that moves on meanwhile comes at least once, one that moves back perhaps not. Acting on the jobs of a
   * part before the next is asked for hides none. A key of a wrong type is passed over and told as a problem.
   */
  scan(params: ScanParams): AsyncIterable<ScanPart>;

  /** Every job of that id: the one that lives first, then leased, waiting and dead ones. `[]` when there is none. */
  find(params: { readonly id: Buffer }): Promise<JobRecord[]>;

  /** How many delayed jobs are due in each of the next steps. Jobs that wait for another one of their id are left out. */
  dueCounts(params: DueCountsParams): Promise<DueCounts>;

  /** Up to `limit` of the jobs that `stats` counts among its problems. */
  findFlawed(params: { readonly limit: number }): Promise<FlawedJobs>;

  /**
   * What is wrong with the store as a whole; `[]` when nothing is. Jobs are not looked at: see `stats`. Without `exact`
   * neither are ready lists, of which `stats` tells as well.
   */
  health(params: HealthParams): Promise<Problem[]>;

  /** The daemons that announced themselves lately, in order of name; `[]` where none did, or where none is needed. */
  daemons(): Promise<Daemon[]>;

  /** The store's clock. */
  now(): Promise<Date>;
}

/** Finding what is wrong with a store, and mending it. */
export interface Doctor {
  /**
   * Looks at everything, part by part, each a short step, while others work. It changes nothing. What is only on its way
   * from one place to another is told as no fault.
   */
  diagnose(params: DiagnoseParams): AsyncIterable<DiagnosisPart>;

  /**
   * Mends faults of kinds whose remedy is `mend`. Each is looked at again in the step that mends it. A job that can be
   * saved is never removed. Answers, in order, whether it was mended; not where it is so no more, or cannot be now.
   */
  mend(params: { readonly faults: readonly Fault[] }): Promise<boolean[]>;

  /** Versions, settings and sizes, as somebody needs them who is not there: no bodies, ids or passwords. */
  describe(): Promise<Description>;
}

export interface Waiter {
  /**
   * Returns when a job of one of the topics may be ready, or after `maxMs`, or when aborted; sooner is
   * allowed. It takes nothing.
   */
  waitForReady(params: ReadyWaitParams): Promise<void>;

  /** Returns when a push may have changed the next due time, or after `maxMs`, or when aborted. */
  waitForPush(params: PushWaitParams): Promise<void>;
}

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

export interface PushParams {
  readonly jobs: readonly NewJob[];
  readonly onExisting: OnExisting;
}

export interface ImportParams {
  readonly jobs: readonly ImportedJob[];
  readonly onExisting: OnExisting;
  readonly progress?: ImportProgress | undefined;
}

export interface TopicParams {
  /** At least one, each once, in order of preference. */
  readonly topics: readonly Buffer[];
}

export interface PopParams extends TopicParams, CallLimits {
  readonly limit: number;
}

export interface ReserveParams extends PopParams {
  readonly leaseMs: number;
  /** Names this reservation: `newToken()` of lease.ts. */
  readonly token: string;
  /**
   * What becomes of a job when it fails or its lease ends. Absent: it comes back however often, whatever retries
   * the job itself has.
   */
  readonly policy?: RetryPolicy | undefined;
  readonly holder?: string | undefined;
  /** Taken or renewed in the same step, for LOCK_MS; nothing else is done where another owner has it. */
  readonly lock?: LockParams | undefined;
}

export interface LockParams {
  readonly name: Buffer;
  readonly owner: string;
}

export interface LeaseParams extends CallLimits {
  /** Lease strings; one that is named twice is held once. */
  readonly leases: readonly string[];
}

export interface ExtendParams extends LeaseParams {
  readonly leaseMs: number;
}

/** How a job failed. What is absent is for its policy to say. */
export interface Failure {
  /** For good, whatever retries are left. */
  readonly isDead: boolean;
  /** Until the next try, when there is one. */
  readonly delayMs?: number | undefined;
  /** How long the dead letter is kept, if it becomes one now (0: for ever). */
  readonly deadTtlMs?: number | undefined;
  /** Kept with the attempt, and with a dead letter; at most MAX_REASON_BYTES. */
  readonly reason?: string | undefined;
  readonly exitCode?: number | undefined;
  readonly signalName?: string | undefined;
}

export interface NackParams extends LeaseParams {
  readonly failure: Failure;
  /** From -1 to 1, at random: `pauseAfter` of retry-policy.ts. */
  readonly jitter: number;
}

/** A job by its id, and what is believed of it: where that is not so any more, it is left alone. */
export interface JobGuard {
  readonly id: Buffer;
  readonly states: readonly JobState[];
  /** Due at exactly this time; any when absent. */
  readonly dueAt?: Date | undefined;
  /** Of dead letters, which have no other guard: failed at exactly this time; any when absent. */
  readonly failedAt?: Date | undefined;
}

export interface RemoveParams {
  readonly jobs: readonly JobGuard[];
}

export interface PromoteParams {
  readonly jobs: readonly JobGuard[];
}

export interface RescheduleJob extends JobGuard {
  /** From now, a time, or so long after its own due time (before it, when negative). */
  readonly due: Due | { readonly byMs: number };
}

export interface RescheduleParams {
  readonly jobs: readonly RescheduleJob[];
}

/** What is absent stays as it is. */
export interface EditParams extends JobGuard {
  /** The body that the job is believed to have; any when absent. */
  readonly ifBody?: Buffer | undefined;
  readonly body?: Buffer | undefined;
  readonly ttlMs?: number | undefined;
}

/** The latest dead letter of an id, or of an id in a topic. */
export interface RequeueJob {
  readonly id: Buffer;
  readonly topic?: Buffer | undefined;
  readonly delayMs: number;
}

export interface RequeueParams {
  readonly jobs: readonly RequeueJob[];
  readonly keepAttempts: boolean;
}

export interface AnnounceParams {
  readonly daemon: string;
  /** Jobs that it has made ready since it began. */
  readonly promoted: number;
  /** How late (ms) the latest job was that it made ready since it announced itself before; absent when there was none. */
  readonly latestMs?: number | undefined;
}

export interface PauseParams extends TopicParams {
  /** How long; until `resume` when absent. */
  readonly forMs?: number | undefined;
}

export interface StatsParams {
  readonly exact: boolean;
  /** Delayed jobs that are due later are counted apart, too. */
  readonly beyondMs?: number | undefined;
  /** Is told now and then how many jobs were counted, and of how many, as far as that is known. */
  readonly onProgress?: ((counted: number, total: number) => void) | undefined;
}

export interface DueCountsParams {
  /** Of all topics when absent. */
  readonly topics?: readonly Buffer[] | undefined;
  readonly stepMs: number;
  readonly steps: number;
}

export interface DiagnoseParams {
  /** What is of other topics is left out, as far as that saves a look; of all topics when absent. */
  readonly topics?: readonly Buffer[] | undefined;
}

export interface HealthParams {
  readonly exact: boolean;
}

export interface ScanParams {
  readonly selection: Selection;
  /** The jobs of the pool come in the order opposite to that of their due times. */
  readonly latestFirst: boolean;
}

export interface ListParams {
  readonly selection: TopicSelection;
  readonly limit: number;
  /** From a page before. */
  readonly cursor?: string | undefined;
}

export interface WaitParams {
  readonly maxMs: number;
  readonly signal?: AbortSignalLike | undefined;
}

export interface PushWaitParams extends WaitParams {
  /** The longest wait where the store cannot tell of pushes by all clients; `maxMs` when absent. */
  readonly pollMs?: number | undefined;
}

export interface ReadyWaitParams extends WaitParams, TopicParams {
  /** The `revision` of the pop or reserve that found nothing: what changed after that ends the wait. When absent, what has changed since the wait before. */
  readonly since?: number | undefined;
}

/** A daemon that has not announced itself for so long is taken for gone. */
export const DAEMON_SEEN_MS = 15_000;

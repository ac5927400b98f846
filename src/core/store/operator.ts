import type { JobState } from '../job.js';
import type { Due } from '../new-job.js';
import type {
  EditResult,
  HoldResult,
  PromoteResult,
  RemoveResult,
  RequeueResult,
  RescheduleResult,
} from '../results.js';
import type { TopicParams } from './limits.js';

/**
 * Acting on jobs. A request names the jobs and what is believed of them; a job that has changed is left alone.
 */
export interface Operator {
  /** Removes jobs; answers in order. The holder of a leased job that is removed has lost it. */
  remove(params: RemoveParams): Promise<RemoveResult[]>;

  /**
   * Leases jobs that are delayed, due or ready to an operator, so that nobody else is given them. `ack` of such a
   * lease removes the job. When it is released, or its time is over, the job is what it was before: state, place,
   * due time, attempts and history; its ready lifetime stood still meanwhile. Answers in order.
   */
  hold(params: HoldParams): Promise<HoldResult[]>;

  /**
   * Makes dead letters jobs again, with their whole ready lifetime, key and history: of each id the latest that is
   * meant. Attempts start at 0 unless they are kept. An id with a job in the queue is left alone.
   * Answers in order.
   */
  requeue(params: RequeueParams): Promise<RequeueResult[]>;

  /**
   * Makes delayed jobs due now and ready at once, before all ready jobs of their topics; those of one call keep
   * their order. A job keeps that place, which is not its due time, when it comes back from a lease. Its whole ready
   * lifetime counts from now; attempts, settings, key and history stay. Answers in order.
   */
  promote(params: PromoteParams): Promise<PromoteResult[]>;

  /**
   * Gives delayed jobs another due time, from which their whole ready lifetime counts; one in the past means now.
   * Among jobs due at the same time, each stands as if it were pushed now. Attempts, settings, key and history stay.
   * A job that waits for another one of its id is left alone. Answers in order.
   */
  reschedule(params: RescheduleParams): Promise<RescheduleResult[]>;

  /**
   * Gives a job that is delayed, due or ready another body, or another ready lifetime, or both. Due time and place in
   * line, attempts, settings, key and history stay.
   */
  edit(params: EditParams): Promise<EditResult>;

  /**
   * Keeps topics from `pop` and `reserve`; everything else goes on. Pausing a paused topic sets a new end.
   */
  pause(params: PauseParams): Promise<void>;

  resume(params: TopicParams): Promise<void>;
}

/**
 * A job by its id, and what is believed of it; if that is not true, the job is left alone. Times are exact. What is
 * absent may be anything.
 */
export interface JobGuard {
  readonly id: Buffer;
  readonly states: readonly JobState[];
  readonly dueAt?: Date | undefined;
  readonly topic?: Buffer | undefined;
  readonly body?: Buffer | undefined;
  /** Of a job in line; others are not asked, because the lifetime of a job that is away stands still. */
  readonly expiresAt?: Date | undefined;
}

/** A guard that tells apart several jobs of one id. */
export interface JobToTake extends JobGuard {
  /** Of a dead letter; others are not asked. */
  readonly failedAt?: Date | undefined;
  /** Does it wait until another one of its id is gone? Either when absent. */
  readonly isWaiting?: boolean | undefined;
}

export interface RemoveParams {
  readonly jobs: readonly JobToTake[];
}

export interface HoldParams {
  readonly jobs: readonly JobToTake[];
  readonly leaseMs: number;
  /** Who holds them, as views show it. */
  readonly holder: string;
}

export interface PromoteParams {
  /** Are the jobs given in the reverse of their order, so that it need not be read? */
  readonly latestFirst: boolean;
  readonly jobs: readonly JobGuard[];
}

export interface RescheduleJob extends JobGuard {
  /** From now, a time, or so long after its own due time (before it, when negative). */
  readonly due: Due | { readonly byMs: number };
}

export interface RescheduleParams {
  readonly jobs: readonly RescheduleJob[];
}

/** Absent fields stay as they are. */
export interface EditParams extends Omit<JobGuard, 'body'> {
  /** The body that the job is believed to have; any when absent. */
  readonly ifBody?: Buffer | undefined;
  readonly body?: Buffer | undefined;
  readonly ttlMs?: number | undefined;
}

/**
 * The latest dead letter of an id, among those that are what is believed; where there is none, the expired job of the
 * id, if its body is there.
 */
export interface RequeueJob {
  readonly id: Buffer;
  readonly topic?: Buffer | undefined;
  /** Failed at exactly this time; any when absent. */
  readonly failedAt?: Date | undefined;
  /** Only a job in this state; either when absent. */
  readonly state?: 'dead' | 'expired' | undefined;
  readonly delayMs: number;
}

export interface RequeueParams {
  readonly jobs: readonly RequeueJob[];
  readonly keepAttempts: boolean;
}

export interface PauseParams extends TopicParams {
  /** How long; until `resume` when absent. */
  readonly forMs?: number | undefined;
}

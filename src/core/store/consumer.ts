import type { NackResult, Popped, Reserved } from '../results.js';
import type { RetryPolicy } from '../retry-policy.js';
import type { CallLimits, TopicParams } from './limits.js';

export interface Consumer {
  /**
   * Takes up to `limit` ready jobs for good: those of the first topic first, and within a topic those due first. It
   * maintains before it looks, and passes over expired jobs. It may answer fewer jobs than `limit`, because a step
   * is bounded; no job means that none of the topics has a ready one, or that the time of the call was over. When it
   * answers, the jobs are gone from the store; when it fails, they are still there, or come back.
   */
  pop(params: PopParams): Promise<Popped>;

  /**
   * Leases jobs in the order of `pop`. Asking again with the same token answers the same jobs. A job with retry
   * settings of its own that no version of delayer wrote is not delivered: it becomes a dead letter with that
   * reason.
   */
  reserve(params: ReserveParams): Promise<Reserved>;

  /**
   * Ends leases of jobs that are done; the jobs are gone. Answers, in order, whether each lease was still held.
   */
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
   * Makes each of these leases end `leaseMs` from now. Answers, in order, when each ends; undefined when it was not
   * held any more.
   */
  extend(params: ExtendParams): Promise<(Date | undefined)[]>;

  /** Takes a lock that is free or already this owner's, for LOCK_MS from now. Answers whether it has it now. */
  lock(params: LockParams): Promise<boolean>;

  /** Frees a lock that is this owner's, and leaves any other alone. */
  unlock(params: LockParams): Promise<void>;
}

export interface PopParams extends TopicParams, CallLimits {
  readonly limit: number;
}

export interface ReserveParams extends PopParams {
  readonly leaseMs: number;
  /** Names this reservation: `newToken()` of lease.ts. */
  readonly token: string;
  /**
   * What becomes of a job when it fails or its lease ends. When absent it always comes back, whatever retries the
   * job itself has.
   */
  readonly policy?: RetryPolicy | undefined;
  readonly holder?: string | undefined;
  /**
   * The lock is taken or renewed in the same step, for LOCK_MS; when another owner has it, nothing is reserved.
   */
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

/** How a job failed. What is absent is decided by its policy. */
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

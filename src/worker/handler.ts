import type { LeasedJob } from '../core/job.js';
import type { NackOptions } from '../core/requests.js';

/** How the program that handled a job ended, if it was a program. */
export interface ProgramEnd {
  readonly exitCode?: number | undefined;
  readonly signalName?: string | undefined;
}

/**
 * The job failed. It is tried again after `retryInMs`, else after the pause of its policy; it is dead when the
 * policy leaves no retry.
 */
export interface Failed extends ProgramEnd {
  readonly retryInMs?: number | undefined;
  readonly reason?: string | undefined;
}

/** It failed permanently, and is kept with the dead letters: for `deadTtlMs` (0: for ever), else as its policy says. */
export interface Dead extends ProgramEnd {
  readonly dead: true;
  readonly deadTtlMs?: number | undefined;
  readonly reason?: string | undefined;
}

/**
 * How a job ended in the handler's hands.
 * - `done`: it is acknowledged.
 * - `release`: it was not begun, or is to be begun anew, and the handler accepts no more. The job is given back as
 *   if it had never been reserved, and the worker ends, for it would be given the same job again.
 */
export type Outcome = 'done' | 'release' | Failed | Dead;

/** How a job that failed is nacked. */
export function toNack(outcome: Failed | Dead): NackOptions {
  const { reason, exitCode, signalName } = outcome;
  if ('dead' in outcome) return { dead: true, deadTtlMs: outcome.deadTtlMs, reason, exitCode, signalName };
  return { delayMs: outcome.retryInMs, reason, exitCode, signalName };
}

export interface HandlerResult {
  /** In the order of the jobs. Jobs beyond the last outcome are released, and the worker ends. */
  readonly outcomes: readonly Outcome[];
  /** True when the handler accepts no more jobs: the worker ends. */
  readonly isClosed?: boolean | undefined;
}

/**
 * Why a call is stopped before its end.
 * - `lost`: none of its jobs is this worker's any more. What it answers is not asked for.
 * - `timeout`: it has taken longer than it may.
 * - `shutdown`: the worker is to end at once.
 */
export type StopReason = 'lost' | 'timeout' | 'shutdown';

export interface HandlerContext {
  /** Aborts when the call is to end. Created when it is first read. */
  readonly signal: AbortSignal;
  /** Why it is to end; absent while it is not. */
  readonly stopReason: StopReason | undefined;
  /**
   * Calls back once when the call is to end; at once if it has been stopped already. There is one listener; a second
   * replaces it.
   */
  onStop(listener: (reason: StopReason) => void): void;
  /**
   * Asks the store whether a lease of these jobs was ended before its time, as by the handler itself; false where the
   * store cannot be asked.
   */
  wereEnded(): Promise<boolean>;
  /**
   * Ends the lease of one job before the call ends; the outcome of the call is ignored for it. False when its lease
   * was ended this way before, there is no such job, or the call has ended.
   */
  settle(place: number, outcome: Outcome): boolean;
}

/** What is done with jobs: print them, or give them to a program or a function. */
export interface Handler {
  /** How many calls of `handle` may be under way at once. */
  readonly concurrency: number;
  /** The most jobs of a call; it may get fewer. */
  readonly batchSize: number;
  /** So many bytes (ids, topics, bodies) at most have the jobs of a call, unless it is one job; no limit when absent. */
  readonly batchBytes?: number | undefined;
  /**
   * `always`: the next jobs are leased while these are in hand, so that a fast handler never waits for the store.
   * `while short`: no job is to wait in this worker that another one could do, so as many as `concurrency` are
   * leased ahead while calls are short, and none when they take long; see lead.ts.
   */
  readonly prefetch: 'always' | 'while short';
  /** Does it know the leases, so that it may end them itself? Then a lease that ends early is normal. */
  readonly knowsLeases?: boolean | undefined;
  /**
   * Works on jobs, whose leases are renewed meanwhile. A rejection releases the jobs and ends the worker with that
   * error.
   */
  handle(jobs: readonly LeasedJob[], context: HandlerContext): Promise<HandlerResult>;
}

import type { OnEvent, OnJobEvent } from '../core/events.js';
import type { RetryOptions } from '../core/retry-policy.js';
import type { AbortSignalLike } from '../core/timer.js';
import type { Counts } from './counts.js';
import type { Handler } from './handler.js';
import type { KeepGoing } from './keep-going.js';
import type { LockKeeper } from './lock.js';
import type { Rate, StartLimiter } from './rate.js';
import type { WorkResult } from './result.js';

/** The options of every worker. */
export interface DrainOptions {
  /** In order of preference. */
  readonly topics: readonly Buffer[];
  readonly handler: Handler;
  /** Jobs to handle at most: in each pass, or in all when it follows; no limit when absent. */
  readonly max?: number | undefined;
  /** Ends the work after the jobs in hand; what was leased ahead is released. */
  readonly signal: AbortSignalLike;
  /** Stops the jobs in hand as well. */
  readonly abort?: AbortSignalLike | undefined;
  /** Leases last so long and are renewed at a third of it; DELIVERY_LEASE_MS when absent. */
  readonly leaseMs?: number | undefined;
  /** A call of the handler that takes longer (ms) is stopped. */
  readonly timeoutMs?: number | undefined;
  /** What becomes of jobs that fail, or whose lease ends; when absent they always come back. */
  readonly retry?: RetryOptions | undefined;
  /** Who reserves, for people who look at the jobs: `host:pid`. */
  readonly holder?: string | undefined;
  readonly rate?: Rate | undefined;
  /** Takes no more jobs after so many failures in a row. */
  readonly halt?: number | undefined;
  /** Works only while it holds the lock of this name on the store. */
  readonly lockName?: Uint8Array | undefined;
  /**
   * Returns a promise while the output has no room for that of more jobs; no job is taken until it resolves.
   */
  readonly waitForRoom?: (() => Promise<void> | undefined) | undefined;
  readonly onEvent?: OnEvent | undefined;
  /** Is called at the start and the end of each job. */
  readonly onJob?: OnJobEvent | undefined;
}

/** Options of a single worker; a loop has several, one after the other. */
export interface WorkerOptions extends DrainOptions {
  /** On the monotonic clock: after it nothing is reserved or delivered. */
  readonly untilMs?: number | undefined;
  /** The worker adds to these; it has its own when absent. */
  readonly counts?: Counts | undefined;
  /** The worker's starts count with those before; it has its own for the rate when absent. */
  readonly limiter?: StartLimiter | undefined;
  readonly keepGoing?: KeepGoing | undefined;
  readonly lock?: LockKeeper | undefined;
  /** When another owner has the lock: does it wait (true), or end? */
  readonly waitsForLock?: boolean | undefined;
}

export interface DrainResult extends WorkResult {
  /** Jobs tried in this run and not done by its end. */
  readonly notDone: number;
  /** Does the handler accept no more jobs? */
  readonly isClosed: boolean;
  /** Did too many failures in a row end it? */
  readonly isHalted: boolean;
  /**
   * How long (ms) until a job may be ready, when a pass ended because none was; absent when none is to come.
   */
  readonly nextInMs?: number | undefined;
}

export function toResult(
  { done, retried, dead, released, lateAcks, settled, notDone }: Counts,
  { isClosed, isHalted }: Pick<DrainResult, 'isClosed' | 'isHalted'>,
): DrainResult {
  const counts = { done, retried, dead, released, lateAcks, settled, notDone: notDone.count };
  return { ...counts, isClosed, isHalted };
}

import type { OnEvent, OnJobEvent } from '../core/events.js';
import type { RetryOptions } from '../core/retry-policy.js';
import type { AbortSignalLike } from '../core/timer.js';
import type { Counts } from './counts.js';
import type { Handler } from './handler.js';
import type { KeepGoing } from './keep-going.js';
import type { LockKeeper } from './lock.js';
import type { Rate } from './rate.js';
import type { WorkResult } from './result.js';

/** What a worker is told, however long it works. */
export interface DrainOptions {
  /** In order of preference. */
  readonly topics: readonly Buffer[];
  readonly handler: Handler;
  /** Jobs to handle at most: in each pass, or in all when it follows; no limit when absent. */
  readonly max?: number | undefined;
  /** Ends the work after the jobs in hand; what was leased ahead is released. */
  readonly signal: AbortSignalLike;
  /** Ends the jobs in hand, too: their calls are told to end. */
  readonly abort?: AbortSignalLike | undefined;
  /** Leases last so long and are renewed at a third of it; DELIVERY_LEASE_MS when absent. */
  readonly leaseMs?: number | undefined;
  /** A call of the handler that takes longer (ms) is told to end. */
  readonly timeoutMs?: number | undefined;
  /** What becomes of jobs that fail, or whose lease ends; they come back however often when absent. */
  readonly retry?: RetryOptions | undefined;
  /** Who reserves, for people who look at the jobs: `host:pid`. */
  readonly holder?: string | undefined;
  readonly rate?: Rate | undefined;
  /** Takes no more after so many failures in a row. */
  readonly halt?: number | undefined;
  /** Works only while it holds the lock of this name on the store. */
  readonly lockName?: Uint8Array | undefined;
  readonly onEvent?: OnEvent | undefined;
  /** Is told of each job's start and end. */
  readonly onJob?: OnJobEvent | undefined;
}

/** Of one worker; a loop has several, one after the other. */
export interface WorkerOptions extends DrainOptions {
  /** On the monotonic clock: after it nothing is reserved or delivered. */
  readonly untilMs?: number | undefined;
  /** Added to by the worker; counts of its own when absent. */
  readonly counts?: Counts | undefined;
  readonly keepGoing?: KeepGoing | undefined;
  readonly lock?: LockKeeper | undefined;
  /** Where somebody else has the lock: does it wait, or end? */
  readonly waitsForLock?: boolean | undefined;
}

export interface DrainResult extends WorkResult {
  /** Tried in this run, and not done by its end. */
  readonly notDone: number;
  /** Does the handler accept no more? */
  readonly isClosed: boolean;
  /** Was it ended by too many failures in a row? */
  readonly isHalted: boolean;
  /** How long (ms) until a job may be ready, when a pass ended because none was; absent when none is waiting. */
  readonly nextInMs?: number | undefined;
}

export function toResult(
  { done, retried, dead, released, lateAcks, settled, notDone }: Counts,
  { isClosed, isHalted }: Pick<DrainResult, 'isClosed' | 'isHalted'>,
): DrainResult {
  const counts = { done, retried, dead, released, lateAcks, settled, notDone: notDone.count };
  return { ...counts, isClosed, isHalted };
}

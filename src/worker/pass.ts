import type { Queue } from '../core/queue.js';
import type { AbortSignalLike } from '../core/timer.js';
import type { Counts } from './acknowledge.js';
import type { Handler } from './handler.js';
import { Worker } from './worker.js';

export interface DrainOptions {
  /** In order of preference. */
  readonly topics: readonly Buffer[];
  readonly handler: Handler;
  /** Jobs to handle at most: in each pass, or in all when it follows; no limit when absent. */
  readonly max?: number | undefined;
  /** Ends the work after the jobs in hand; what was leased ahead is released. */
  readonly signal: AbortSignalLike;
  /** Leases last so long and are renewed at a third of it; DELIVERY_LEASE_MS when absent. */
  readonly leaseMs?: number | undefined;
}

/** What was done, in jobs. */
export interface DrainResult {
  readonly done: number;
  readonly retried: number;
  readonly dead: number;
  /** Given back, those that were leased ahead too. */
  readonly released: number;
  /** Of those done: acknowledged after their lease was lost, so that another consumer may have them too. */
  readonly lateAcks: number;
  /** Does the handler accept no more? */
  readonly isClosed: boolean;
  /** How long (ms) until a job may be ready, when a pass ended because none was; absent when none is waiting. */
  readonly nextInMs?: number | undefined;
}

/**
 * Handles ready jobs until none is left: each is leased, handled, and acknowledged only then.
 * @throws DelayerError when the store fails; `outcome_unknown` when jobs were handled and could not be
 *   acknowledged. What the handler is rejected with is thrown as it is. Jobs in hand are released, or come
 *   back when their lease ends.
 */
export async function drainPass(queue: Queue, options: DrainOptions): Promise<DrainResult> {
  const worker = new Worker(queue, options);
  await worker.run();
  return { ...toResult(worker.counts, worker.isClosed), nextInMs: worker.nextInMs };
}

export function toResult(counts: Counts, isClosed: boolean): DrainResult {
  const { done, retried, dead, released, lateAcks } = counts;
  return { done, retried, dead, released, lateAcks, isClosed };
}

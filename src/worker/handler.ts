import type { LeasedJob } from '../core/job.js';

/**
 * How a job ended in the handler's hands.
 * - `done`: it is acknowledged.
 * - `release`: it was not begun, and the handler accepts no more. The job is given back as if it had never been
 *   reserved, and the worker ends, for it would be given the same job again.
 * - `retryInMs`: it failed, and is ready again after so long.
 * - `dead`: it failed for good, and is kept with the dead letters for `deadTtlMs` (30 days when absent; 0:
 *   for ever).
 */
export type Outcome =
  | 'done'
  | 'release'
  | { readonly retryInMs: number; readonly reason?: string | undefined }
  | {
      readonly dead: true;
      readonly deadTtlMs?: number | undefined;
      readonly reason?: string | undefined;
    };

export interface HandlerResult {
  /** In the order of the jobs. Jobs beyond the last outcome are released, and the worker ends. */
  readonly outcomes: readonly Outcome[];
  /** True when the handler accepts no more jobs: the worker ends. */
  readonly isClosed?: boolean | undefined;
}

export interface HandlerContext {
  /** Aborts when all leases of the jobs are lost: others may have the jobs by now. Made when it is first read. */
  readonly signal: AbortSignal;
}

/** What is done with jobs: they are printed, or given to a program. */
export interface Handler {
  /** Calls of `handle` that may be under way at once. */
  readonly concurrency: number;
  /** Jobs of one call at most; it may be given fewer. */
  readonly batchSize: number;
  /**
   * True when the next jobs are to be leased while these are in hand, so that a fast handler never waits for
   * the store. False when no job is to be leased that cannot be begun at once: for slow handlers, whose
   * waiting jobs another worker could do.
   */
  readonly leasesAhead: boolean;
  /**
   * Works on jobs, whose leases are kept alive meanwhile. A rejection releases the jobs and ends the worker
   * with that error.
   */
  handle(jobs: readonly LeasedJob[], context: HandlerContext): Promise<HandlerResult>;
}

import type { LeasedJob } from '../../core/job.js';
import type { Handler, Outcome } from '../handler.js';

/** Jobs printed at a time: when the reader of a pipe dies, little more is lost than what the pipe holds. */
const PRINT_BATCH = 50;

/**
 * Writes jobs in order. Resolves with how many were written whole; fewer than given means that it accepts no more, or
 * that the next one can never be printed, for the reason `tooLarge`.
 */
export type WriteJobs = (
  jobs: readonly LeasedJob[],
) => Promise<number | { readonly written: number; readonly tooLarge: string }>;

/** A job is done when it is printed; one that never can be is a dead letter, so that it stops no others. */
export function printHandler(write: WriteJobs): Handler {
  return {
    concurrency: 1,
    batchSize: PRINT_BATCH,
    prefetch: 'always',
    async handle(jobs) {
      const outcomes: Outcome[] = [];
      while (outcomes.length < jobs.length) {
        const done = await write(jobs.slice(outcomes.length));
        const written = typeof done === 'number' ? done : done.written;
        for (let i = 0; i < written; i += 1) outcomes.push('done');
        if (typeof done !== 'number') outcomes.push({ dead: true, reason: done.tooLarge });
        else if (outcomes.length < jobs.length) return { outcomes, isClosed: true };
      }
      return { outcomes };
    },
  };
}

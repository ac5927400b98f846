import type { LeasedJob } from '../../core/job.js';
import type { Handler } from '../handler.js';

/** Jobs printed at a time: when the reader of a pipe dies, little more is lost than what the pipe holds. */
const PRINT_BATCH = 50;

/**
 * Writes jobs in order. Resolves with how many were written whole; fewer than given means that it accepts no more.
 */
export type WriteJobs = (jobs: readonly LeasedJob[]) => Promise<number>;

/** A job is done when it is printed. */
export function printHandler(write: WriteJobs): Handler {
  return {
    concurrency: 1,
    batchSize: PRINT_BATCH,
    prefetch: 'always',
    async handle(jobs) {
      const written = await write(jobs);
      return { outcomes: new Array<'done'>(written).fill('done'), isClosed: written < jobs.length };
    },
  };
}

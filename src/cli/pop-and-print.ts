import type { Job } from '../core/job.js';
import { type Queue, TAKE_BATCH } from '../core/queue.js';
import { escapeForTerminal } from '../output/escape.js';
import { type JobFormat, writeJobs } from '../output/jobs.js';
import { say } from './stderr.js';

/**
 * Takes up to `count` jobs, batch by batch, and prints them. They are taken for good before they are
 * printed, so that none is printed twice; what cannot be printed is pushed back.
 * @returns how many were taken
 * @throws OutputError
 */
export async function takeAndPrint(
  queue: Queue,
  count: number,
  format: JobFormat,
  take: (most: number) => Promise<Job[]>,
): Promise<number> {
  let taken = 0;
  while (taken < count) {
    const jobs = await take(Math.min(count - taken, TAKE_BATCH));
    if (jobs.length === 0) break;
    taken += jobs.length;
    const { written, error } = await writeJobs(jobs, format);
    if (error) {
      await giveBack(queue, jobs.slice(written));
      throw error;
    }
  }
  return taken;
}

/** Whatever becomes of them, their user is told of each. */
async function giveBack(queue: Queue, jobs: readonly Job[]): Promise<void> {
  const names = (ids: readonly Buffer[]) => ids.map((id) => `"${escapeForTerminal(id)}"`).join(', ');
  try {
    const lost = await queue.restore(jobs);
    if (lost.length > 0) say(`not back, for another job has the id: ${names(lost)}`);
  } catch (error) {
    say(
      `could not be printed, and may not be back in the queue: ${names(jobs.map(({ id }) => id))}: ${String(error)}`,
    );
  }
}

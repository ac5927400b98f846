import { DelayerError } from '../core/errors.js';
import type { Bytes, Job } from '../core/job.js';
import { POP_BATCH } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import { escapeForTerminal } from '../output/escape.js';
import { JOB_FORMATS, type JobFormat, writeJobs } from '../output/jobs.js';
import type { LeaseFlags, LeasePrinter } from './lease-and-print.js';
import { printNote } from './stderr.js';

/**
 * Pops up to `count` jobs, batch by batch, and prints them. They leave the queue before they are printed, so that
 * none is printed twice; jobs that cannot be printed are pushed back.
 * @param pop answers up to `limit` jobs, none when there are no more
 * @returns how many were popped
 * @throws OutputError
 */
export async function popAndPrint(
  queue: Queue,
  count: number,
  format: JobFormat,
  pop: (limit: number) => Promise<Job[]>,
): Promise<number> {
  let popped = 0;
  while (popped < count) {
    const jobs = await pop(Math.min(count - popped, POP_BATCH));
    if (jobs.length === 0) break;
    popped += jobs.length;
    const { written, error } = await writeJobs(jobs, format);
    if (error) {
      await restore(queue, jobs.slice(written));
      throw error;
    }
  }
  return popped;
}

/** @throws DelayerError `usage` where the output format needs a lease and there is none */
export function formatOf(output: string): JobFormat {
  const format = JOB_FORMATS.find((one) => one === output);
  if (format !== undefined) return format;
  throw new DelayerError('usage', `--output ${output} needs --lease`, { hint: 'Add --lease 60s.' });
}

/** The code for `--lease` is loaded only then. */
export async function loadLeasePrinter(topics: readonly Buffer[], flags: LeaseFlags): Promise<LeasePrinter> {
  const { LeasePrinter } = await import('./lease-and-print.js');
  return new LeasePrinter(topics, flags);
}

/** Prints each job that could not be pushed back. */
async function restore(queue: Queue, jobs: readonly Job[]): Promise<void> {
  const names = (ids: readonly Bytes[]) => ids.map((id) => `"${escapeForTerminal(id)}"`).join(', ');
  try {
    const lost = await queue.restore(jobs);
    if (lost.length > 0) printNote(`not back in the queue, because another job has the id: ${names(lost)}`);
  } catch (error) {
    const ids = names(jobs.map(({ id }) => id));
    printNote(`not printed, and perhaps not back in the queue: ${ids}: ${String(error)}`);
  }
}

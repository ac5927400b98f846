import type { Bytes, JobRecord } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import { jobToJson, toJsonLine } from '../output/json.js';
import { writeStdout } from '../output/stdout.js';
import { loadDeadTables, tableWidth } from './tables.js';
import type { DeadTopics } from './dead-topics.js';
import { printNote } from './stderr.js';

/** So many are shown. */
const SHOWN = 10;

/**
 * Counts the dead letters that would be requeued, and shows the first.
 * @returns the exit code: 1 when there is none
 */
export async function showDryRun(
  queue: Queue,
  { topics, count = 0 }: DeadTopics,
  limit: number,
  json: boolean,
): Promise<number> {
  const [wouldBe, jobs] = [Math.min(count, limit), await firstOf(queue, topics, Math.min(SHOWN, limit))];
  if (json) await writeStdout(`${toJsonLine({ dryRun: true, count: wouldBe, jobs: jobs.map(jobToJson) })}\n`);
  else {
    if (jobs.length > 0) {
      const { deadTable } = await loadDeadTables();
      await writeStdout(deadTable(jobs, await queue.now(), tableWidth()));
    }
    printNote(wouldBe === 0 ? 'there is no such dead letter' : `${wouldBe} would be requeued`);
  }
  return wouldBe === 0 ? 1 : 0;
}

async function firstOf(queue: Queue, topics: readonly Bytes[], most: number): Promise<JobRecord[]> {
  const jobs: JobRecord[] = [];
  for (const topic of topics) {
    if (jobs.length >= most) break;
    jobs.push(...(await queue.list(topic, { states: ['dead'], limit: most - jobs.length })).jobs);
  }
  return jobs;
}

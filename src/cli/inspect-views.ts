import type { JobRecord } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import { escapeForTerminal } from '../output/escape.js';
import { explain } from '../output/explain.js';
import { jobLine } from '../output/job-line.js';
import { explainedJobToJson, reasonsToJson, toJsonLine } from '../output/json.js';
import { writeStdout } from '../output/stdout.js';
import { printNote } from './stderr.js';
import { loadTable, tableWidth } from './tables.js';

/** The views of `inspect`; each answers the exit code, 1 where there is no such job. */

/** The dead letters of a topic, counted by why they failed. */
export async function showReasons(queue: Queue, topic: Buffer, json: boolean): Promise<number> {
  const { countReasons } = await import('../bulk/reasons.js');
  const { reasons, others, total } = await countReasons(queue, topic);
  if (json) await printJson(reasonsToJson(topic, reasons, others));
  else if (total === 0) printNote('no job matches');
  else {
    const { reasonsTable } = await loadTable(() => import('../output/attempts-table.js'));
    await writeStdout(reasonsTable(reasons, tableWidth()));
    if (others > 0) printNote(`${others} more failed for other reasons`);
  }
  return total === 0 ? 1 : 0;
}

/**
 * A line of JSON or a card for each job of the given ids; an id has several when it was pushed again while leased or
 * dead.
 * @returns 1 when there is none of an id
 */
export async function showJobs(
  queue: Queue,
  chunks: AsyncIterable<readonly Buffer[]>,
  json: boolean,
): Promise<number> {
  const absent: Buffer[] = [];
  let count = 0;
  for await (const ids of chunks) {
    count += ids.length;
    const [found, now] = await Promise.all([Promise.all(ids.map((id) => queue.find(id))), queue.now()]);
    absent.push(...ids.filter((_, i) => found[i]?.length === 0));
    for (const jobs of found) await showEach(jobs, now, json);
  }
  if (!json) tellOfAbsent(absent, count);
  return absent.length > 0 || count === 0 ? 1 : 0;
}

/** How many of the ids without a job are named. */
const MAX_ABSENT_NOTES = 100;

function tellOfAbsent(absent: readonly Buffer[], count: number): void {
  const why = 'it was taken, removed or cleared away, or never pushed';
  const isOnly = count === 1;
  for (const id of absent.slice(0, MAX_ABSENT_NOTES))
    printNote(`there is no job of ${isOnly ? 'that id' : `the id "${escapeForTerminal(id)}"`}: ${why}`);
  const more = absent.length - MAX_ABSENT_NOTES;
  if (more > 0) printNote(`there is no job of ${more} more ids`);
}

/** @param jobs those of one id, or of any */
async function showEach(jobs: readonly JobRecord[], now: Date, json: boolean): Promise<void> {
  if (json) {
    for (const job of jobs) await printExplained(job, explain(job, now, jobs));
  } else if (jobs.length > 0) {
    const { jobCard } = await loadTable(() => import('../output/job-card.js'));
    for (const job of jobs) await writeStdout(jobCard(job, explain(job, now, jobs), now, tableWidth()));
  }
}

/** The jobs that have a flaw, each with an explanation. */
export async function showFlawed(queue: Queue, limit: number | undefined, json: boolean): Promise<number> {
  const [{ jobs, more }, now] = await Promise.all([queue.findFlawed({ limit }), queue.now()]);
  if (json) {
    for (const job of jobs) await printExplained(job, explain(job, now));
  } else if (jobs.length === 0) {
    printNote('no job has a problem');
  } else {
    const { jobCard } = await loadTable(() => import('../output/job-card.js'));
    for (const job of jobs) await writeStdout(jobCard(job, explain(job, now), now, tableWidth()));
  }
  if (more) printNote('there are more: add --limit');
  return jobs.length === 0 ? 1 : 0;
}

async function printExplained(job: JobRecord, explanation: readonly string[]): Promise<void> {
  await writeStdout(jobLine(job, () => explainedJobToJson(job, explanation)));
}

async function printJson(value: unknown): Promise<void> {
  await writeStdout(`${toJsonLine(value)}\n`);
}

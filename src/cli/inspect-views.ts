import type { JobRecord } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import type { Estimate, Problem, Stats } from '../core/results.js';
import { escapeForTerminal } from '../output/escape.js';
import { explain } from '../output/explain.js';
import { explainedJobToJson, overviewToJson, reasonsToJson, toJsonLine } from '../output/json.js';
import { writeStdout } from '../output/stdout.js';
import { withCliHint } from './hints.js';
import { printInfo, printNote, ProgressLine } from './stderr.js';
import { loadTable, tableTitle, tableWidth } from './tables.js';

/** What `inspect` shows; each view answers the exit code, 1 where there is no such job. */

/** All topics, and what is wrong with the store. */
export async function showOverview(queue: Queue, { json, exact }: OverviewOptions): Promise<number> {
  const [stats, found, now] = await Promise.all([
    count(queue, exact),
    queue.health({ exact: false }),
    queue.now(),
  ]);
  const problems = [...(stats.problems ?? []).map(withListHint), ...found].map(withCliHint);
  if (json) {
    await printJson(overviewToJson(queue.label, stats, problems));
    return 0;
  }
  const { overviewTable } = await loadTable(() => import('../output/overview-table.js'));
  const { daemonsTable } = await import('../output/daemons-table.js');
  const overview = overviewTable(stats, problems, now, tableWidth());
  await writeStdout(`${tableTitle(queue)}${overview}${daemonsTable(stats.daemons ?? [], now, tableWidth())}`);
  if (stats.estimate) printInfo(estimateNote(stats.estimate));
  return 0;
}

export interface OverviewOptions {
  readonly json: boolean;
  /** Count all jobs, however many there are. */
  readonly exact: boolean;
}

/** Shows how far it is, where somebody looks. */
async function count(queue: Queue, exact: boolean): Promise<Stats> {
  if (!exact) return queue.stats({ exact });
  const progress = new ProgressLine();
  const onProgress = (counted: number, total: number) =>
    progress.draw(() => `counted ${counted} of ${total} jobs`);
  try {
    return await queue.stats({ exact, onProgress });
  } finally {
    progress.clear();
  }
}

function estimateNote({ sampled, missingBelow }: Estimate): string {
  return `counts with ~ are estimates from ${sampled} jobs, and topics with fewer than some ${missingBelow} jobs may be missing; --exact counts all`;
}

/** Those of jobs are not only counted. */
function withListHint(problem: Problem): Problem {
  if (problem.code === 'records_gone') return problem;
  return { ...problem, hint: `${problem.hint} \`delayer inspect --problems\` lists them.` };
}

/** The dead letters of a topic, counted by why they failed. */
export async function showReasons(queue: Queue, topic: Buffer, json: boolean): Promise<number> {
  const { countReasons } = await import('../bulk/reasons.js');
  const { reasons, others, total } = await countReasons(queue, topic);
  if (json) await printJson(reasonsToJson(topic, reasons, others));
  else if (total === 0) printNote('no such jobs');
  else {
    const { reasonsTable } = await loadTable(() => import('../output/attempts-table.js'));
    await writeStdout(reasonsTable(reasons, tableWidth()));
    if (others > 0) printNote(`${others} more failed for other reasons`);
  }
  return total === 0 ? 1 : 0;
}

/**
 * A line of JSON or a card for each job of ids: several of one when it was pushed again while leased or dead.
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

/** So many ids are named of which there is no job. */
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
    for (const job of jobs) await printJson(explainedJobToJson(job, explain(job, now, jobs)));
  } else if (jobs.length > 0) {
    const { jobCard } = await loadTable(() => import('../output/job-card.js'));
    for (const job of jobs) await writeStdout(jobCard(job, explain(job, now, jobs), now, tableWidth()));
  }
}

/** The jobs that something is wrong with, each with an explanation. */
export async function showFlawed(queue: Queue, limit: number | undefined, json: boolean): Promise<number> {
  const [{ jobs, more }, now] = await Promise.all([queue.findFlawed({ limit }), queue.now()]);
  if (json) {
    for (const job of jobs) await printJson(explainedJobToJson(job, explain(job, now)));
  } else if (jobs.length === 0) {
    printNote('there is no job that something is wrong with');
  } else {
    const { jobCard } = await loadTable(() => import('../output/job-card.js'));
    for (const job of jobs) await writeStdout(jobCard(job, explain(job, now), now, tableWidth()));
  }
  if (more) printNote('there are more: add --limit');
  return jobs.length === 0 ? 1 : 0;
}

async function printJson(value: unknown): Promise<void> {
  await writeStdout(`${toJsonLine(value)}\n`);
}

import { DelayerError } from '../core/errors.js';
import type { ListQuery } from '../core/requests.js';
import type { Queue } from '../core/queue.js';
import type { Estimate, Problem, Stats } from '../core/results.js';
import { explain } from '../output/explain.js';
import {
  explainedJobToJson,
  jobPageToJson,
  overviewToJson,
  reasonsToJson,
  toJsonLine,
} from '../output/json.js';
import { writeStdout } from '../output/stdout.js';
import { withCliHint } from './hints.js';
import { printInfo, printNote, ProgressLine } from './stderr.js';
import { loadDaemonsTable, loadDeadTables, loadTables, tableWidth } from './tables.js';

/** All topics, and what is wrong with the store. */
export async function showOverview(queue: Queue, { json, exact }: OverviewOptions): Promise<void> {
  const [stats, found, now] = await Promise.all([
    count(queue, exact),
    queue.health({ exact: false }),
    queue.now(),
  ]);
  const problems = [...(stats.problems ?? []).map(withListHint), ...found].map(withCliHint);
  if (json) return printJson(overviewToJson(queue.label, stats, problems));
  const [{ overviewTable }, { daemonsTable }] = [await loadTables(), await loadDaemonsTable()];
  const [overview, daemons] = [
    overviewTable(stats, problems, now, tableWidth()),
    daemonsTable(stats.daemons ?? [], now, tableWidth()),
  ];
  await writeStdout(overview + daemons);
  if (stats.estimate) printInfo(estimateNote(stats.estimate));
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

/** A page of the jobs of a topic; answers how many there are on it. */
export async function showTopic(
  queue: Queue,
  topic: Buffer,
  query: ListQuery,
  json: boolean,
): Promise<number> {
  const page = await queue.list(topic, query);
  const { jobs, cursor, problems = [] } = page;
  const [problem] = problems;
  // That there are none would not be true.
  if (jobs.length === 0 && problem)
    throw new DelayerError('store_wrong_type', problem.message, { hint: problem.hint });
  for (const { message } of problems) printNote(`not all jobs can be listed: ${message}`);
  if (json) await printJson(jobPageToJson(topic, page));
  else if (jobs.length === 0) printNote('no such jobs');
  else {
    const [now, isDead] = [await queue.now(), query.states?.every((state) => state === 'dead') ?? false];
    // Of dead letters the reason is what counts.
    const draw = isDead ? (await loadDeadTables()).deadTable : (await loadTables()).jobsTable;
    await writeStdout(draw(jobs, now, tableWidth()));
    if (cursor !== undefined) printInfo(`there are more: add --cursor ${cursor}`);
  }
  return jobs.length;
}

/** The dead letters of a topic, counted by why they failed; answers how many there are. */
export async function showReasons(queue: Queue, topic: Buffer, json: boolean): Promise<number> {
  const { countReasons } = await import('../bulk/reasons.js');
  const { reasons, others, total } = await countReasons(queue, topic);
  if (json) await printJson(reasonsToJson(topic, reasons, others));
  else if (total === 0) printNote('no such jobs');
  else {
    const { reasonsTable } = await loadDeadTables();
    await writeStdout(reasonsTable(reasons, tableWidth()));
    if (others > 0) printNote(`${others} more failed for other reasons`);
  }
  return total;
}

/**
 * A line of JSON or a card for each job of an id: several when it was pushed again while leased or dead.
 * Answers how many there are.
 */
export async function showJobs(queue: Queue, id: Buffer, json: boolean): Promise<number> {
  const [jobs, now] = await Promise.all([queue.find(id), queue.now()]);
  if (json) {
    for (const job of jobs) await printJson(explainedJobToJson(job, explain(job, now, jobs)));
  } else if (jobs.length === 0) {
    printNote('there is no job of that id: it was taken, removed or cleared away, or never pushed');
  } else {
    const { jobCard } = await loadTables();
    for (const job of jobs) await writeStdout(jobCard(job, explain(job, now, jobs), now, tableWidth()));
  }
  return jobs.length;
}

/** The jobs that something is wrong with, each with an explanation; answers how many there are. */
export async function showFlawed(queue: Queue, limit: number | undefined, json: boolean): Promise<number> {
  const [{ jobs, more }, now] = await Promise.all([queue.findFlawed({ limit }), queue.now()]);
  if (json) {
    for (const job of jobs) await printJson(explainedJobToJson(job, explain(job, now)));
  } else if (jobs.length === 0) {
    printNote('there is no job that something is wrong with');
  } else {
    const { jobCard } = await loadTables();
    for (const job of jobs) await writeStdout(jobCard(job, explain(job, now), now, tableWidth()));
  }
  if (more) printNote('there are more: add --limit');
  return jobs.length;
}

async function printJson(value: unknown): Promise<void> {
  await writeStdout(`${toJsonLine(value)}\n`);
}

import { type Act, type Counted, countSelected, sweep, type Swept } from '../bulk/sweep.js';
import type { Queue } from '../core/queue.js';
import { jobToJson, toJsonLine } from '../output/json.js';
import { writeStdout } from '../output/stdout.js';
import { assertCanAsk, confirm } from './confirm.js';
import type { Rate } from './flags.js';
import { onlyTopic, type Selected } from './selection-flags.js';
import { describeCounts, SelectionReport, totalOf } from './selection-report.js';
import { printNote, ProgressLine } from './stderr.js';
import { loadTable, tableTitle, tableWidth } from './tables.js';
import { tellOfFailed } from './where.js';

/** Jobs that a dry run shows. */
const SHOWN = 10;

/** What a command does with the jobs of a selection. */
export interface Acting {
  /** `remove`, and what was done: `removed`. */
  readonly verb: string;
  readonly past: string;
  /**
   * Makes what acts on jobs.
   * @param total how many jobs there are, where it was counted
   */
  readonly start: (queue: Queue, total: number | undefined) => Act | Promise<Act>;
  /** Does it act on jobs without their bodies, attempts and history? */
  readonly withoutContent?: boolean | undefined;
  /** How many of its calls may be under way at once; 1 when absent. */
  readonly underWay?: number | undefined;
  /** Does it need the total number of jobs? */
  readonly needsTotal?: boolean | undefined;
  /** Is called at the end, when all was done or the rest failed. */
  readonly end?: ((isComplete: boolean) => void) | undefined;
}

export interface ActingFlags {
  readonly json: boolean;
  readonly yes: boolean;
  readonly 'dry-run': boolean;
  readonly rate?: Rate | undefined;
}

/**
 * Without a terminal there is nobody to ask, so `--yes` is needed.
 * @throws DelayerError `usage`
 */
export function assertAllowed(flags: ActingFlags): void {
  if (!flags.yes && !flags['dry-run']) assertCanAsk();
}

/**
 * Acts on the jobs of a selection as its flags say: counts them and shows some, or asks and acts.
 * @param signal ends it after the jobs in hand
 * @returns the exit code: 0 when at least one job was acted on, or would be; else 1
 */
export async function actOnSelection(
  queue: Queue,
  through: Selected,
  { verb, past, start, withoutContent = false, underWay, needsTotal = false, end }: Acting,
  flags: ActingFlags,
  signal?: AbortSignal,
): Promise<number> {
  const isCounted = !flags.yes || flags['dry-run'] || needsTotal;
  const counted = isCounted ? await count(queue, through) : undefined;
  if (counted && flags['dry-run']) {
    tellOfFailed(through.where);
    return showDryRun(queue, { ...through, ...counted }, past, flags.json);
  }
  const total = counted && totalOf(counted.counts);
  if (total === 0) {
    await new SelectionReport(past, flags.json, through.where).end(true);
    return 1;
  }
  if (!flags.yes && !(await confirm(`${verb} ${describeCounts(counted?.counts ?? {})}?`, signal))) {
    printNote(`nothing was ${past}`);
    return 1;
  }
  const act = await start(queue, total);
  through.where?.restart();
  const report = new SelectionReport(past, flags.json, through.where);
  let isComplete = false;
  try {
    // When stdout fails, jobs of calls that were under way are acted on all the same.
    const onUnasked = (part: Swept) => report.count(part);
    const limits = { perSecond: perSecondOf(flags.rate), underWay, signal, onUnasked };
    const query = { ...through.query, withoutContent: withoutContent && through.where === undefined };
    for await (const part of sweep(queue, { ...through, query }, act, limits)) await report.add(part);
    isComplete = signal?.aborted !== true;
  } finally {
    await report.end(isComplete);
    end?.(isComplete);
  }
  return report.exitCode;
}

const perSecondOf = (rate: Rate | undefined): number =>
  rate === undefined ? Infinity : (rate.count / rate.perMs) * 1000;

async function count(queue: Queue, through: Selected): Promise<Counted> {
  const progress = new ProgressLine();
  const onProgress = (lookedAt: number) =>
    progress.draw(() => `counting: ${lookedAt.toLocaleString('en')} checked`);
  const counted = await countSelected(queue, through, { show: SHOWN, onProgress });
  progress.clear();
  return counted;
}

/** @returns the exit code: 1 when there is no job */
async function showDryRun(
  queue: Queue,
  { counts, first, query }: Counted & Selected,
  past: string,
  json: boolean,
): Promise<number> {
  const total = totalOf(counts);
  if (json) {
    const jobs = first.map(jobToJson);
    await writeStdout(`${toJsonLine({ dryRun: true, count: total, byState: counts, jobs })}\n`);
  } else {
    const { jobsTable, defaultJobColumns } = await loadTable(() => import('../output/job-table.js'));
    const columns = defaultJobColumns(query.states, onlyTopic(query) === undefined);
    const table = () => jobsTable(first, columns, { now, width: tableWidth() });
    const now = await queue.now();
    if (total > 0) await writeStdout(`${tableTitle(queue)}${table()}`);
    printNote(total === 0 ? 'no job matches' : `${describeCounts(counts)} would be ${past}`);
  }
  return total === 0 ? 1 : 0;
}

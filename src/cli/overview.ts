import { Outage } from '../core/outage.js';
import type { Queue } from '../core/queue.js';
import type { Estimate, Problem, Stats } from '../core/views.js';
import { isTimeOver, sleep } from '../core/timer.js';
import { comparing } from '../output/columns.js';
import { overviewToJson, toJsonLine, topicToJson } from '../output/json.js';
import { writeIds } from '../output/jobs.js';
import { overviewRows, withEmptied } from '../output/overview-rows.js';
import type { OverviewLook } from '../output/overview-table.js';
import { RedrawnText } from '../output/redraw.js';
import { stdoutIsTerminal, writeStdout } from '../output/stdout.js';
import { describeEvent, printEvent } from './events.js';
import { withCliHint } from './hints.js';
import { whileRead } from './reader.js';
import type { Interruption } from './signals.js';
import { printInfo, ProgressLine } from './stderr.js';
import { loadTable, tableTitle, tableWidth, terminalSize } from './tables.js';

export type OverviewFormat = 'json' | 'ndjson' | 'id';

export interface OverviewOptions extends OverviewLook {
  /** A table when absent: one document, a line for each topic, or their names. */
  readonly format?: OverviewFormat | undefined;
  /** Count all jobs, however many there are. */
  readonly exact: boolean;
}

/** What one look found. */
interface Look {
  readonly stats: Stats;
  readonly problems: readonly Problem[];
  readonly now: Date;
}

/** All topics, and what is wrong with the store. @returns the exit code */
export async function showOverview(queue: Queue, options: OverviewOptions): Promise<number> {
  const found = await look(queue, options.exact);
  await show(queue, found, options);
  if (options.format === undefined && found.stats.estimate) printInfo(estimateNote(found.stats.estimate));
  return 0;
}

/**
 * The same again and again, with the changes since the last look: redrawn in place on a terminal, else one below the
 * other, until it is interrupted. Only the first look has to succeed; a store that goes away is waited for.
 * @returns the exit code
 */
export async function watchOverview(
  queue: Queue,
  options: OverviewOptions,
  { intervalMs, interruption }: { readonly intervalMs: number; readonly interruption: Interruption },
): Promise<number> {
  const screen = new RedrawnText();
  const { signal } = interruption;
  const outage = new Outage(queue.label, (event) => {
    if (stdoutIsTerminal()) void screen.draw(`${describeEvent(event) ?? ''}\n`, terminalSize());
    else printEvent(event);
  });
  await whileRead(interruption, async () => {
    for (let before: Stats | undefined; !signal.aborted;) {
      let seen: Look;
      try {
        seen = await look(queue, options.exact);
      } catch (error) {
        if (isTimeOver({ signal }) || (await outage.waitOut(error, { signal }))) continue;
        throw error;
      }
      outage.end();
      const { stats: counted, ...found } = seen;
      const stats = withEmptied(counted, before);
      const gap = before === undefined ? '' : '\n';
      const draw = (text: string) =>
        stdoutIsTerminal() ? screen.draw(text, terminalSize()) : writeStdout(`${gap}${text}`);
      await show(queue, { ...found, stats }, { ...options, before }, draw);
      before = counted;
      await sleep(intervalMs, signal);
    }
  });
  return 0;
}

/**
 * What is in a store and what is wrong with it; estimated where counting takes long, unless `exact` is asked for.
 */
export async function look(queue: Queue, exact: boolean): Promise<Look> {
  const [stats, found, now] = await Promise.all([
    count(queue, exact),
    queue.health({ exact: false }),
    queue.now(),
  ]);
  const problems = [...(stats.problems ?? []).map(withListHint), ...found].map(withCliHint);
  return { stats, problems, now };
}

/** @param draw puts a table in the place of the one before; when absent it is written like other output */
async function show(
  queue: Queue,
  { stats, problems, now }: Look,
  { format, ...how }: OverviewOptions,
  draw: (text: string) => Promise<void> = writeStdout,
): Promise<void> {
  const view = { now, width: tableWidth() };
  if (format === undefined) {
    const { overviewTable } = await loadTable(() => import('../output/overview-table.js'));
    const { daemonsTable } = await import('../output/daemons-table.js');
    const overview = overviewTable(stats, problems, view, how);
    const daemons = daemonsTable(stats.daemons ?? [], now, view.width);
    return draw(how.hasHeads === false ? overview : `${tableTitle(queue)}${overview}${daemons}`);
  }
  const { rows, total } = overviewRows(stats, now, how.before);
  if (how.order) rows.sort(comparing(how.order, view));
  if (format === 'id') return writeIds(rows.map(({ topic }) => topic));
  if (format === 'ndjson')
    return writeStdout(rows.map((row) => `${toJsonLine(topicToJson(row))}\n`).join(''));
  const changed = { ...stats, topics: rows, ...(how.before && { change: total.change }) };
  await writeStdout(`${toJsonLine(overviewToJson(queue.label, changed, problems))}\n`);
}

/** Shows progress on a terminal. */
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

/** Problems of single jobs are listed with examples, not only counted. */
function withListHint(problem: Problem): Problem {
  if (problem.code === 'records_gone') return problem;
  return { ...problem, hint: `${problem.hint} \`delayer inspect --problems\` lists them.` };
}

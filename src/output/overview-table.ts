import chalk from 'chalk';
import { exactDuration, formatDuration } from '../core/duration.js';
import { JOB_STATES, type JobState } from '../core/job.js';
import type { Problem, Stats } from '../core/views.js';
import { nameText, NONE, timeCell } from './cells.js';
import { cellsOf, comparing, type NamedColumn, type Order, type View } from './columns.js';
import { escapeText } from './escape.js';
import { type Cell, drawTable } from './layout.js';
import { type OverviewRow, overviewRows } from './overview-rows.js';
import { PAINT } from './paint.js';

export type TopicColumn = NamedColumn<OverviewRow>;

/** The columns that a narrow terminal loses, in this order. */
const DROPPED = ['expired', 'next due', 'late', 'due', 'paused', 'leased', 'oldest'];
/** Columns that are left out on a terminal when they are empty. */
const HIDDEN_WHEN_EMPTY = ['late', 'paused'];

const stateColumn = (state: JobState): Omit<TopicColumn, 'drop'> => ({
  ...{ head: state, alignRight: true },
  cell: (row) => countCell(row, state),
  value: (row) => row[state],
});

/** The columns that the overview may have. */
export const TOPIC_COLUMNS: readonly TopicColumn[] = [
  {
    head: 'topic',
    cell: ({ topic, pausedUntilMs }, { width }) => {
      const paint = pausedUntilMs === undefined ? {} : { paint: chalk.yellow };
      return topic ? { text: nameText(topic, width), ...paint } : { text: 'total', paint: chalk.bold };
    },
    value: ({ topic }) => topic?.toString('latin1'),
  } satisfies TopicColumn,
  ...JOB_STATES.map(stateColumn),
  {
    ...{ head: 'oldest', alignRight: true },
    cell: ({ oldestReadyAt, isOldestAtLeast }, { now }) => ageCell(oldestReadyAt, now, isOldestAtLeast),
    value: ({ oldestReadyAt }, { now }) => oldestReadyAt && now.getTime() - oldestReadyAt.getTime(),
  } satisfies TopicColumn,
  {
    ...{ head: 'late', alignRight: true },
    cell: ({ lateSince }, { now }) => ageCell(lateSince, now),
    value: ({ lateSince }, { now }) => lateSince && now.getTime() - lateSince.getTime(),
  } satisfies TopicColumn,
  {
    head: 'next due',
    cell: ({ nextDueAt }, { now }) => timeCell(nextDueAt, now),
    value: ({ nextDueAt }) => nextDueAt?.getTime(),
  } satisfies TopicColumn,
  {
    head: 'paused',
    cell: pausedCell,
    value: ({ pausedUntilMs }) => pausedUntilMs,
  } satisfies TopicColumn,
].map((column) => ({ ...column, drop: dropOf(column.head) }));

function dropOf(head: string): number | undefined {
  const at = DROPPED.indexOf(head);
  return at === -1 ? undefined : at + 1;
}

/** An estimate is marked; a count that was not made is a dash. */
function countCell({ errors, change, ...row }: OverviewRow, state: JobState): Cell {
  const count = row[state];
  if (count === undefined) return NONE;
  const text = `${errors?.[state] === undefined ? '' : '~'}${count}`;
  const more = change?.[state];
  const paint = count === 0 && more === undefined ? chalk.dim : PAINT[state];
  if (more === undefined) return { text, paint };
  const sign = more > 0 ? '+' : '−';
  const size = Math.abs(more);
  return { text: `${text} (${sign}${size})`, plain: `${text}(${more > 0 ? '+' : '-'}${size})`, paint };
}

/** How long something waits, or at least how long. */
function ageCell(since: Date | undefined, now: Date, isAtLeast = false): Cell {
  if (since === undefined) return NONE;
  const ageMs = Math.max(0, now.getTime() - since.getTime());
  const [mark, plainMark] = isAtLeast ? ['≥', '>='] : ['', ''];
  return { text: `${mark}${formatDuration(ageMs)}`, plain: `${plainMark}${exactDuration(ageMs)}` };
}

function pausedCell({ topic, pausedUntilMs }: OverviewRow, { now }: View): Cell {
  if (!topic || pausedUntilMs === undefined) return NONE;
  if (pausedUntilMs === Infinity) return { text: 'yes', paint: chalk.yellow };
  return { ...timeCell(new Date(pausedUntilMs), now), paint: chalk.yellow };
}

/** How the overview is to be drawn. */
export interface OverviewLook {
  /** All columns that are not empty when absent. */
  readonly columns?: readonly TopicColumn[] | undefined;
  readonly order?: Order<OverviewRow> | undefined;
  /** Print heads, totals and problems? True when absent. */
  readonly hasHeads?: boolean | undefined;
  /** The look before, for differences. */
  readonly before?: Stats | undefined;
}

/**
 * A row for each topic, one of totals when there are several, and below it the consumers and the problems.
 */
export function overviewTable(
  stats: Stats,
  problems: readonly Problem[],
  view: View,
  { columns, order, hasHeads = true, before }: OverviewLook = {},
): string {
  const { rows, total } = overviewRows(stats, view.now, before);
  if (order) rows.sort(comparing(order, view));
  const all = hasHeads && rows.length > 1 ? [...rows, total] : rows;
  const shown = columns ?? TOPIC_COLUMNS.filter((column) => isShown(column, all, view));
  const { width } = view;
  const cells = all.map((row) => cellsOf(row, shown, view));
  const table = () =>
    drawTable({ columns: shown, rows: cells, width, paintHead: chalk.bold, hasHead: hasHeads });
  if (!hasHeads) return rows.length === 0 ? '' : `${table()}\n`;
  const lines = [rows.length === 0 ? 'The queue is empty.' : table()];
  if (stats.consumers && stats.consumers.length > 0) lines.push(consumersLine(stats.consumers));
  return `${[...lines, ...problems.map(problemLine)].join('\n')}\n`;
}

function isShown(column: TopicColumn, rows: readonly OverviewRow[], view: View): boolean {
  if (view.width === undefined || !HIDDEN_WHEN_EMPTY.includes(column.head)) return true;
  return rows.some((row) => column.value(row, view) !== undefined);
}

/** How many consumers are named. */
const MAX_NAMED = 10;

function consumersLine(consumers: readonly string[]): string {
  const more = consumers.length - MAX_NAMED;
  const named = consumers.slice(0, MAX_NAMED).map(escapeText).join(', ');
  return `Jobs are leased to ${named}${more > 0 ? ` and ${more} more` : ''}.`;
}

function problemLine({ message, hint }: Problem): string {
  return `${chalk.yellow('!')} ${escapeText(message)}. ${hint}`;
}

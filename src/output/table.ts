import chalk from 'chalk';
import { exactDuration, formatDuration } from '../core/duration.js';
import { formatBackoff } from '../core/backoff-text.js';
import { JOB_STATES, type JobRecord, type JobState } from '../core/job.js';
import type { Problem, Stats, TopicStats } from '../core/results.js';
import { escapeForTerminal, escapeText } from './escape.js';
import { BODY_WIDTH, cutBytes, dim, MIN_BODY_WIDTH, nameText, timeCell } from './cells.js';
import { attemptsTable } from './dead-table.js';
import { type Cell, type Column, drawTable } from './layout.js';

/** Colour is for terminals whose user has not refused it. */
export function useColour(on: boolean): void {
  if (!on) chalk.level = 0;
}

const PAINT: Record<JobState, (text: string) => string> = {
  delayed: chalk.cyan,
  due: chalk.yellow,
  ready: chalk.green,
  leased: chalk.magenta,
  expired: chalk.gray,
  dead: chalk.red,
};

/**
 * A row a topic, and below it what is wrong.
 * @param width cells of the terminal; absent where there is none
 */
export function overviewTable(
  stats: Stats,
  problems: readonly Problem[],
  now: Date,
  width: number | undefined,
): string {
  const { topics } = stats;
  const columns: Column[] = [
    { head: 'topic' },
    ...JOB_STATES.map((state) => ({ head: state, alignRight: true })),
    { head: 'oldest', alignRight: true, isOptional: true },
    { head: 'next due' },
  ];
  const rows = topics.map((topic) => [
    topicCell(topic, now, width),
    ...JOB_STATES.map((state) => countCell(topic, state)),
    oldestCell(topic, now),
    timeCell(topic.nextDueAt, now),
  ]);
  const table =
    rows.length === 0 ? 'The queue is empty.' : drawTable({ columns, rows, width, paintHead: chalk.bold });
  return `${[table, ...problems.map(problemLine)].join('\n')}\n`;
}

/** An estimate is marked; a count that was not made is none. */
function countCell(topic: TopicStats, state: JobState): Cell {
  const count = topic[state];
  if (count === undefined) return { text: '–', plain: '-', paint: chalk.dim };
  const mark = topic.errors?.[state] === undefined ? '' : '~';
  return { text: `${mark}${count}`, paint: count === 0 ? chalk.dim : PAINT[state] };
}

/** How long the oldest ready job waits. */
function oldestCell({ oldestReadyAt, isOldestAtLeast }: TopicStats, now: Date): Cell {
  if (oldestReadyAt === undefined) return { text: '–', plain: '-', paint: chalk.dim };
  const ageMs = Math.max(0, now.getTime() - oldestReadyAt.getTime());
  const [mark, plainMark] = isOldestAtLeast === true ? ['≥', '>='] : ['', ''];
  return { text: `${mark}${formatDuration(ageMs)}`, plain: `${plainMark}${exactDuration(ageMs)}` };
}

function topicCell({ topic, pausedUntilMs }: TopicStats, now: Date, width: number | undefined): Cell {
  const name = nameText(topic, width);
  if (pausedUntilMs === undefined) return { text: name };
  const left = pausedUntilMs === Infinity ? '' : `, ${formatDuration(pausedUntilMs - now.getTime())} left`;
  return { text: `${name} (paused${left})`, short: `${name} (paused)`, paint: chalk.yellow };
}

/**
 * A row a job.
 * @param width cells of the terminal; absent where there is none
 */
export function jobsTable(jobs: readonly JobRecord[], now: Date, width: number | undefined): string {
  const columns: Column[] = [
    { head: 'id' },
    { head: 'state' },
    { head: 'due' },
    { head: 'expires', isOptional: true },
    { head: 'attempts', alignRight: true },
    { head: 'body', minWidth: MIN_BODY_WIDTH },
  ];
  const rows = jobs.map((job) => [
    { text: nameText(job.id, width) },
    { text: stateText(job), paint: PAINT[job.state] },
    timeCell(job.dueAt, now),
    timeCell(job.expiresAt, now),
    { text: String(job.attempts) },
    job.body ? { text: cutBytes(job.body, width ?? BODY_WIDTH) } : { text: 'gone', paint: chalk.dim },
  ]);
  return `${drawTable({ columns, rows, width, paintHead: chalk.bold })}\n`;
}

/** A job that is in its ready list more than once is listed once. */
function stateText({ state, flaw }: JobRecord): string {
  return flaw?.type === 'doubled_entry' ? `${state} ×${flaw.entries}` : state;
}

/**
 * One job in full, and below it why it is where it is.
 * @param width cells of the terminal; absent where there is none
 */
export function jobCard(
  job: JobRecord,
  explanation: readonly string[],
  now: Date,
  width: number | undefined,
): string {
  const rows: Cell[][] = [];
  const row = (name: string, value: Cell) => rows.push([{ text: name, paint: chalk.bold }, value]);
  row('id', { text: escapeForTerminal(job.id) });
  row('topic', job.topic ? { text: escapeForTerminal(job.topic) } : dim('not known any more'));
  row('state', { text: job.state, paint: PAINT[job.state] });
  row('due', timeCell(job.dueAt, now));
  row('expires', timeCell(job.expiresAt, now));
  row('attempts', { text: String(job.attempts) });
  const { retries, backoff, leasedBy, history = [] } = job;
  if (retries !== undefined) row('retries', { text: String(retries) });
  if (backoff !== undefined) row('backoff', { text: formatBackoff(backoff) });
  if (job.lease !== undefined) {
    row('lease', { text: job.lease });
    if (leasedBy !== undefined) row('leased by', { text: escapeText(leasedBy) });
    if (job.leasedAt !== undefined) row('leased since', timeCell(job.leasedAt, now));
    row('leased until', timeCell(job.leaseUntil, now));
  }
  if (job.state === 'dead') {
    row('failed', timeCell(job.failedAt, now));
    row('kept until', timeCell(job.deadUntil, now));
  }
  const body = job.body && escapeForTerminal(job.body);
  const fits = body === undefined || body.length <= BODY_WIDTH;
  // A cell is as wide as its longest line, and so would be every border.
  if (fits) row('body', body === undefined ? dim('gone') : { text: body });
  else row('body', { text: `${job.body?.length ?? 0} bytes, below` });
  const attempts = history.length > 0 ? [attemptsTable(history, now, width)] : [];
  const parts = [card(rows, width), ...attempts, ...explanation.map(escapeText), ...(fits ? [] : [body])];
  return `${parts.join('\n')}\n`;
}

/** Nothing of it is cut: where it is wider than the terminal, it has no borders, and its lines are broken there. */
function card(rows: readonly (readonly Cell[])[], width: number | undefined): string {
  const columns = [{ head: '' }, { head: '' }];
  const table = drawTable({ columns, rows, width: width === undefined ? undefined : Infinity });
  const isWider = width !== undefined && cellsOf(table.slice(0, table.indexOf('\n'))) > width;
  return isWider ? drawTable({ columns, rows, width: undefined }) : table;
}

/** Of a border, which has one cell a character. */
const cellsOf = (border: string): number => border.length;

function problemLine({ message, hint }: Problem): string {
  return `${chalk.yellow('!')} ${escapeText(message)}. ${hint}`;
}

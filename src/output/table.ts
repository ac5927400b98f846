import chalk from 'chalk';
import { formatDuration } from '../core/duration.js';
import { type Bytes, JOB_STATES, type JobRecord, type JobState } from '../core/job.js';
import type { Problem, Stats, TopicStats } from '../core/results.js';
import { escapeForTerminal, escapeText } from './escape.js';
import { firstLine } from './reason.js';
import { type Cell, type Column, cutToWidth, drawTable } from './layout.js';

/** Colour is for terminals whose user has not refused it. */
export function useColour(on: boolean): void {
  if (!on) chalk.level = 0;
}

/** Cells that a name has where a terminal has few. In a pipe it is whole. */
const NAME_WIDTH = 40;
/** How much of a body is shown where no terminal says how much fits, and where it is narrow. */
const BODY_WIDTH = 60;
const MIN_BODY_WIDTH = 10;

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
  const topics = stats.topics ?? [];
  const columns: Column[] = [
    { head: 'topic' },
    ...JOB_STATES.map((state) => ({ head: state, alignRight: true })),
    { head: 'next due' },
  ];
  const rows = topics.map((topic) => [
    topicCell(topic, now, width),
    ...JOB_STATES.map((state) => ({
      text: String(topic[state]),
      paint: topic[state] === 0 ? chalk.dim : PAINT[state],
    })),
    timeCell(topic.nextDueAt, now),
  ]);
  const table =
    rows.length === 0 ? 'The queue is empty.' : drawTable({ columns, rows, width, paintHead: chalk.bold });
  return `${[table, ...problems.map(problemLine)].join('\n')}\n`;
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

/**
 * A row a dead letter, with why it failed: the first line of the reason.
 * @param width cells of the terminal; absent where there is none
 */
export function deadTable(jobs: readonly JobRecord[], now: Date, width: number | undefined): string {
  const columns: Column[] = [
    { head: 'id' },
    { head: 'failed' },
    { head: 'kept until', isOptional: true },
    { head: 'attempts', alignRight: true },
    { head: 'reason', minWidth: MIN_BODY_WIDTH },
    { head: 'body', minWidth: MIN_BODY_WIDTH, isOptional: true },
  ];
  const rows = jobs.map(({ id, failedAt, deadUntil, attempts, reason, body }) => [
    { text: nameText(id, width) },
    timeCell(failedAt, now),
    timeCell(deadUntil, now),
    { text: String(attempts) },
    reasonCell(reason, width),
    body ? { text: cutBytes(body, width ?? BODY_WIDTH) } : { text: 'gone', paint: chalk.dim },
  ]);
  return `${drawTable({ columns, rows, width, paintHead: chalk.bold })}\n`;
}

/** A row a reason, with how many failed for it. */
export function reasonsTable(
  reasons: readonly { readonly reason?: string | undefined; readonly count: number }[],
  width: number | undefined,
): string {
  const columns: Column[] = [
    { head: 'jobs', alignRight: true },
    { head: 'reason', minWidth: MIN_BODY_WIDTH },
  ];
  const rows = reasons.map(({ reason, count }) => [{ text: String(count) }, reasonCell(reason, width)]);
  return `${drawTable({ columns, rows, width, paintHead: chalk.bold })}\n`;
}

function reasonCell(reason: string | undefined, width: number | undefined): Cell {
  if (reason === undefined) return { text: '–', plain: '-', paint: chalk.dim };
  const line = escapeText(firstLine(reason));
  return { text: width === undefined ? line : cutToWidth(line, width) };
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
  if (job.lease !== undefined) {
    row('lease', { text: job.lease });
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
  return `${[card(rows, width), ...explanation.map(escapeText), ...(fits ? [] : [body])].join('\n')}\n`;
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

const dim = (text: string): Cell => ({ text, paint: chalk.dim });

function problemLine({ message, hint }: Problem): string {
  return `${chalk.yellow('!')} ${escapeText(message)}. ${hint}`;
}

/** A time in UTC and how far it is from now; a dash when there is none. */
function timeCell(at: Date | undefined, now: Date): Cell {
  if (at === undefined) return { text: '–', plain: '-', paint: chalk.dim };
  const away = at.getTime() - now.getTime();
  const distance = formatDuration(Math.abs(away));
  const short = away >= 0 ? `in ${distance}` : `${distance} ago`;
  const plain = at.toISOString().replace(/\.\d+Z$/, 'Z');
  return { text: `${plain.replace('T', ' ')} (${short})`, short, plain };
}

function nameText(name: Bytes, width: number | undefined): string {
  return width === undefined ? escapeForTerminal(name) : cutBytes(name, NAME_WIDTH);
}

/** What is shown of bytes in so many cells. */
function cutBytes(bytes: Bytes, width: number): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // No character has more than four bytes; the cut on what is shown comes after the escaping.
  const isLong = buffer.length > (width + 1) * 4;
  if (!isLong) return cutToWidth(escapeForTerminal(buffer), width);
  return cutToWidth(
    `${escapeForTerminal(buffer.subarray(0, characterStart(buffer, (width + 1) * 4)))}…`,
    width,
  );
}

/** The last place at or before `end` where a UTF-8 character begins. */
function characterStart(bytes: Buffer, end: number): number {
  let start = end;
  while (start > end - 4 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start -= 1;
  return start;
}

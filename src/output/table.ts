import chalk from 'chalk';
import { formatDuration } from '../core/duration.js';
import { type Bytes, JOB_STATES, type JobRecord, type JobState } from '../core/job.js';
import type { Problem, Stats, TopicStats } from '../core/results.js';
import { escapeForTerminal, escapeText } from './escape.js';
import { drawTable, tableWidth } from './layout.js';

/** Colour is for terminals whose user has not refused it. */
export function useColour(on: boolean): void {
  if (!on) chalk.level = 0;
}

const MAX_NAME_WIDTH = 40;
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

/** A row a topic, and below it what is wrong. */
export function overviewTable(stats: Stats, problems: readonly Problem[], now: Date): string {
  const topics = stats.topics ?? [];
  const rows = topics.map((topic) => [
    topicName(topic, now),
    ...JOB_STATES.map((state) => (topic[state] === 0 ? chalk.dim('0') : PAINT[state](String(topic[state])))),
    timestamp(topic.nextDueAt, now),
  ]);
  const table =
    rows.length === 0 ? 'The queue is empty.' : tableOf(['topic', ...JOB_STATES, 'next due'], rows);
  return `${[table, ...problems.map(problemLine)].join('\n')}\n`;
}

function topicName({ topic, pausedUntilMs }: TopicStats, now: Date): string {
  const name = shorten(topic, MAX_NAME_WIDTH);
  if (pausedUntilMs === undefined) return name;
  const left = pausedUntilMs === Infinity ? '' : `, ${formatDuration(pausedUntilMs - now.getTime())} left`;
  return `${name} ${chalk.yellow(`(paused${left})`)}`;
}

/**
 * A row a job.
 * @param columns of the terminal, which the rows are to fit into
 */
export function jobsTable(jobs: readonly JobRecord[], now: Date, columns?: number): string {
  const head = ['id', 'state', 'due', 'expires', 'attempts'];
  const rows = jobs.map((job) => [
    shorten(job.id, MAX_NAME_WIDTH),
    PAINT[job.state](job.state),
    timestamp(job.dueAt, now),
    timestamp(job.expiresAt, now),
    String(job.attempts),
  ]);
  const taken = tableWidth(
    [...head, ''],
    rows.map((row) => [...row, '']),
  );
  const width = columns === undefined ? BODY_WIDTH : Math.max(MIN_BODY_WIDTH, columns - taken);
  const bodies = jobs.map(({ body }) => (body ? shorten(body, width) : chalk.dim('gone')));
  return `${tableOf(
    [...head, 'body'],
    rows.map((row, i) => [...row, bodies[i] ?? '']),
  )}\n`;
}

/** One job in full, and below it why it is where it is. */
export function jobCard(job: JobRecord, explanation: readonly string[], now: Date): string {
  const rows: string[][] = [];
  const row = (name: string, value: string) => rows.push([chalk.bold(name), value]);
  row('id', escapeForTerminal(job.id));
  row('topic', job.topic ? escapeForTerminal(job.topic) : chalk.dim('not known any more'));
  row('state', PAINT[job.state](job.state));
  row('due', timestamp(job.dueAt, now));
  row('expires', timestamp(job.expiresAt, now));
  row('attempts', String(job.attempts));
  if (job.lease !== undefined) row('lease', `${job.lease} until ${timestamp(job.leaseUntil, now)}`);
  if (job.state === 'dead') {
    row('failed', timestamp(job.failedAt, now));
    row('kept until', timestamp(job.deadUntil, now));
  }
  const body = job.body && escapeForTerminal(job.body);
  const fits = body === undefined || body.length <= BODY_WIDTH;
  // A cell is as wide as its longest line, and so would be every border.
  row('body', fits ? (body ?? chalk.dim('gone')) : `${job.body?.length ?? 0} bytes, below`);
  return `${[tableOf([], rows), ...explanation.map(escapeText), ...(fits ? [] : [body])].join('\n')}\n`;
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return drawTable(
    head.map((name) => chalk.bold(name)),
    rows,
  );
}

function problemLine({ message, hint }: Problem): string {
  return `${chalk.yellow('!')} ${escapeText(message)}. ${hint}`;
}

/** A time in UTC and how far it is from now; a dash when there is none. */
function timestamp(at: Date | undefined, now: Date): string {
  if (at === undefined) return chalk.dim('–');
  const away = at.getTime() - now.getTime();
  const distance = formatDuration(Math.abs(away));
  const stamp = at
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z');
  return `${stamp} ${chalk.dim(away >= 0 ? `(in ${distance})` : `(${distance} ago)`)}`;
}

function shorten(bytes: Bytes, width: number): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // No character has more than four bytes; the cut on what is shown comes after the escaping.
  const isLong = buffer.length > width * 4;
  const text = escapeForTerminal(isLong ? buffer.subarray(0, characterStart(buffer, width * 4)) : buffer);
  const shown = Array.from(text);
  return shown.length <= width && !isLong ? text : `${shown.slice(0, width - 1).join('')}…`;
}

/** The last place at or before `end` where a UTF-8 character begins. */
function characterStart(bytes: Buffer, end: number): number {
  let start = end;
  while (start > end - 4 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start -= 1;
  return start;
}

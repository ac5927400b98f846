import chalk from 'chalk';
import Table from 'cli-table3';
import { formatDuration } from '../core/duration.js';
import type { JobRecord, JobState } from '../core/job.js';
import type { Problem, Survey } from '../core/store.js';
import { escapeForTerminal } from './escape.js';

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
  dead: chalk.red,
};

/** A row a topic, and below it what is wrong. */
export function overviewTable(survey: Survey, now: Date): string {
  const table = newTable(['topic', 'delayed', 'due', 'ready', 'leased', 'dead', 'next due']);
  for (const row of survey.topics) {
    const count = (state: JobState, value: number) =>
      value === 0 ? chalk.dim('0') : PAINT[state](String(value));
    table.push([
      shorten(row.topic, MAX_NAME_WIDTH),
      count('delayed', row.delayed),
      count('due', row.due),
      count('ready', row.ready),
      count('leased', row.leased),
      count('dead', row.dead),
      moment(row.nextDueAt, now),
    ]);
  }
  const body = survey.topics.length === 0 ? 'The queue is empty.' : table.toString();
  return `${[body, ...survey.problems.map(problemLine)].join('\n')}\n`;
}

/**
 * A row a job.
 * @param columns of the terminal, which the rows are to fit into
 */
export function jobsTable(jobs: readonly JobRecord[], now: Date, columns?: number): string {
  const rows = jobs.map((job) => [
    shorten(job.id, MAX_NAME_WIDTH),
    PAINT[job.state](job.state),
    moment(job.dueAt, now),
    moment(job.expiresAt, now),
    String(job.attempts),
  ]);
  const head = ['id', 'state', 'due', 'expires', 'attempts', 'body'];
  const withBodies = (bodyOf: (job: JobRecord) => string): string => {
    const table = newTable(head);
    for (const [i, job] of jobs.entries()) table.push([...(rows[i] ?? []), bodyOf(job)]);
    return table.toString();
  };
  const taken = withBodies(() => '').indexOf('\n') - 'body'.length;
  const width = columns === undefined ? BODY_WIDTH : Math.max(MIN_BODY_WIDTH, columns - taken);
  return `${withBodies(({ body }) => (body ? shorten(body, width) : chalk.dim('gone')))}\n`;
}

/** One job in full, and the story of it. */
export function jobCard(job: JobRecord, story: readonly string[], now: Date): string {
  const table = newTable([]);
  const row = (name: string, value: string) => table.push([chalk.bold(name), value]);
  row('id', escapeForTerminal(job.id));
  row('topic', job.topic ? escapeForTerminal(job.topic) : chalk.dim('not known any more'));
  row('state', PAINT[job.state](job.state));
  row('due', moment(job.dueAt, now));
  row('expires', moment(job.expiresAt, now));
  row('attempts', String(job.attempts));
  if (job.lease !== undefined) row('lease', `${job.lease} until ${moment(job.leaseUntil, now)}`);
  const body = job.body && escapeForTerminal(job.body);
  const fits = body === undefined || body.length <= BODY_WIDTH;
  // A cell is as wide as its longest line, and so would be every border.
  row('body', fits ? (body ?? chalk.dim('gone')) : `${job.body?.length ?? 0} bytes, below`);
  return `${[table.toString(), ...story, ...(fits ? [] : [body])].join('\n')}\n`;
}

function newTable(head: string[]): Table.Table {
  return new Table({
    head: head.map((name) => chalk.bold(name)),
    style: { head: [], border: [], compact: true },
  });
}

function problemLine({ message, hint }: Problem): string {
  return `${chalk.yellow('!')} ${escapeForTerminal(Buffer.from(message))}. ${hint}`;
}

/** A moment in UTC and how far it is from now; a dash when there is none. */
function moment(at: Date | undefined, now: Date): string {
  if (at === undefined) return chalk.dim('–');
  const away = at.getTime() - now.getTime();
  const distance = formatDuration(Math.abs(away));
  const stamp = at
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z');
  return `${stamp} ${chalk.dim(away >= 0 ? `(in ${distance})` : `(${distance} ago)`)}`;
}

function shorten(bytes: Buffer, width: number): string {
  // No character has more than four bytes; the cut on what is shown comes after the escaping.
  const long = bytes.length > width * 4;
  const text = escapeForTerminal(long ? bytes.subarray(0, characterStart(bytes, width * 4)) : bytes);
  const shown = Array.from(text);
  return shown.length <= width && !long ? text : `${shown.slice(0, width - 1).join('')}…`;
}

/** The last place at or before `end` where a UTF-8 character begins. */
function characterStart(bytes: Buffer, end: number): number {
  let start = end;
  while (start > end - 4 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start -= 1;
  return start;
}

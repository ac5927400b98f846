import chalk from 'chalk';
import { JOB_STATES, type JobRecord, type JobState } from '../core/job.js';
import { BODY_WIDTH, cutBytes, dim, MIN_BODY_WIDTH, nameText, NONE, reasonCell, timeCell } from './cells.js';
import { cellsOf, type NamedColumn, type View } from './columns.js';
import { escapeText } from './escape.js';
import { drawTable, TableParts } from './layout.js';
import { PAINT } from './paint.js';

type JobColumn = NamedColumn<JobRecord>;

/** A column with a time of a job. */
const time = (head: string, get: (job: JobRecord) => Date | undefined, drop?: number): JobColumn => ({
  ...{ head, drop },
  cell: (job, { now }) => timeCell(get(job), now),
  value: (job) => get(job)?.getTime(),
});

const number = (head: string, get: (job: JobRecord) => number | undefined, drop?: number): JobColumn => ({
  ...{ head, drop, alignRight: true },
  cell: (job) => (get(job) === undefined ? NONE : { text: String(get(job)) }),
  value: get,
});

const COLUMNS = {
  id: {
    head: 'id',
    cell: ({ id }, { width }) => ({ text: nameText(id, width) }),
    value: ({ id }) => id.toString('latin1'),
  },
  topic: {
    head: 'topic',
    cell: ({ topic }, { width }) => (topic ? { text: nameText(topic, width) } : NONE),
    value: ({ topic }) => topic?.toString('latin1'),
  },
  state: {
    head: 'state',
    cell: (job) => ({ text: stateText(job), paint: PAINT[job.state] }),
    value: ({ state }) => JOB_STATES.indexOf(state),
  },
  due: time('due', ({ dueAt }) => dueAt),
  expires: time('expires', ({ expiresAt }) => expiresAt, 1),
  attempts: number('attempts', ({ attempts }) => attempts, 2),
  retries: number('retries', ({ retries }) => retries),
  failed: time('failed', ({ failedAt }) => failedAt),
  keptUntil: time('kept until', ({ deadUntil }) => deadUntil, 1),
  reason: {
    ...{ head: 'reason', minWidth: MIN_BODY_WIDTH },
    cell: ({ reason }, { width }) => reasonCell(reason, width),
    value: ({ reason }) => reason,
  },
  leasedUntil: time('leased until', ({ leaseUntil }) => leaseUntil),
  leasedBy: {
    head: 'leased by',
    cell: ({ leasedBy }) => (leasedBy === undefined ? NONE : { text: escapeText(leasedBy) }),
    value: ({ leasedBy }) => leasedBy,
  },
  size: number('size', ({ body }) => body?.length),
  body: {
    ...{ head: 'body', minWidth: MIN_BODY_WIDTH, drop: 3 },
    cell: ({ body }, { width }) => (body ? { text: cutBytes(body, width ?? BODY_WIDTH) } : dim('gone')),
    value: ({ body }) => body?.toString('latin1'),
  },
} satisfies Record<string, JobColumn>;

/** The columns that a table of jobs may have. */
export const JOB_COLUMNS: readonly JobColumn[] = Object.values(COLUMNS);

/** A job that is in its ready list more than once appears once. */
function stateText({ state, flaw }: JobRecord): string {
  return flaw?.type === 'doubled_entry' ? `${state} ×${flaw.entries}` : state;
}

/**
 * The default columns. For dead letters the reason is one of them.
 * @param states those that the jobs may be in; all when absent
 * @param hasTopics may the jobs be of several topics?
 */
export function defaultJobColumns(states: readonly JobState[] | undefined, hasTopics: boolean): JobColumn[] {
  const { id, topic, state, due, expires, attempts, failed, keptUntil, reason, body } = COLUMNS;
  const first: JobColumn[] = hasTopics ? [id, topic] : [id];
  const isDead = states?.every((one) => one === 'dead') ?? false;
  if (isDead) return [...first, failed, keptUntil, attempts, reason, body];
  return [...first, state, due, expires, attempts, body];
}

/** A row for each job; ends with a newline. */
export function jobsTable(jobs: readonly JobRecord[], columns: readonly JobColumn[], view: View): string {
  const rows = jobs.map((job) => cellsOf(job, columns, view));
  return `${drawTable({ columns, rows, width: view.width, paintHead: chalk.bold })}\n`;
}

/** The same part by part, for any number of jobs. */
export function jobsTableParts(
  columns: readonly JobColumn[],
  view: View,
  hasHead: boolean,
): (jobs: readonly JobRecord[]) => string {
  const table = new TableParts({ columns, width: view.width, paintHead: chalk.bold, hasHead });
  return (jobs) => `${table.draw(jobs.map((job) => cellsOf(job, columns, view)))}\n`;
}

import { formatDuration } from '../../core/duration.js';
import type { JobRecord } from '../../core/job.js';
import { cutBytes, dim, NONE, reasonCell, timeCell } from '../../output/cells.js';
import { escapeForTerminal } from '../../output/escape.js';
import type { Cell, Column } from '../../output/layout.js';
import { paint } from '../../output/tones.js';
import { lateMs, oldestMs } from '../snapshot.js';
import { selectedTopic, shownJobs, type State, statesOf } from '../state.js';
import { roomOf } from './room.js';
import { countsText, ratesText, titleLine } from './text.js';
import { selectable } from './topics.js';

/** Cells that the id and the state keep on a narrow screen. */
const LEAST_ID = 12;
const LEAST_TEXT = 10;

export function jobsHeader(state: State): string[] {
  const { jobs, snapshot } = state;
  if (!jobs) return [];
  const row = selectedTopic(state);
  const name = paint.bold(escapeForTerminal(jobs.topic));
  const counts = countsText(statesOf(state), row?.stats ?? {}, row?.stats.errors);
  if (!row) return [titleLine(state), name, counts];
  const { now } = snapshot;
  const [oldest, late, until] = [oldestMs(row.stats, now), lateMs(row.stats, now), row.stats.pausedUntilMs];
  const about = [
    name,
    ratesText(row.rates),
    ...(oldest === undefined ? [] : [`oldest ${formatDuration(oldest)}`]),
    ...(late === 0 ? [] : [paint.warn(`${formatDuration(late)} late`)]),
    ...(until === undefined ? [] : [paint.warn(pausedText(until, now))]),
  ];
  return [titleLine(state), about.join('  '), counts];
}

function pausedText(untilMs: number, now: Date): string {
  return untilMs === Infinity ? 'paused' : `paused, ${formatDuration(untilMs - now.getTime())} left`;
}

/** A column of jobs; on a narrow screen the lowest `drop` is left out first. */
interface JobColumn extends Column {
  readonly cell: (job: JobRecord, now: Date, width: number) => Cell;
}

const COLUMNS: readonly JobColumn[] = [
  { head: 'id', minWidth: LEAST_ID, cell: ({ id }, _, width) => ({ text: cutBytes(id, width) }) },
  { head: 'state', cell: ({ state }) => ({ text: state, paint: (text) => paint.state(state, text) }) },
  { head: 'due', drop: 4, cell: ({ dueAt }, now) => timeCell(dueAt, now) },
  { head: 'attempts', drop: 1, alignRight: true, cell: ({ attempts }) => ({ text: String(attempts) }) },
  {
    ...{ head: 'body', drop: 3, minWidth: LEAST_TEXT },
    cell: ({ body }, _, width) => (body ? { text: cutBytes(body, width) } : dim('gone')),
  },
];

/** For dead letters the reason and the time of failure. */
const DEAD_COLUMNS: readonly JobColumn[] = COLUMNS.map((column): JobColumn => {
  if (column.head === 'due')
    return { ...column, head: 'failed', cell: ({ failedAt }, now) => timeCell(failedAt, now) };
  if (column.head !== 'state') return column;
  const cell: JobColumn['cell'] = ({ reason }, _, width) =>
    reason === undefined ? NONE : reasonCell(reason, width);
  return { head: 'reason', minWidth: LEAST_TEXT, cell };
});

export function jobsTable(state: State): string[] {
  const { jobs, size, snapshot } = state;
  if (!jobs) return [];
  const rows = shownJobs(state);
  if (rows.length === 0) return ['', `  ${emptyText(state)}`];
  const room = roomOf(size);
  const { index, offset } = jobs.list;
  const columns = jobs.only === 'dead' ? DEAD_COLUMNS : COLUMNS;
  const cells = rows
    .slice(offset, offset + room.rows)
    .map((job) => columns.map(({ cell }) => cell(job, snapshot.now, size.columns)));
  const [selected, hasHead] = [index - offset, room.head > 0];
  return selectable({ columns, rows: cells, selected, width: size.columns, hasHead });
}

function emptyText({ jobs }: State): string {
  if (!jobs?.page) return 'loading …';
  if (jobs.page.problem !== undefined) return jobs.page.problem;
  if (jobs.filter !== '') return `no job of this page includes "${jobs.filter}"`;
  return jobs.only === undefined ? 'no jobs' : `no ${jobs.only} jobs`;
}

export function jobsKeys({ jobs }: State): string {
  const pages = [
    ...(jobs?.page?.cursor === undefined ? [] : ['n next page']),
    ...(jobs?.cursors.length ? ['b previous page'] : []),
  ];
  const only = `←→ ${jobs?.only ?? 'all states'}`;
  const search = jobs?.filter ? [`/ "${jobs.filter}"`] : [];
  return ['Esc back', only, ...search, 'p promote', 'r remove', 'P pause', ...pages, '? help'].join('  ');
}

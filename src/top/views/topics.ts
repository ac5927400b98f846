import { formatDuration } from '../../core/duration.js';
import type { JobState } from '../../core/job.js';
import type { TopicStats } from '../../core/views.js';
import { type Cell, type Column, drawTable } from '../../output/layout.js';
import { NONE } from '../../output/cells.js';
import { paint } from '../../output/tones.js';
import { lateMs, oldestMs, type SortKey, type TopicRow } from '../snapshot.js';
import { shownTopics, type State, statesOf } from '../state.js';
import { roomOf } from './room.js';
import { countsText, rateText, ratesText, shortCount, titleLine } from './text.js';

/** Cells that a name keeps on a narrow screen. */
const LEAST_NAME = 14;

export function overviewHeader(state: State): string[] {
  const { rows, stats, now, rates } = state.snapshot;
  const { totals, estimate, overdueSince, daemons, consumers = [], endedLeases = 0 } = stats;
  const late = overdueSince ? Math.max(0, now.getTime() - overdueSince.getTime()) : 0;
  const who = [
    plural(rows.length, 'topic'),
    ratesText(rates),
    ...(daemons
      ? [daemons.length === 0 ? paint.warn('no daemon seen') : plural(daemons.length, 'daemon')]
      : []),
    plural(consumers.length, 'consumer'),
    ...(late > 0 ? [paint.warn(`${formatDuration(late)} late`)] : []),
    ...(endedLeases > 0 ? [paint.warn(`${plural(endedLeases, 'lease')} ended`)] : []),
  ];
  return [titleLine(state), countsText(statesOf(state), totals, estimate?.errors), who.join(', ')];
}

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** A column; on a narrow screen the lowest number is left out first. */
interface TopicColumn extends Column {
  readonly cell: (row: TopicRow, now: Date) => Cell;
  readonly sort?: SortKey;
  /** Is it about jobs that wait to be made ready? */
  readonly ofDue?: boolean;
}

const count = (state: JobState, drop: number): TopicColumn => ({
  ...{ head: state, drop, alignRight: true },
  ...(state === 'delayed' || state === 'ready' || state === 'leased' || state === 'dead'
    ? { sort: state }
    : {}),
  cell: ({ stats }) => countCell(stats, state),
});

const rate = (way: 'in' | 'out', drop: number): TopicColumn => ({
  ...{ head: `${way}/s`, drop, alignRight: true, sort: way },
  cell: ({ rates }) => ({ text: rateText(rates?.[way]) }),
});

const COLUMNS: readonly TopicColumn[] = [
  { head: 'topic', minWidth: LEAST_NAME, sort: 'topic', cell: nameCell },
  rate('in', 7),
  rate('out', 6),
  count('delayed', 8),
  { ...count('due', 3), ofDue: true },
  count('ready', 10),
  count('leased', 5),
  count('expired', 1),
  count('dead', 4),
  { head: 'oldest', drop: 9, alignRight: true, sort: 'oldest', cell: oldestCell },
  { head: 'late', drop: 2, alignRight: true, ofDue: true, cell: lateCell },
];

/** The head and the rows that fit, the selected one marked. */
export function topicsTable(state: State): string[] {
  const { topics, snapshot, size } = state;
  const rows = shownTopics(state);
  if (rows.length === 0) return ['', emptyText(state)];
  const { index, offset } = topics.list;
  const room = roomOf(size);
  const states = statesOf(state);
  const known = states.includes('due') ? COLUMNS : COLUMNS.filter(({ ofDue }) => ofDue !== true);
  const columns = known.map((column) =>
    column.sort === topics.sort ? { ...column, head: `${column.head}▾` } : column,
  );
  const shown = rows.slice(offset, offset + room.rows);
  return selectable({
    columns,
    rows: shown.map((row) => columns.map(({ cell }) => cell(row, snapshot.now))),
    selected: index - offset,
    width: size.columns,
    hasHead: room.head > 0,
  });
}

/** Rows of which the selected one is marked by colour and by a character. */
export function selectable({
  columns,
  rows,
  selected,
  width,
  hasHead,
}: {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  readonly selected: number;
  readonly width: number;
  readonly hasHead: boolean;
}): string[] {
  const table = drawTable({
    columns,
    rows,
    width: Math.max(1, width - 2),
    isBordered: false,
    paintHead: paint.bold,
  });
  const [head = '', ...lines] = table.split('\n');
  const marked = lines.map((line, i) => (i === selected ? paint.inverse(`> ${line}`) : `  ${line}`));
  return hasHead ? [`  ${head}`, ...marked] : marked;
}

function emptyText({ topics, snapshot }: State): string {
  if (snapshot.rows.length > 0) return `  no topic includes "${topics.filter}"`;
  return '  The queue is empty.';
}

function nameCell({ name, stats }: TopicRow): Cell {
  if (stats.pausedUntilMs === undefined) return { text: name };
  return { text: `|| ${name}`, paint: paint.warn };
}

function countCell(stats: TopicStats, state: JobState): Cell {
  const jobs = stats[state];
  if (jobs === undefined) return NONE;
  const mark = stats.errors?.[state] === undefined ? '' : '~';
  return {
    text: mark + shortCount(jobs),
    paint: (text) => (jobs === 0 ? paint.dim(text) : paint.state(state, text)),
  };
}

function oldestCell({ stats }: TopicRow, now: Date): Cell {
  const ms = oldestMs(stats, now);
  if (ms === undefined) return NONE;
  return { text: `${stats.isOldestAtLeast === true ? '≥' : ''}${formatDuration(ms)}` };
}

function lateCell({ stats }: TopicRow, now: Date): Cell {
  const ms = lateMs(stats, now);
  return ms === 0 ? NONE : { text: formatDuration(ms), paint: paint.warn };
}

export function topicsKeys({ topics }: State): string {
  const search = topics.filter === '' ? '/ search' : `/ "${topics.filter}" (Esc: all)`;
  return `Enter open  ${search}  s sort  P pause  ? help  q quit`;
}

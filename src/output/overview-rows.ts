import { type Bytes, JOB_STATES, type JobState } from '../core/job.js';
import type { Stats, TopicStats } from '../core/views.js';

type Counts = Readonly<Partial<Record<JobState, number | undefined>>>;

/** A row of the overview: the counts of a topic, or of all. A count that was not made is absent. */
export interface OverviewRow extends Counts {
  /** Absent in the row of totals. */
  readonly topic?: Bytes | undefined;
  /** Which counts are estimates. */
  readonly errors?: TopicStats['errors'];
  /** How counts differ from those of the look before; absent where that is 0, not known or not asked. */
  readonly change?: TopicStats['errors'];
  readonly oldestReadyAt?: Date | undefined;
  readonly isOldestAtLeast?: boolean | undefined;
  readonly nextDueAt?: Date | undefined;
  /** The due time of the first job that waits to be made ready; absent when there is none. */
  readonly lateSince?: Date | undefined;
  readonly pausedUntilMs?: number | undefined;
}

/**
 * A row for each topic, and one for all.
 * @param before the look before, where there was one
 */
export function overviewRows(
  stats: Stats,
  now: Date,
  before: Stats | undefined,
): { readonly rows: (OverviewRow & TopicStats)[]; readonly total: OverviewRow } {
  const had = new Map(before?.topics.map((row) => [nameOf(row), row]));
  const rows = stats.topics.map((row) => ({
    ...row,
    ...(before && { change: changeOf(row, had.get(nameOf(row))) }),
    ...(row.nextDueAt && row.nextDueAt <= now && { lateSince: row.nextDueAt }),
  }));
  const total = {
    ...stats.totals,
    ...(before && { change: changeOf(stats.totals, before.totals) }),
    errors: stats.estimate?.errors,
    oldestReadyAt: first(rows.map(({ oldestReadyAt }) => oldestReadyAt)),
    isOldestAtLeast: rows.some(({ isOldestAtLeast }) => isOldestAtLeast === true),
    nextDueAt: first(rows.map(({ nextDueAt }) => nextDueAt)),
    lateSince: stats.overdueSince,
  };
  return { rows, total };
}

const nameOf = ({ topic }: TopicStats): string => topic.toString('latin1');

/** Estimates vary by themselves, so their differences are not shown. */
function changeOf(
  now: Counts & Pick<OverviewRow, 'errors'>,
  before: typeof now = {},
): Partial<Record<JobState, number>> {
  const change: Partial<Record<JobState, number>> = {};
  for (const state of JOB_STATES) {
    const isExact = now.errors?.[state] === undefined && before.errors?.[state] === undefined;
    const more = (now[state] ?? 0) - (before[state] ?? 0);
    if (isExact && more !== 0) change[state] = more;
  }
  return change;
}

/** With the topics that had jobs before and have none now, so that the change is seen. */
export function withEmptied(stats: Stats, before: Stats | undefined): Stats {
  const names = new Set(stats.topics.map(nameOf));
  const none = { delayed: 0, due: 0, ready: 0, leased: 0, expired: 0, dead: 0 };
  const emptied = (before?.topics ?? []).filter((row) => !names.has(nameOf(row)) && isAnything(row));
  if (emptied.length === 0) return stats;
  const topics = [...stats.topics, ...emptied.map(({ topic }) => ({ topic, ...none }))];
  return { ...stats, topics: topics.sort((a, b) => Buffer.compare(a.topic, b.topic)) };
}

const isAnything = (row: TopicStats): boolean => JOB_STATES.some((state) => (row[state] ?? 0) > 0);

const first = (times: readonly (Date | undefined)[]): Date | undefined =>
  times.reduce((least, at) => (least === undefined || (at && at < least) ? at : least), undefined);

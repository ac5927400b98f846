import type { Bytes, JobRecord, JobState } from '../core/job.js';
import type { Stats, TopicStats } from '../core/views.js';
import { escapeForTerminal } from '../output/escape.js';
import type { RateMeter, Rates } from './rates.js';

/** What one look at all topics has found. */
export interface Snapshot {
  /** By the store's clock. */
  readonly now: Date;
  readonly stats: Stats;
  readonly rows: readonly TopicRow[];
  readonly rates: Rates | undefined;
}

export interface TopicRow {
  /** The name as latin1, which is different for different bytes. */
  readonly key: string;
  /** As a terminal shows it. */
  readonly name: string;
  readonly stats: TopicStats;
  readonly rates: Rates | undefined;
}

const keyOfTopic = (topic: Bytes): string => topic.toString('latin1');

export function toSnapshot(stats: Stats, now: Date, meter: RateMeter): Snapshot {
  const rows = stats.topics.map((row): TopicRow => {
    const key = keyOfTopic(row.topic);
    return { key, name: escapeForTerminal(row.topic), stats: row, rates: meter.of(key) };
  });
  return { now, stats, rows, rates: meter.total };
}

/** The values by which topics can be sorted, in the order in which the key changes them. */
export const SORT_KEYS = ['topic', 'ready', 'oldest', 'delayed', 'leased', 'dead', 'in', 'out'] as const;
export type SortKey = (typeof SORT_KEYS)[number];

/** How long (ms) the oldest ready job has waited; undefined when none is ready. */
export function oldestMs({ oldestReadyAt }: TopicStats, now: Date): number | undefined {
  return oldestReadyAt && Math.max(0, now.getTime() - oldestReadyAt.getTime());
}

/** How long (ms) ago the job was due that has waited longest to be made ready. */
export function lateMs({ due, nextDueAt }: TopicStats, now: Date): number {
  return due > 0 && nextDueAt ? Math.max(0, now.getTime() - nextDueAt.getTime()) : 0;
}

function valueOf({ stats, rates }: TopicRow, sort: Exclude<SortKey, 'topic'>, now: Date): number {
  if (sort === 'oldest') return oldestMs(stats, now) ?? -1;
  if (sort === 'in' || sort === 'out') return rates?.[sort] ?? -1;
  return sort === 'ready' ? stats.ready + stats.due : stats[sort];
}

/**
 * Topics in order: by name, or those with the highest value first. Equal rows are in order of their names.
 */
export function sortRows({ rows, now }: Snapshot, sort: SortKey): readonly TopicRow[] {
  if (sort === 'topic') return rows;
  const values = new Map(rows.map((row) => [row, valueOf(row, sort, now)]));
  return [...rows].sort((a, b) => (values.get(b) ?? 0) - (values.get(a) ?? 0));
}

/** Does the shown text contain this? Case does not matter. */
export function includesText(shown: string, text: string): boolean {
  return shown.toLowerCase().includes(text.toLowerCase());
}

/**
 * The key of a job's row: there may be several dead letters of one id, and one may be leased while another waits.
 */
export function keyOfJob({ id, state, failedAt }: JobRecord): string {
  return `${id.toString('latin1')} ${sideOf(state)} ${failedAt?.getTime() ?? ''}`;
}

/** A job that becomes ready keeps its row. */
const sideOf = (state: JobState): string => (state === 'leased' || state === 'dead' ? state : 'line');

/** Is a job still as it was seen? */
export function isSameJob(a: JobRecord, b: JobRecord): boolean {
  return (
    a.id.equals(b.id) &&
    a.state === b.state &&
    a.lease === b.lease &&
    a.dueAt?.getTime() === b.dueAt?.getTime() &&
    a.failedAt?.getTime() === b.failedAt?.getTime() &&
    (a.topic === undefined || b.topic === undefined || a.topic.equals(b.topic))
  );
}

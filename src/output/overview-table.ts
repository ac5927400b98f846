import chalk from 'chalk';
import { exactDuration, formatDuration } from '../core/duration.js';
import { JOB_STATES, type JobState } from '../core/job.js';
import type { Problem, Stats, TopicStats } from '../core/results.js';
import { nameText, NONE, timeCell } from './cells.js';
import { escapeText } from './escape.js';
import { type Cell, type Column, drawTable } from './layout.js';
import { PAINT } from './paint.js';

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
    { head: 'oldest', alignRight: true, drop: 1 },
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
  if (count === undefined) return NONE;
  const mark = topic.errors?.[state] === undefined ? '' : '~';
  return { text: `${mark}${count}`, paint: count === 0 ? chalk.dim : PAINT[state] };
}

/** How long the oldest ready job waits. */
function oldestCell({ oldestReadyAt, isOldestAtLeast }: TopicStats, now: Date): Cell {
  if (oldestReadyAt === undefined) return NONE;
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

function problemLine({ message, hint }: Problem): string {
  return `${chalk.yellow('!')} ${escapeText(message)}. ${hint}`;
}

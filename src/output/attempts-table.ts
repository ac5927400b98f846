import chalk from 'chalk';
import { formatDuration } from '../core/duration.js';
import type { Attempt } from '../core/job.js';
import { MIN_BODY_WIDTH, reasonCell, timeCell } from './cells.js';
import { type Column, drawTable } from './layout.js';

/** A row for each reason, with how many jobs failed for it. */
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

/**
 * A row for each attempt that has ended: when, how long it took, and how it ended.
 * @param width cells of the terminal; absent where there is none
 */
export function attemptsTable(history: readonly Attempt[], now: Date, width: number | undefined): string {
  const columns: Column[] = [
    { head: 'attempt', alignRight: true },
    { head: 'started' },
    { head: 'took', alignRight: true },
    { head: 'ended' },
    { head: 'reason', minWidth: MIN_BODY_WIDTH },
  ];
  const rows = history.map(({ attempt, startedAt, endedAt, reason, ...end }) => {
    const took = startedAt && formatDuration(endedAt.getTime() - startedAt.getTime());
    const ended = howEnded(end);
    return [
      { text: String(attempt) },
      timeCell(startedAt, now),
      took === undefined ? timeCell(undefined, now) : { text: took, plain: took.replace(' ', '') },
      { text: ended, plain: ended.replaceAll(' ', '_') },
      reasonCell(reason, width),
    ];
  });
  return drawTable({ columns, rows, width, paintHead: chalk.bold });
}

function howEnded({ outcome, exitCode, signal }: Pick<Attempt, 'outcome' | 'exitCode' | 'signal'>): string {
  if (outcome === 'lease_ended') return 'lease ended';
  const how = signal ?? (exitCode === undefined ? undefined : `exit code ${exitCode}`);
  const what = outcome === 'dead' ? 'dead' : 'retried';
  return how === undefined ? what : `${what}, ${how}`;
}

import chalk from 'chalk';
import { exactDuration, formatDuration } from '../core/duration.js';
import type { Daemon } from '../core/views.js';
import { escapeText } from './escape.js';
import { NONE, timeCell } from './cells.js';
import { drawTable } from './layout.js';

/**
 * A row for each daemon: since when it is at work, how many jobs it has made ready, and how late the latest of them
 * was in its last few seconds; empty when there is none.
 * @param width cells of the terminal; absent where there is none
 */
export function daemonsTable(daemons: readonly Daemon[], now: Date, width: number | undefined): string {
  if (daemons.length === 0) return '';
  const columns = [
    { head: 'daemon' },
    { head: 'since' },
    { head: 'promoted', alignRight: true },
    { head: 'latest', alignRight: true },
  ];
  const rows = daemons.map(({ name, since, promoted, latestMs }) => [
    { text: escapeText(name) },
    timeCell(since, now),
    promoted === undefined ? NONE : { text: String(promoted) },
    latestMs === undefined
      ? NONE
      : { text: `${formatDuration(latestMs)} late`, plain: exactDuration(latestMs) },
  ]);
  return `\n${drawTable({ columns, rows, width, paintHead: chalk.bold })}\n`;
}

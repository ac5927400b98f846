import chalk from 'chalk';
import { formatBackoff } from '../core/backoff-text.js';
import type { JobRecord } from '../core/job.js';
import { attemptsTable } from './attempts-table.js';
import { BODY_WIDTH, dim, timeCell } from './cells.js';
import { escapeForTerminal, escapeText } from './escape.js';
import { type Cell, drawTable } from './layout.js';
import { PAINT } from './paint.js';

/**
 * One job in full, and below it why it is where it is.
 * @param width cells of the terminal; absent where there is none
 */
export function jobCard(
  job: JobRecord,
  explanation: readonly string[],
  now: Date,
  width: number | undefined,
): string {
  const rows: Cell[][] = [];
  const row = (name: string, value: Cell) => rows.push([{ text: name, paint: chalk.bold }, value]);
  row('id', { text: escapeForTerminal(job.id) });
  row('topic', job.topic ? { text: escapeForTerminal(job.topic) } : dim('not known any more'));
  row('state', { text: job.state, paint: PAINT[job.state] });
  row('due', timeCell(job.dueAt, now));
  row('expires', timeCell(job.expiresAt, now));
  row('attempts', { text: String(job.attempts) });
  const { retries, backoff, leasedBy, history = [] } = job;
  if (retries !== undefined) row('retries', { text: String(retries) });
  if (backoff !== undefined) row('backoff', { text: formatBackoff(backoff) });
  if (job.lease !== undefined) {
    row('lease', { text: job.lease });
    if (leasedBy !== undefined) row('leased by', { text: escapeText(leasedBy) });
    if (job.leasedAt !== undefined) row('leased since', timeCell(job.leasedAt, now));
    row('leased until', timeCell(job.leaseUntil, now));
  }
  if (job.state === 'dead') {
    row('failed', timeCell(job.failedAt, now));
    row('kept until', timeCell(job.deadUntil, now));
  }
  const body = job.body && escapeForTerminal(job.body);
  const fits = body === undefined || body.length <= BODY_WIDTH;
  // The border would be as wide as the longest line.
  if (fits) row('body', body === undefined ? dim('gone') : { text: body });
  else row('body', { text: `${job.body?.length ?? 0} bytes, below` });
  const attempts = history.length > 0 ? [attemptsTable(history, now, width)] : [];
  const parts = [card(rows, width), ...attempts, ...explanation.map(escapeText), ...(fits ? [] : [body])];
  return `${parts.join('\n')}\n`;
}

/** Nothing is cut: if the card is wider than the terminal, it has no borders, and long lines wrap. */
function card(rows: readonly (readonly Cell[])[], width: number | undefined): string {
  const columns = [{ head: '' }, { head: '' }];
  const table = drawTable({ columns, rows, width: width === undefined ? undefined : Infinity });
  const isWider = width !== undefined && cellsOf(table.slice(0, table.indexOf('\n'))) > width;
  return isWider ? drawTable({ columns, rows, width: undefined }) : table;
}

/** The width of a border, whose characters have one cell each. */
const cellsOf = (border: string): number => border.length;

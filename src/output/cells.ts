import chalk from 'chalk';
import { formatDuration } from '../core/duration.js';
import type { Bytes } from '../core/job.js';
import { escapeForTerminal, escapeText } from './escape.js';
import { type Cell, cutToWidth } from './layout.js';
import { firstLine } from './reason.js';

/** Cells that a name has where a terminal has few. In a pipe it is whole. */
export const NAME_WIDTH = 40;
/** How much of a body is shown where no terminal says how much fits, and where it is narrow. */
export const BODY_WIDTH = 60;
export const MIN_BODY_WIDTH = 10;

export const dim = (text: string): Cell => ({ text, paint: chalk.dim });

/** Stands where nothing is known, or where there is nothing. */
export const NONE: Cell = { text: '–', plain: '-', paint: chalk.dim };

/** The first line of why a job failed. */
export function reasonCell(reason: string | undefined, width: number | undefined): Cell {
  if (reason === undefined) return NONE;
  const line = escapeText(firstLine(reason));
  return { text: width === undefined ? line : cutToWidth(line, width) };
}

/** A time in UTC and how far it is from now; a dash when there is none. */
export function timeCell(at: Date | undefined, now: Date): Cell {
  if (at === undefined) return NONE;
  const away = at.getTime() - now.getTime();
  const distance = formatDuration(Math.abs(away));
  const short = away >= 0 ? `in ${distance}` : `${distance} ago`;
  const plain = at.toISOString().replace(/\.\d+Z$/, 'Z');
  return { text: `${plain.replace('T', ' ')} (${short})`, short, plain };
}

export function nameText(name: Bytes, width: number | undefined): string {
  return width === undefined ? escapeForTerminal(name) : cutBytes(name, NAME_WIDTH);
}

/** What is shown of bytes in so many cells. */
export function cutBytes(bytes: Bytes, width: number): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // No character has more than four bytes; the cut on what is shown comes after the escaping.
  const isLong = buffer.length > (width + 1) * 4;
  if (!isLong) return cutToWidth(escapeForTerminal(buffer), width);
  return cutToWidth(
    `${escapeForTerminal(buffer.subarray(0, characterStart(buffer, (width + 1) * 4)))}…`,
    width,
  );
}

/** The last place at or before `end` where a UTF-8 character begins. */
function characterStart(bytes: Buffer, end: number): number {
  let start = end;
  while (start > end - 4 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start -= 1;
  return start;
}

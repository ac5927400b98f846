import chalk from 'chalk';
import { formatDuration } from '../core/duration.js';
import type { Bytes } from '../core/job.js';
import { escapeForTerminal, escapeText } from './escape.js';
import type { Cell } from './layout.js';
import { cutToWidth } from './cell-width.js';
import { firstLine } from './reason.js';

/** How much of a name is shown when the terminal is narrow. In a pipe it is whole. */
const NAME_WIDTH = 40;
/** How much of a body is shown without a terminal, and on a narrow one. */
export const BODY_WIDTH = 60;
export const MIN_BODY_WIDTH = 10;

export const dim = (text: string): Cell => ({ text, paint: chalk.dim });

/** Stands for an unknown or absent value. */
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

/** As many bytes as fit into so many cells. */
export function cutBytes(bytes: Bytes, width: number): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // A character has up to four bytes; the exact cut is made after escaping.
  const isLong = buffer.length > (width + 1) * 4;
  if (!isLong) return cutToWidth(escapeForTerminal(buffer), width);
  return cutToWidth(
    `${escapeForTerminal(buffer.subarray(0, characterStart(buffer, (width + 1) * 4)))}…`,
    width,
  );
}

/** The last position at or before `end` where a UTF-8 character begins. */
function characterStart(bytes: Buffer, end: number): number {
  let start = end;
  while (start > end - 4 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start -= 1;
  return start;
}

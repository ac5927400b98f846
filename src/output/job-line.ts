import { constants, isUtf8 } from 'node:buffer';
import type { Bytes, Job, JobRecord, LeasedJob } from '../core/job.js';
import { escapeForTerminal } from './escape.js';
import { toJsonLine } from './json.js';
import { OutputError } from './stdout.js';

/** Lines of so many characters together are joined before they become bytes. */
const JOINED_CHARACTERS = 1024 * 1024;

/** A line is a string until it is written: to make a Buffer of each takes longer than to write it. */
export type Line = string | Buffer;

/**
 * The line of a job is longer than a string can be (half a gigabyte). A body of 90 MB is enough: JSON has six
 * characters for a control character.
 */
export class JobTooLargeError extends OutputError {
  constructor(id: Bytes, cause: Error) {
    super(
      0,
      cause,
      `the job "${escapeForTerminal(id)}" is too large for a line of JSON; print its body alone`,
    );
  }
}

/**
 * A job as a line of JSON, with its newline.
 * @throws JobTooLargeError
 */
export function jobLine<T extends Job | LeasedJob | JobRecord>(job: T, toJson: (job: T) => unknown): string {
  const { MAX_STRING_LENGTH } = constants;
  if (job.body !== undefined && leastCharacters(job.body) > MAX_STRING_LENGTH)
    throw new JobTooLargeError(job.id, new RangeError('Invalid string length'));
  try {
    return `${toJsonLine(toJson(job))}\n`;
  } catch (error) {
    // `Invalid string length`, or the code of Node where bytes become text.
    if (error instanceof RangeError || (error as NodeJS.ErrnoException).code === 'ERR_STRING_TOO_LONG')
      throw new JobTooLargeError(job.id, error as Error);
    throw error;
  }
}

/** JSON has at most so many characters for a byte. */
const MOST_CHARACTERS = 6;
const [SPACE, QUOTE, BACKSLASH] = [0x20, 0x22, 0x5c];
const SHORT_ESCAPES = new Set(Buffer.from('\b\t\n\f\r'));

/**
 * How many characters a body has in JSON, or fewer: to let V8 find out that they are too many takes it ten seconds and
 * more, in which leases end. 0 for a body that is surely short enough.
 */
function leastCharacters(body: Bytes): number {
  if (body.length < constants.MAX_STRING_LENGTH / MOST_CHARACTERS) return 0;
  if (!isUtf8(body)) return (body.length * 4) / 3;
  let characters = 0;
  for (const byte of body) {
    if (byte < SPACE) characters += SHORT_ESCAPES.has(byte) ? 2 : MOST_CHARACTERS;
    else if (byte === QUOTE || byte === BACKSLASH) characters += 2;
    // A character of several bytes is counted by its first one.
    else if ((byte & 0xc0) !== 0x80) characters += 1;
  }
  return characters;
}

/** The bytes of lines, which may be longer together than a string can be. */
export function bytesOfLines(lines: readonly Line[]): Buffer {
  let characters = 0;
  for (const line of lines) characters += typeof line === 'string' ? line.length : Infinity;
  if (characters <= JOINED_CHARACTERS) return Buffer.from(lines.join(''));
  return Buffer.concat(lines.map((line) => (typeof line === 'string' ? Buffer.from(line) : line)));
}

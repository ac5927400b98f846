import { constants } from 'node:buffer';
import { createReadStream, fstatSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { DelayerError } from '../../core/errors.js';
import { isTerminal } from '../../output/terminal.js';
import { printInfo } from '../stderr.js';

/** A line without its newline; its bytes are absent when it is longer than a string can be. */
export interface Line {
  /** From 1. */
  readonly number: number;
  readonly bytes: Buffer | undefined;
}

const NEWLINE = 0x0a;
/** Bytes of a file that are read at a time. */
const FILE_CHUNK_BYTES = 256 * 1024;

/** Does this argument stand for stdin? */
export function isStdin(arg: string): boolean {
  return arg === '-';
}

/** The lines of a file, or of stdin when it is `-` or absent. */
export function readLines(file: string | undefined): AsyncGenerator<Line[]> {
  return splitLines(file === undefined || isStdin(file) ? openStdin() : openFile(file));
}

/**
 * Cuts a stream of bytes into lines, some at a time. It holds little more than one chunk of the stream and
 * one line, and skips a line that is too long.
 */
export async function* splitLines(
  stream: AsyncIterable<Buffer>,
  maxBytes: number = constants.MAX_STRING_LENGTH,
): AsyncGenerator<Line[]> {
  let number = 1;
  let parts: Buffer[] = [];
  let length = 0;
  const endLine = (): Line => {
    const bytes = length > maxBytes ? undefined : parts.length === 1 ? parts[0] : Buffer.concat(parts);
    parts = [];
    length = 0;
    return { number: number++, bytes };
  };
  for await (const chunk of stream) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      length += end - start;
      parts.push(chunk.subarray(start, end));
      start = end + 1;
      lines.push(endLine());
    }
    if (start < chunk.length) {
      length += chunk.length - start;
      if (length > maxBytes) parts = [];
      else parts.push(chunk.subarray(start));
    }
    if (lines.length > 0) yield lines;
  }
  if (length > 0) yield [endLine()];
}

let stdinIsOpen = false;

/** Stops waiting for stdin, so that a command that has failed ends although more input may come. */
export function closeStdin(): void {
  if (stdinIsOpen) process.stdin.destroy();
}

/**
 * @param options `isAsked`: the user was asked a question, and knows that an answer is waited for
 * @throws DelayerError when stdin cannot be read, or is a directory, which Node reads as an empty file
 */
export async function* openStdin({ isAsked = false } = {}): AsyncGenerator<Buffer> {
  stdinIsOpen = true;
  if (fstatSync(process.stdin.fd).isDirectory()) throw new DelayerError('usage', 'stdin is a directory');
  if (!isAsked && isTerminal(process.stdin.fd)) printInfo('reading from the terminal; Ctrl-D ends it');
  try {
    yield* process.stdin as AsyncIterable<Buffer>;
  } catch (error) {
    throw new DelayerError('usage', `cannot read stdin: ${(error as Error).message}`, { cause: error });
  }
}

export async function* openFile(file: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(file, { highWaterMark: FILE_CHUNK_BYTES }) as Readable & AsyncIterable<Buffer>;
  } catch (error) {
    throw new DelayerError('usage', `cannot read the file: ${(error as Error).message}`, {
      hint: 'Name a file of NDJSON, or - for stdin.',
      cause: error,
    });
  }
}

import { createReadStream, fstatSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { DelayerError } from '../../core/errors.js';
import { MAX_BODY_BYTES } from '../../core/job.js';
import { inBlocks } from '../../core/chunks.js';
import { type Line, splitLines } from './lines.js';

/** Names stdin where a command takes a text, a file or ids. */
const STDIN = '-';

/**
 * The body of a push: the argument's own text, or with `-` the bytes of stdin.
 * @throws DelayerError `usage` when there is none, or more than fits; stdin is read no further then
 */
export async function readBody(arg: string | undefined): Promise<Buffer> {
  if (arg === undefined) {
    throw new DelayerError('usage', 'BODY is missing', {
      hint: 'Give it as an argument, or - to read it from stdin.',
    });
  }
  if (arg !== STDIN) {
    if (arg.includes('\ufffd')) {
      throw new DelayerError('usage', 'BODY holds bytes that are no UTF-8', {
        hint: 'Give such a body on stdin, with -.',
      });
    }
    return Buffer.from(arg);
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of openStdin()) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) {
      throw new DelayerError('usage', 'The body on stdin is over 512 MiB', {
        hint: 'Store it elsewhere and push its address.',
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The ids on the command line, and in place of `-` those on stdin, one a line, in batches. */
export async function* idsFrom(
  args: readonly string[],
  batch: number,
  toBytes: (text: string) => Buffer,
  base64: boolean,
): AsyncGenerator<Buffer[]> {
  async function* all(): AsyncGenerator<Buffer[]> {
    for (const arg of args) {
      if (arg !== STDIN) yield [toBytes(arg)];
      else for await (const lines of splitLines(openStdin())) yield lines.flatMap(idOf);
    }
  }
  const idOf = ({ bytes }: Line): Buffer[] => {
    if (bytes === undefined) throw new DelayerError('usage', 'A line on stdin is too long for an id');
    if (bytes.length === 0) return [];
    return [base64 ? toBytes(bytes.toString()) : Buffer.from(bytes)];
  };
  for await (const ids of inBlocks(all(), { items: batch })) if (ids.length > 0) yield ids;
}

/** The lines of a file, or of stdin when it is `-` or absent. */
export function readLines(file: string | undefined): AsyncGenerator<Line[]> {
  return splitLines(file === undefined || file === STDIN ? openStdin() : openFile(file));
}

/** @throws DelayerError when stdin cannot be read, or is a folder, which Node takes for one that is empty */
async function* openStdin(): AsyncGenerator<Buffer> {
  if (fstatSync(process.stdin.fd).isDirectory()) throw new DelayerError('usage', 'stdin is a folder');
  try {
    yield* process.stdin as AsyncIterable<Buffer>;
  } catch (error) {
    throw new DelayerError('usage', `stdin cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

async function* openFile(file: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(file, { highWaterMark: 256 * 1024 }) as Readable & AsyncIterable<Buffer>;
  } catch (error) {
    throw new DelayerError('usage', `The file cannot be read: ${(error as Error).message}`, {
      hint: 'Name a file of NDJSON, or - for stdin.',
      cause: error,
    });
  }
}

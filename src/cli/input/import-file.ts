import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { isFileLine, parseFileLine } from '../../bulk/job-file.js';
import { DelayerError } from '../../core/errors.js';
import { isStdin, type Line, openFile, openStdin, splitLines } from './lines.js';

/** The last line of an export is no longer than this (bytes). */
const TAIL_BYTES = 4096;

/** What is known of a file before its jobs are read. */
export interface ImportFile {
  /** A digest of its content, as its name. */
  readonly digest: string;
  /** It begins as an export or a move, and its last line is missing. */
  readonly isCutOff: boolean;
}

/** The lines of a file, or of stdin, unpacked where they are packed by gzip. */
export function importLines(file: string | undefined): AsyncGenerator<Line[]> {
  return splitLines(unpacked(isNoFile(file) ? openStdin() : openFile(file)));
}

/**
 * Reads a file once before its jobs are read: a digest of its content names it, and its first and last line say
 * whether it is whole.
 * @returns undefined for stdin and for what is not a regular file, which can be read only once
 * @throws DelayerError `usage` when it cannot be read; `file_too_new`
 */
export async function lookAtFile(file: string | undefined): Promise<ImportFile | undefined> {
  if (isNoFile(file) || statSync(file, { throwIfNoEntry: false })?.isFile() === false) return undefined;
  const hash = createHash('sha256');
  const bytes = (async function* () {
    for await (const chunk of openFile(file)) {
      hash.update(chunk);
      yield chunk;
    }
  })();
  let head: Buffer | undefined;
  let tail: Buffer = Buffer.alloc(0);
  let isBroken = false;
  try {
    for await (const chunk of unpacked(bytes)) {
      head ??= chunk.subarray(0, Math.max(0, chunk.indexOf('\n')));
      tail = chunk.length >= TAIL_BYTES ? chunk : Buffer.concat([tail.subarray(-TAIL_BYTES), chunk]);
    }
  } catch (error) {
    if (!(error instanceof DelayerError) || error.code !== 'file_unfinished') throw error;
    isBroken = true;
  }
  const isEnded = isFileLine(head) && head !== undefined && hasEnd(head);
  const digest = isBroken ? `${hash.digest('hex')} cut` : hash.digest('hex');
  return { digest, isCutOff: isBroken || (isEnded && !endsWhole(tail)) };
}

const isNoFile = (file: string | undefined): file is undefined => file === undefined || isStdin(file);

/** Does a file that begins like this have a last line? */
function hasEnd(bytes: Buffer): boolean {
  const line = parseFileLine(bytes);
  return line.type === 'head' && line.kind !== 'removed';
}

function endsWhole(tail: Buffer): boolean {
  if (tail.at(-1) !== 0x0a) return false;
  const last = tail.subarray(tail.lastIndexOf('\n', tail.length - 2) + 1);
  return isFileLine(last) && parseFileLine(last).type === 'end';
}

/** @throws DelayerError `file_unfinished` when packed bytes end too early */
async function* unpacked(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const iterator = bytes[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) return;
  const all = (async function* () {
    yield first.value;
    for (;;) {
      const next = await iterator.next();
      if (next.done === true) return;
      yield next.value;
    }
  })();
  const isPacked = first.value[0] === 0x1f && first.value[1] === 0x8b;
  if (!isPacked) return yield* all;
  const source = Readable.from(all);
  const gunzip = source.pipe(createGunzip());
  source.on('error', (error) => gunzip.destroy(error));
  try {
    yield* gunzip as AsyncIterable<Buffer>;
  } catch (error) {
    if (error instanceof DelayerError) throw error;
    throw new DelayerError('file_unfinished', `the packed file cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

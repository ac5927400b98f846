import { DelayerError } from '../core/errors.js';

/**
 * A file of jobs is NDJSON: a job a line, as it is printed everywhere. An export to a file begins with a line that
 * says what it is, and ends with one that says what it holds; one that has the first and not the last is cut off.
 *
 * Where jobs are removed (src/output/removed-file.ts), the file says so in its first line, and each part of its jobs
 * is followed by a line that tells how many were to be removed and which were not: without it nobody knows. A file of
 * jobs that were moved out of a store has all three: its own first line, such lines, and the end of an export. Before
 * the jobs of a part it says until when they were held in the store.
 */
export type FileLine =
  | {
      readonly type: 'head';
      readonly kind: 'export' | 'removed' | 'moved';
      readonly store?: unknown;
      /** Of a move: names it. */
      readonly id?: unknown;
    }
  | { readonly type: 'held'; readonly until: Date }
  | { readonly type: 'part'; readonly jobs: number; /** From 0. */ readonly left: ReadonlySet<number> }
  | { readonly type: 'end'; readonly total: number };

const FILE_VERSION = 1;

/** How a line begins that says which of the jobs before it were removed. */
export const CONFIRM_START = Buffer.from('{"confirmed":');
/** What lines begin with that are no jobs; a job that delayer has written begins with its id. */
const STARTS = [
  '{"move":',
  '{"held":',
  '{"export":',
  '{"exported":',
  '{"store":',
  CONFIRM_START.toString(),
].map((text) => Buffer.from(text));

const ID_BYTE = 'i'.charCodeAt(0);

/** The first line of an export: where the jobs are from, and when. */
export function exportHead(store: string, at: Date): object {
  return { export: FILE_VERSION, store, at: at.toISOString() };
}

/** The first line of the file of a move. */
export function moveHead(store: string, at: Date, id: string): object {
  return { move: FILE_VERSION, id, store, at: at.toISOString() };
}

/** The line before the jobs of a part of a move. */
export function moveHeld(until: Date): object {
  return { held: until.toISOString() };
}

/** The last line of an export or of a move. */
export function exportEnd(total: number, states: Readonly<Record<string, number>>): object {
  return { exported: total, states };
}

/** Is a line about the file, and not a job? */
export function isFileLine(bytes: Buffer | undefined): boolean {
  // Most lines are jobs, and one byte shows it for most of them.
  if (bytes === undefined || bytes[2] === ID_BYTE) return false;
  return STARTS.some((start) => bytes.subarray(0, start.length).equals(start));
}

/** @throws DelayerError `file_too_new` where a later delayer wrote the file; `usage` where it is no such line */
export function parseFileLine(bytes: Buffer): FileLine {
  const line = parsed(bytes);
  const version = line.export ?? line.move;
  if (typeof version === 'number') {
    const kind = line.move === undefined ? 'export' : 'moved';
    if (version <= FILE_VERSION) return { type: 'head', kind, store: line.store, id: line.id };
    const message = `the file has version ${version} of the format; this version of delayer supports ${FILE_VERSION}`;
    throw new DelayerError('file_too_new', message);
  }
  if (isCount(line.exported)) return { type: 'end', total: line.exported };
  if (typeof line.held === 'string' && !Number.isNaN(Date.parse(line.held)))
    return { type: 'held', until: new Date(line.held) };
  if (typeof line.command === 'string') return { type: 'head', kind: 'removed' };
  const { confirmed, notRemoved } = line;
  if (isCount(confirmed) && Array.isArray(notRemoved) && notRemoved.every(isCount))
    return { type: 'part', jobs: confirmed, left: new Set(notRemoved) };
  throw notALine();
}

function parsed(bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(bytes.toString()) as Record<string, unknown>;
  } catch {
    throw notALine();
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

const notALine = (): DelayerError => new DelayerError('usage', 'a line about the file itself is not valid');

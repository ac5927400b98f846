import { DelayerError } from '../core/errors.js';

/**
 * A file of jobs is NDJSON: a job a line, as it is printed everywhere. Lines with the one field `delayer` tell of the
 * file itself: the first what it is, the last what it holds. A file that does not begin so is jobs and nothing else.
 *
 * In a file of kind `moved` (jobs that were taken out of a store, and written down before) each part of the jobs is
 * followed by a line that tells how many of them were taken out, and which were not: without it nobody knows.
 */
export interface FileHead {
  readonly kind: FileKind;
  readonly version: number;
  /** Where the jobs are from, for people. */
  readonly store: string;
  readonly at: string;
  /** Who writes it, `host:pid`: two must not at once. */
  readonly by?: string | undefined;
}

export type FileKind = 'export' | 'moved';

/** How a part of a file of kind `moved` ended: of the `jobs` before it, those at `left` (from 1) were not taken out. */
export interface PartEnd {
  readonly jobs: number;
  readonly left: readonly number[];
}

/** The last line. */
export interface FileEnd {
  /** Jobs of the file; without those that were not taken out. */
  readonly total: number;
  readonly states: Readonly<Record<string, number>>;
}

export type FileLine =
  | { readonly head: FileHead }
  /** Of a part that follows: the leases of its jobs. */
  | { readonly held: readonly string[] }
  | { readonly part: PartEnd }
  | { readonly end: FileEnd };

export const FILE_VERSION = 1;
const KINDS: readonly unknown[] = ['export', 'moved'] satisfies FileKind[];

/** What such a line looks like before it is parsed. */
const START = Buffer.from('{"delayer":');

export function formatFileLine(line: FileLine): string {
  return `${JSON.stringify({ delayer: line })}\n`;
}

/** Does a line tell of the file, and not of a job? */
export function isFileLine(bytes: Buffer | undefined): boolean {
  return bytes !== undefined && bytes.length > START.length && START.compare(bytes, 0, START.length) === 0;
}

/**
 * @throws DelayerError `file_too_new` where a later delayer wrote the file; `usage` where it is no such line
 */
export function parseFileLine(bytes: Buffer): FileLine {
  const line = parsed(bytes);
  if ('head' in line) return { head: toHead(line.head) };
  if ('held' in line && isTexts(line.held)) return { held: line.held };
  if ('part' in line && isPart(line.part)) return { part: line.part };
  if ('end' in line && isEnd(line.end)) return { end: line.end };
  throw notALine();
}

function parsed(bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    const { delayer } = JSON.parse(bytes.toString()) as { delayer?: unknown };
    if (typeof delayer === 'object' && delayer !== null) return delayer as Record<string, unknown>;
  } catch {
    // Falls through to the one error.
  }
  throw notALine();
}

function toHead(given: unknown): FileHead {
  const { kind, version, store, at, by } = (given ?? {}) as Record<string, unknown>;
  if (typeof version !== 'number') throw notALine();
  if (version > FILE_VERSION || !KINDS.includes(kind))
    throw new DelayerError(
      'file_too_new',
      `the file has version ${version} of the format; this delayer knows ${FILE_VERSION}`,
    );
  return {
    ...{ kind: kind as FileKind, version, store: textOf(store), at: textOf(at) },
    ...(typeof by === 'string' && { by }),
  };
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

function isPart(value: unknown): value is PartEnd {
  const { jobs, left } = (value ?? {}) as Partial<Record<keyof PartEnd, unknown>>;
  return isCount(jobs) && Array.isArray(left) && left.every(isCount);
}

function isEnd(value: unknown): value is FileEnd {
  const { total, states } = (value ?? {}) as Partial<Record<keyof FileEnd, unknown>>;
  return isCount(total) && typeof states === 'object' && states !== null;
}

const notALine = (): DelayerError =>
  new DelayerError('usage', 'a line that tells of the file cannot be read');

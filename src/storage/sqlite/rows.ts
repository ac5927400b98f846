import { DEFAULT_TTL_MS, type JobState } from '../../core/job.js';
import { MAX_TIMESTAMP_MS } from '../../core/timestamp.js';
import type { Connection } from './connection.js';
import type { Value } from './driver.js';

/** The column `state` of a job; migrations/ says more. */
export const IN_LINE = 0;
export const LEASED = 1;
export const WAITING = 2;
export const DEAD = 3;

/**
 * The due time of a job, and its ready lifetime. The usual values are stored as NULL; a due time that delayer would
 * not take counts as absent, because the job is delivered by its place.
 */
export const DUE_AT = `iif(due_at BETWEEN 0 AND ${MAX_TIMESTAMP_MS}, due_at, place)`;
export const TTL_MS = `ifnull(ttl_ms, ${DEFAULT_TTL_MS})`;

/**
 * The last time of the file (ms), which is the last that a Date can hold: the expiry of a job that never expires. It is
 * read as {@link dateOf} and {@link expiryDate} say.
 */
export const LAST_TIME_MS = 8.64e15;

/**
 * The first place in line. Places below 0 are of jobs that were promoted (promote.ts), whose due time has a column
 * of its own.
 */
export const FIRST_PLACE = Number.MIN_SAFE_INTEGER;

/** For a SELECT: limits a time, whoever wrote it, to what delayer takes: an import refuses others. */
export const boundedTime = (column: string): string => `max(0, min(${column}, ${MAX_TIMESTAMP_MS}))`;

/** For a SELECT: limits a number to what JavaScript can hold. */
export const bounded = (column: string): string =>
  `max(-${Number.MAX_SAFE_INTEGER}, min(${column}, ${Number.MAX_SAFE_INTEGER}))`;

/**
 * For a SELECT: a number as text, for reading on after it. JavaScript cannot hold all numbers of the file.
 */
export const exact = (column: string): string => `CAST(${column} AS TEXT)`;
/** Reads a value that {@link exact} has made. */
export const EXACT_VALUE = 'CAST(? AS INTEGER)';
export const FIRST_NUMBER = '-9223372036854775808';
export const LAST_NUMBER = '9223372036854775807';

/**
 * For a SELECT: a text as bytes, because the binding ends a text at its first NUL character, both where it reads and
 * where it writes one.
 */
export const textAsBytes = (column: string): string => `CAST(${column} AS BLOB)`;
/** Writes bytes as a text. */
export const BYTES_AS_TEXT = 'CAST(? AS TEXT)';

/** A time of the file, limited as by {@link boundedTime}. */
export function dateOf(ms: number): Date {
  return new Date(Math.max(0, Math.min(ms, MAX_TIMESTAMP_MS)));
}

/**
 * When a job expires; undefined when never (an original client of Redis pushed it so, and it was imported), or after
 * the last time that can be written: an import takes the due time and the ready lifetime then.
 */
export function expiryDate(ms: number): Date | undefined {
  return ms <= MAX_TIMESTAMP_MS ? dateOf(ms) : undefined;
}

/** Bytes from SQLite, whose memory belongs to them alone. */
export function bytesOf(value: Uint8Array): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** Reads what {@link textAsBytes} has made. */
export function textOfBytes(value: Uint8Array): string {
  return bytesOf(value).toString();
}

/** The state of a job in line at `now`. It is ready as soon as its place has come. */
export function stateInLine(job: { place: number; expiresAt: number }, now: number): JobState {
  if (job.place > now) return 'delayed';
  return job.expiresAt > now ? 'ready' : 'expired';
}

/** How long from now until a time; undefined when it never comes. */
export function msUntil(at: number, now: number): number | undefined {
  return at < Infinity ? Math.max(0, at - now) : undefined;
}

/**
 * Statements by their text without WHERE. Building a statement anew would hash its text anew to find the compiled
 * one.
 */
const changes = new Map<string, { readonly ofRange: string; readonly ofList: string }>();

function changesOf(statement: string): { readonly ofRange: string; readonly ofList: string } {
  let known = changes.get(statement);
  if (!known) {
    known = {
      ofRange: `${statement} WHERE seq BETWEEN ? AND ?`,
      ofList: `${statement} WHERE seq IN (SELECT value FROM json_each(?))`,
    };
    changes.set(statement, known);
  }
  return known;
}

/**
 * Runs a statement, given without its WHERE, on jobs; each number is given once. Jobs pushed in a row mostly leave
 * in a row, and SQLite changes a range directly, where it would first have to store the rows of a list.
 */
export function changeJobs(
  connection: Connection,
  statement: string,
  seqs: readonly number[],
  ...values: Value[]
): void {
  if (seqs.length === 0) return;
  let [first, last] = [Infinity, -Infinity];
  for (const seq of seqs) {
    if (seq < first) first = seq;
    if (seq > last) last = seq;
  }
  const { ofRange, ofList } = changesOf(statement);
  if (last - first + 1 === seqs.length) connection.run(ofRange, ...values, first, last);
  else connection.run(ofList, ...values, JSON.stringify(seqs));
}

/** Deletes jobs in any state; leases stay. */
export function deleteJobs(connection: Connection, seqs: readonly number[]): void {
  changeJobs(connection, 'DELETE FROM job', seqs);
}

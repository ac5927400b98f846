import { DEFAULT_TTL_MS, type JobState } from '../../core/job.js';
import type { Connection } from './connection.js';
import type { Value } from './driver.js';

/** The column `state` of a job; migrations/ says more. */
export const IN_LINE = 0;
export const LEASED = 1;
export const WAITING = 2;
export const DEAD = 3;

/** The due time of a job, and its ready lifetime: what is mostly so is not written down. */
export const DUE_AT = 'ifnull(due_at, place)';
export const TTL_MS = `ifnull(ttl_ms, ${DEFAULT_TTL_MS})`;

/** The last time that a Date can hold (ms); a job that would expire later expires then. */
export const LAST_TIME_MS = 8.64e15;

/** The first place in line. Those below 0 are of jobs that were promoted (promote.ts): their due time stands beside. */
export const FIRST_PLACE = Number.MIN_SAFE_INTEGER;

/** For a SELECT: a time that JavaScript can hold, whoever wrote it. */
export const boundedTime = (column: string): string =>
  `max(-${LAST_TIME_MS}, min(${column}, ${LAST_TIME_MS}))`;

/** For a SELECT: a number that JavaScript can hold. */
export const bounded = (column: string): string =>
  `max(-${Number.MAX_SAFE_INTEGER}, min(${column}, ${Number.MAX_SAFE_INTEGER}))`;

/**
 * For a SELECT: a number as text, digit by digit, for whoever goes on behind it. JavaScript cannot hold all numbers
 * of the file.
 */
export const exact = (column: string): string => `CAST(${column} AS TEXT)`;
/** A value of a statement that {@link exact} has given. */
export const EXACT_VALUE = 'CAST(? AS INTEGER)';
export const FIRST_NUMBER = '-9223372036854775808';
export const LAST_NUMBER = '9223372036854775807';

/** A time of the file; one that no Date can hold becomes the last, or the first, that it can. */
export function dateOf(ms: number): Date {
  return new Date(Math.max(-LAST_TIME_MS, Math.min(ms, LAST_TIME_MS)));
}

/** When a job expires; nothing when it never does: an original client of Redis pushed it so, and it was imported. */
export function expiryDate(ms: number): Date | undefined {
  return ms < LAST_TIME_MS ? dateOf(ms) : undefined;
}

/** Bytes as they came from SQLite; the memory is theirs alone. */
export function bytesOf(value: Uint8Array): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** What a job in line is at `now`. It is ready as soon as its place has come. */
export function stateInLine(job: { place: number; expiresAt: number }, now: number): JobState {
  if (job.place > now) return 'delayed';
  return job.expiresAt > now ? 'ready' : 'expired';
}

/** How a point in time is given to the caller: from now, and nothing when it never comes. */
export function msUntil(at: number, now: number): number | undefined {
  return at < Infinity ? Math.max(0, at - now) : undefined;
}

/** Statements by what they are without their WHERE. One that is put together anew is hashed anew to find what was compiled. */
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
 * Runs a statement, without its WHERE, on jobs, each given once. Those pushed in a row mostly leave in a
 * row, and SQLite changes a range in one go, where it has to note the rows of a list first.
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

/** Deletes jobs in whatever state, and no lease. */
export function deleteJobs(connection: Connection, seqs: readonly number[]): void {
  changeJobs(connection, 'DELETE FROM job', seqs);
}

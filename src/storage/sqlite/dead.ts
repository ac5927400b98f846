import type { Connection } from './connection.js';
import { dropExtras } from './extras.js';
import {
  boundedTime,
  BYTES_AS_TEXT,
  changeJobs,
  DEAD,
  deleteJobs,
  LAST_TIME_MS,
  textAsBytes,
} from './rows.js';

/** For a SELECT of dead letters, with `dead` joined by `seq`. */
export const DEAD_COLUMNS = `
${boundedTime('failed_at')} AS failedAt, ${boundedTime('dead_until')} AS deadUntil, ${textAsBytes('reason')} AS reason`;

export interface DeadColumns {
  readonly failedAt: number;
  /** Null when it is kept for ever. */
  readonly deadUntil: number | null;
  /** As {@link textOfBytes} reads it. */
  readonly reason: Uint8Array | null;
}

const BURY = `UPDATE job SET state = ${DEAD}, has_extras = ifnull(?, has_extras), attempts = attempts + ?`;
const LETTER = `
INSERT OR REPLACE INTO dead (seq, failed_at, dead_until, reason) SELECT value, ?, ?, ${BYTES_AS_TEXT} FROM json_each(?)`;
const FORGET = 'DELETE FROM dead WHERE seq IN (SELECT value FROM json_each(?))';
const BY_A_JUMP = 'it expired when the clock jumped ahead, and its id was pushed again';
/** A row in a state that no delayer knows is left alone, whatever extras it has. */
const DELETE = `DELETE FROM job WHERE state = ${DEAD} AND seq IN (SELECT value FROM json_each(?))`;
const PAST = 'SELECT seq FROM dead WHERE dead_until <= ? ORDER BY dead_until LIMIT ? + 0';

/** What a handler has written may hold any character. */
const reasonBytes = (reason: string | undefined): Buffer | null =>
  reason === undefined ? null : Buffer.from(reason);

/** How and why jobs became dead letters. */
export interface Death {
  readonly deadTtlMs: number;
  readonly reason?: string | undefined;
  /** 1 when an attempt ended, whose extras were written in this transaction; 0 when none was under way. */
  readonly attempts: 0 | 1;
}

/**
 * Within a transaction: makes dead letters of jobs whose leases have ended, or which cannot be delivered.
 */
export function bury(
  connection: Connection,
  seqs: readonly number[],
  { deadTtlMs, reason, attempts }: Death,
  now: number,
): void {
  if (seqs.length === 0) return;
  const deadUntil = deadTtlMs === 0 ? null : Math.min(now + deadTtlMs, LAST_TIME_MS);
  changeJobs(connection, BURY, seqs, attempts === 1 ? 1 : null, attempts);
  connection.run(LETTER, now, deadUntil, reasonBytes(reason), JSON.stringify(seqs));
}

/**
 * Within a transaction that has added a job as a dead letter: adds how it died. Without `deadUntil` it is kept for
 * ever.
 */
export function letLieDead(
  connection: Connection,
  seq: number,
  death: { failedAt: number; deadUntil?: number | undefined; reason?: string | undefined },
): void {
  const { failedAt, deadUntil, reason } = death;
  connection.run(LETTER, failedAt, deadUntil ?? null, reasonBytes(reason), JSON.stringify([seq]));
}

/**
 * Within a transaction: deletes expired jobs whose id is needed. Those that expired only by a jump of the clock
 * become dead letters, so that they can be requeued.
 */
export function makeWay(
  connection: Connection,
  expired: readonly { readonly seq: number; readonly expiresAt: number }[],
  now: number,
): void {
  const trusted = connection.trusted(now);
  const isCertain = ({ expiresAt }: { expiresAt: number }) => expiresAt <= trusted;
  const certain = expired.filter(isCertain).map(({ seq }) => seq);
  deleteJobs(connection, certain);
  dropExtras(connection, certain);
  const doubtful = expired.filter((job) => !isCertain(job)).map(({ seq }) => seq);
  if (doubtful.length === 0) return;
  changeJobs(connection, BURY, doubtful, null, 0);
  connection.run(LETTER, now, null, BY_A_JUMP, JSON.stringify(doubtful));
}

/** Within a transaction: removes the letters of jobs; the caller changes the jobs themselves. */
export function exhume(connection: Connection, seqs: readonly number[]): void {
  connection.run(FORGET, JSON.stringify(seqs));
}

/** Within a transaction: deletes up to `limit` dead letters whose time was over at `now`; answers how many. */
export function deleteDead(connection: Connection, now: number, limit: number): number {
  const seqs = (connection.all(PAST, connection.trusted(now), limit) as { seq: number }[]).map(
    ({ seq }) => seq,
  );
  if (seqs.length === 0) return 0;
  connection.run(DELETE, JSON.stringify(seqs));
  dropExtras(connection, seqs);
  exhume(connection, seqs);
  return seqs.length;
}

import type { Connection } from './connection.js';
import { changeJobs, DEAD, deleteJobs, LAST_TIME_MS } from './rows.js';

/** For a SELECT of dead letters, with `dead` joined by `seq`. */
export const DEAD_COLUMNS = 'failed_at AS failedAt, dead_until AS deadUntil, reason';

export interface DeadColumns {
  readonly failedAt: number;
  /** Null when it is kept for ever. */
  readonly deadUntil: number | null;
  readonly reason: string | null;
}

const BURY = `UPDATE job SET state = ${DEAD}, attempts = attempts + 1`;
const NOTE = `
INSERT INTO dead (seq, failed_at, dead_until, reason) SELECT value, ?, ?, ? FROM json_each(?)`;
const FORGET = 'DELETE FROM dead WHERE seq IN (SELECT value FROM json_each(?))';
const PAST = 'SELECT seq FROM dead WHERE dead_until <= ? ORDER BY dead_until LIMIT ? + 0';

/** Within a transaction: makes dead letters of jobs whose leases have ended. */
export function bury(
  connection: Connection,
  seqs: readonly number[],
  { deadTtlMs, reason }: { readonly deadTtlMs: number; readonly reason?: string | undefined },
  now: number,
): void {
  const deadUntil = deadTtlMs === 0 ? null : Math.min(now + deadTtlMs, LAST_TIME_MS);
  changeJobs(connection, BURY, seqs);
  connection.run(NOTE, now, deadUntil, reason ?? null, JSON.stringify(seqs));
}

/** Within a transaction: jobs are dead letters no more; what becomes of them is the caller's affair. */
export function exhume(connection: Connection, seqs: readonly number[]): void {
  connection.run(FORGET, JSON.stringify(seqs));
}

/** Within a transaction: deletes up to `limit` dead letters past their time. @returns how many */
export function deleteDead(connection: Connection, now: number, limit: number): number {
  const seqs = (connection.all(PAST, now, limit) as { seq: number }[]).map(({ seq }) => seq);
  if (seqs.length === 0) return 0;
  deleteJobs(connection, seqs);
  exhume(connection, seqs);
  return seqs.length;
}

import type { Agenda } from './agenda-memory.js';
import type { Connection } from './connection.js';
import { deleteDead } from './dead.js';

/**
 * Expired jobs are deleted after so long (ms): until then they can be requeued, and a view can say why a job was never
 * delivered.
 */
export const KEEP_MS = 60_000;

/** How many jobs of each kind a call deletes that comes for something else. */
const CLEAR_IN_PASSING = 10;

const FIRST_EXPIRY = 'SELECT min(expires_at) AS at FROM job WHERE state = 0';
const EXPIRED =
  'SELECT seq, has_extras FROM job WHERE state = 0 AND expires_at <= ? ORDER BY expires_at LIMIT ? + 0';
const DROP_EXTRAS = `DELETE FROM extras WHERE seq IN (SELECT seq FROM (${EXPIRED}) WHERE has_extras = 1)`;
const CLEAR = `DELETE FROM job WHERE seq IN (SELECT seq FROM (${EXPIRED}))`;

/**
 * Within a transaction: deletes up to `limit` jobs that expired a while ago, except those that expired only by a jump
 * of the clock.
 * @returns how many
 */
export function clearExpired(connection: Connection, now: number, limit: number): number {
  const trusted = connection.trusted(now - KEEP_MS);
  connection.run(DROP_EXTRAS, trusted, limit);
  return connection.changes(CLEAR, trusted, limit);
}

/**
 * Within a transaction that takes jobs: deletes a few expired ones, so that a file without a daemon does not fill
 * with them.
 */
export function clearOnReserve(connection: Connection, { expiry, deadUntil }: Agenda, now: number): void {
  const until = now - KEEP_MS;
  // Usually the agenda has shown that there is none.
  if (expiry <= until) clearExpired(connection, now, CLEAR_IN_PASSING);
  if (deadUntil <= until) deleteDead(connection, until, CLEAR_IN_PASSING);
}

/** Within a transaction that pushes jobs: deletes a few more than it adds, so that their number falls. */
export function clearOnPush(connection: Connection, now: number, pushed: number): void {
  const until = now - KEEP_MS;
  if (connection.agenda.noneExpired(until)) return;
  // Reads one time only: reading the whole agenda takes longer than inserting a job.
  const { at } = connection.get(FIRST_EXPIRY) as { at: number | null };
  connection.agenda.rememberExpiry(at ?? Infinity);
  if (at !== null && at <= until) clearExpired(connection, now, pushed + CLEAR_IN_PASSING);
}

import type { Agenda } from './agenda.js';
import type { Connection } from './connection.js';
import { deleteDead } from './dead.js';

/**
 * Calls that come for something else clear away only what has been expired or past its time for so long
 * (ms): until then a view can tell why a job was never delivered.
 */
const KEEP_MS = 60_000;

/** Jobs that such a call clears away, besides one for each job pushed, so that they become fewer. */
const CLEAR_IN_PASSING = 10;

const CLEAR = `
DELETE FROM job WHERE seq IN (
  SELECT seq FROM job WHERE state = 0 AND expires_at <= ? ORDER BY expires_at LIMIT ? + 0
)`;

/** Within a transaction: clears away up to `limit` expired jobs. @returns how many */
export function clearExpired(connection: Connection, now: number, limit: number): number {
  return connection.run(CLEAR, now, limit);
}

/**
 * Within a transaction that pushes or takes jobs: clears away a few. Without a daemon, the file must not
 * fill with them.
 */
export function clearInPassing(connection: Connection, agenda: Agenda, now: number, pushed: number): void {
  const [until, limit] = [now - KEEP_MS, pushed + CLEAR_IN_PASSING];
  // Mostly there is none, and the agenda has told so.
  if (agenda.expiry <= until) clearExpired(connection, until, limit);
  if (agenda.deadUntil <= until) deleteDead(connection, until, limit);
}

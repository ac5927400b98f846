import type { Session } from './connection.js';

/**
 * Who comes by for something else clears only what has been dead for so long (ms): until then `inspect`
 * can tell why a job was never delivered.
 */
const KEEP_DEAD_MS = 60_000;

/** Dead jobs that are cleared in passing besides one for each job pushed, so that they become fewer. */
const CLEAR_IN_PASSING = 10;

const CLEAR = `
DELETE FROM job WHERE seq IN (
  SELECT seq FROM job WHERE leased = 0 AND expires_at <= ? ORDER BY expires_at LIMIT ? + 0
)`;

const FIRST = 'SELECT min(expires_at) AS at FROM job WHERE leased = 0';

/** When the first job dies (ms), or died; Infinity when there is none. */
export function firstExpiry(session: Session): number {
  const { at } = session.get(FIRST) as { at: number | null };
  return at ?? Infinity;
}

/** Deletes up to `limit` dead jobs. @returns how many */
export function clearDead(session: Session, now: number, limit: number): number {
  // Mostly there is none, and to learn that so is ten times cheaper.
  return firstExpiry(session) > now ? 0 : session.run(CLEAR, now, limit);
}

/** Deletes a few jobs that have been dead for a while: without a daemon, the file must not fill with them. */
export function clearInPassing(session: Session, now: number, jobs: number): void {
  clearDead(session, now - KEEP_DEAD_MS, jobs + CLEAR_IN_PASSING);
}

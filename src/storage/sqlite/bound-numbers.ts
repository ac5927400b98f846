import { MAX_LEASE_MS } from '../../core/job.js';
import { LOCK_MS } from '../../core/lease.js';
import type { Connection } from './connection.js';
import { FIRST_PLACE, LAST_TIME_MS } from './rows.js';

/** More attempts than anybody makes, and few enough to count exactly. */
export const MOST_ATTEMPTS = 1_000_000_000;
/**
 * Jobs are numbered from 1. JavaScript cannot distinguish all numbers beyond 2^53, so it must never meet them.
 */
export const LAST_SEQ = 2 ** 52;

/** A job that waits for a newer one of its id is looked at far more often than this. */
const LONGEST_WAIT_MS = 60_000;

/** Rows mended in one call; the next call goes on. */
const MOST_RENUMBERED = 1000;

/**
 * The known states. A row in another state may belong to a later delayer: it is left alone, and `health` names it.
 */
export const KNOWN_STATE = 'state BETWEEN 0 AND 3';

/** For each table its columns with their bounds. */
export const BOUNDS: Readonly<
  Record<string, Readonly<Record<string, readonly [least: number, most: number]>>>
> = {
  job: {
    attempts: [0, MOST_ATTEMPTS],
    place: [FIRST_PLACE, LAST_TIME_MS],
    due_at: [0, LAST_TIME_MS],
    expires_at: [0, LAST_TIME_MS],
    ttl_ms: [1, LAST_TIME_MS],
  },
  lease: {
    ends_at: [0, LAST_TIME_MS],
    reserved_at: [0, LAST_TIME_MS],
    deadline: [0, LAST_TIME_MS],
    jobs: [1, 1e8],
    first: [1, 1e8],
  },
  waiting: { again_at: [0, LAST_TIME_MS], since: [0, LAST_TIME_MS] },
  dead: { failed_at: [0, LAST_TIME_MS], dead_until: [0, LAST_TIME_MS] },
  pause: { until_at: [0, LAST_TIME_MS] },
  lock: { until_at: [0, LAST_TIME_MS] },
};

/** A lease whose list of jobs cannot be read is left as it is, with the latest possible end. */
const SET_LEASES_ASIDE = `
UPDATE lease SET ends_at = ${LAST_TIME_MS} WHERE ends_at < ${LAST_TIME_MS}
AND NOT (json_valid(seqs) AND json_type(iif(json_valid(seqs), seqs, '[]')) = 'array')`;

/** Beyond the last number in use. */
const RENUMBER = `
UPDATE job SET has_extras = NULL, seq = (SELECT max(ifnull(max(seq), 0), 0) + 1 FROM job WHERE seq < ${LAST_SEQ})
WHERE seq = (SELECT seq FROM job WHERE seq NOT BETWEEN 1 AND ${LAST_SEQ} LIMIT 1) RETURNING 1`;

const BOUND_LEASES = 'UPDATE lease SET ends_at = ?1 WHERE ends_at > ?1';
const BOUND_LOCKS = 'UPDATE lock SET until_at = ?1 WHERE until_at > ?1';
const BOUND_WAITS = 'UPDATE waiting SET again_at = ?1 WHERE again_at > ?1';

/**
 * Within a transaction: no lease or lock ends later, and nothing waits longer, than delayer would write it. It takes
 * two index lookups, and a scan of the few locks.
 */
export function boundWaits(connection: Connection, now: number): void {
  connection.run(BOUND_LEASES, Math.min(now + MAX_LEASE_MS, LAST_TIME_MS));
  connection.run(BOUND_LOCKS, Math.min(now + LOCK_MS, LAST_TIME_MS));
  connection.run(BOUND_WAITS, Math.min(now + LONGEST_WAIT_MS, LAST_TIME_MS));
}

/**
 * Within a transaction: brings numbers that no delayer wrote within their bounds, after one of them has made a call
 * fail. It looks at every row. A job in an unknown state is left alone, but for its number in `seq`, because SQLite
 * counts on from the highest.
 */
export function boundNumbers(connection: Connection): void {
  for (const [table, columns] of Object.entries(BOUNDS)) {
    for (const [column, [least, most]] of Object.entries(columns)) {
      // A due time that is none counts as absent: see DUE_AT.
      const value = column === 'due_at' ? 'NULL' : `max(${least}, min(${column}, ${most}))`;
      // An id may be in line once: where it already is, the row is left alone.
      connection.exec(
        `UPDATE OR IGNORE ${table} SET ${column} = ${value} WHERE ${column} NOT BETWEEN ${least} AND ${most}
        ${table === 'job' ? `AND ${KNOWN_STATE}` : ''}`,
      );
    }
  }
  connection.exec(SET_LEASES_ASIDE);
  for (let row = 0; row < MOST_RENUMBERED && connection.get(RENUMBER) !== undefined;) row += 1;
  // Rows that belong to no job.
  for (const table of ['waiting', 'dead', 'extras'])
    connection.exec(`DELETE FROM ${table} WHERE seq NOT BETWEEN 1 AND ${LAST_SEQ}`);
  connection.exec('DELETE FROM clock');
}

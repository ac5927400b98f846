import type { Connection } from './connection.js';
import { makeWay } from './dead.js';
import { isNotUnique } from './errors.js';
import type { Value } from './driver.js';
import { changeJobs, DUE_AT, IN_LINE, LAST_TIME_MS, TTL_MS, WAITING } from './rows.js';

/** How often (ms) a job that waits for a newer one of its id is looked at. */
const DUPLICATE_RETRY_MS = 1000;

/**
 * The time for which a job was away is added to its ready lifetime; if it was held before it was due, only the time
 * after its due time. It keeps its place in line.
 */
const TO_OLD_PLACE = `
UPDATE job SET state = ?, has_extras = ifnull(?, has_extras), attempts = attempts + ?,
  expires_at = min(expires_at + max(0, ? - max(?, ${DUE_AT})), ${LAST_TIME_MS})`;
/** A new due time, from which the whole ready lifetime counts. */
const TO_NEW_PLACE = `
UPDATE job SET state = ?, has_extras = 1, attempts = attempts + 1, place = ?, due_at = NULL,
  expires_at = min(? + ${TTL_MS}, ${LAST_TIME_MS})`;

/** Which of the jobs have a newer job of their id in line; that one may have expired. */
const DUPLICATES = `
SELECT job.seq, other.seq AS other, other.expires_at AS expiresAt
FROM json_each(?) AS back CROSS JOIN job ON job.seq = back.value
CROSS JOIN job AS other ON other.id = job.id AND other.state = ${IN_LINE}`;

const WAIT = 'INSERT OR REPLACE INTO waiting (seq, again_at, since) VALUES (?, ?, ?)';
const WAIT_AGAIN = 'UPDATE waiting SET again_at = ? WHERE seq = ?';
const STOP_WAITING = 'DELETE FROM waiting WHERE seq = ?';
const GO_ON = `
UPDATE job SET expires_at = min(
  expires_at + max(0, ?1 - max(ifnull((SELECT since FROM waiting WHERE seq = ?2), ?1), ${DUE_AT})), ${LAST_TIME_MS})
WHERE seq = ?2`;
const TO_LOOK_AT = 'SELECT seq, since FROM waiting WHERE again_at <= ? ORDER BY again_at, seq LIMIT ? + 0';

/**
 * Within a transaction: brings jobs whose leases have ended back to their old place in line.
 * @param attempts that are added: 1, or 0 as if the job had never been reserved
 * @param hasExtras true: extras of each were written in this transaction; otherwise has_extras stays as it is
 * @returns how many are back; the others wait for a newer job of their id
 */
export function returnToPlace(
  connection: Connection,
  seqs: readonly number[],
  { reservedAt, attempts, hasExtras }: { reservedAt: number; attempts: 0 | 1; hasExtras: boolean },
  now: number,
): number {
  const values = [hasExtras ? 1 : null, attempts, now, reservedAt];
  return bringBack(connection, seqs, TO_OLD_PLACE, values, now, now);
}

/** Within a transaction: brings jobs that an operator held back as they were; answers how many are back. */
export function returnHeld(
  connection: Connection,
  { seqs, reservedAt }: { readonly seqs: readonly number[]; readonly reservedAt: number },
  now: number,
): number {
  return returnToPlace(connection, seqs, { reservedAt, attempts: 0, hasExtras: false }, now);
}

/**
 * Within a transaction that has written extras of each: puts jobs whose leases have ended in line with a new due
 * time, for another attempt.
 */
export function returnAt(connection: Connection, seqs: readonly number[], dueAt: number, now: number): void {
  bringBack(connection, seqs, TO_NEW_PLACE, [dueAt, dueAt], dueAt, now);
}

/**
 * Within a transaction: brings back jobs that waited for a newer job of their id, if that is gone.
 * @param limit how many are looked at
 */
export function returnWaiting(
  connection: Connection,
  now: number,
  limit: number,
): { back: number; more: boolean } {
  const waiting = connection.all(TO_LOOK_AT, now, limit) as { seq: number; since: number }[];
  let back = 0;
  // One by one: of two with the same id, the second waits for the first.
  for (const { seq, since } of waiting) {
    if (makeRoom(connection, [seq], now).size > 0) {
      connection.run(WAIT_AGAIN, now + DUPLICATE_RETRY_MS, seq);
      continue;
    }
    connection.run(STOP_WAITING, seq);
    back += returnToPlace(connection, [seq], { reservedAt: since, attempts: 0, hasExtras: false }, now);
  }
  return { back, more: waiting.length === limit };
}

/**
 * Within a transaction that has added a job in the state WAITING: from its due time on, its lifetime stands still.
 */
export function letWait(connection: Connection, seq: number, dueAt: number, now: number): void {
  connection.run(WAIT, seq, now + DUPLICATE_RETRY_MS, Math.max(now, dueAt));
}

/** Within a transaction: a job stops waiting; the caller changes the job itself. */
export function stopWaiting(connection: Connection, seq: number): void {
  connection.run(STOP_WAITING, seq);
}

/** Within a transaction: a job stops waiting; the time of the wait is added to its ready lifetime. */
export function letLifetimeGoOn(connection: Connection, seq: number, now: number): void {
  connection.run(GO_ON, now, seq);
  stopWaiting(connection, seq);
}

/**
 * @param sql changes jobs to the state that is its first value
 * @param since from when on the ready lifetime of those that have to wait stands still
 */
function bringBack(
  connection: Connection,
  seqs: readonly number[],
  sql: string,
  values: readonly Value[],
  since: number,
  now: number,
): number {
  const waiting = makeRoom(connection, seqs, now);
  const free = waiting.size === 0 ? seqs : seqs.filter((seq) => !waiting.has(seq));
  try {
    changeJobs(connection, sql, free, IN_LINE, ...values);
  } catch (error) {
    if (!isNotUnique(error) || free.length === 1) throw error;
    // Two jobs of one id, as hold may lease them: the second waits for the first.
    return seqs.reduce((back, seq) => back + bringBack(connection, [seq], sql, values, since, now), 0);
  }
  changeJobs(connection, sql, [...waiting], WAITING, ...values);
  for (const seq of waiting) connection.run(WAIT, seq, now + DUPLICATE_RETRY_MS, since);
  return free.length;
}

/** Deletes expired jobs in line that have the ids of these; answers the jobs whose id is still in line. */
function makeRoom(connection: Connection, seqs: readonly number[], now: number): Set<number> {
  const rows = connection.all(DUPLICATES, JSON.stringify(seqs)) as {
    seq: number;
    other: number;
    expiresAt: number;
  }[];
  const isExpired = ({ expiresAt }: { expiresAt: number }) => expiresAt <= now;
  makeWay(
    connection,
    rows.filter(isExpired).map(({ other, expiresAt }) => ({ seq: other, expiresAt })),
    now,
  );
  return new Set(rows.filter((row) => !isExpired(row)).map(({ seq }) => seq));
}

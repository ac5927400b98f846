import type { Fault } from '../../../core/faults.js';
import { DEFAULT_DEAD_TTL_MS } from '../../../core/job.js';
import type { Connection } from '../connection.js';
import { STORE } from '../driver.js';
import { type LeasedId, LEASED_JOBS, revokeLease } from '../lease.js';
import { LAST_SEQ, MOST_ATTEMPTS } from '../bound-numbers.js';
import { DUE_AT, EXACT_VALUE, FIRST_PLACE, LAST_TIME_MS, TTL_MS } from '../rows.js';
import { JOB_CHECKS } from './checks.js';
import { checkOf, JOB_FLAW, timesAt } from './rows.js';
import { makeIndex } from './schema.js';

/** Mends each fault in a transaction that first checks it again; the faults of one call share a commit. */
export async function mend(connection: Connection, faults: readonly Fault[]): Promise<boolean[]> {
  return Promise.all(faults.map((fault) => mendOne(connection, fault)));
}

async function mendOne(connection: Connection, fault: Fault): Promise<boolean> {
  const { kind, row, found = '' } = fault;
  if (kind === 'log_long') return emptyLog(connection);
  if (kind === 'index_damaged') return connection.write(() => buildIndex(connection, found));
  if (!row) return false;
  if (kind === 'index_missing') return connection.write(() => makeIndex(connection, row.key));
  return connection.writeFreeing((now) => {
    if (kind === 'held_twice') return letGo(connection, row.key, found);
    if (row.table === 'job') return mendJob(connection, fault, row.key, now);
    const check = checkOf(kind, row.table);
    if (check?.mend === undefined) return false;
    const { table, key, is } = check;
    const still = `SELECT 1 FROM ${table} WHERE ${key} = ?3 AND (${is}) AND ?1 IS NOT NULL AND ?2 IS NOT NULL`;
    const values = [...timesAt(now), row.key];
    if (connection.get(still, ...values) === undefined) return false;
    // The statement gets all three values, whichever it uses.
    return connection.changes(`${check.mend} AND ?1 IS NOT NULL AND ?2 IS NOT NULL`, ...values) > 0;
  });
}

/** Moves the log into the file, unless a reader still needs it. */
async function emptyLog(connection: Connection): Promise<boolean> {
  const { busy } = await connection.read(
    () => connection.get(`PRAGMA ${STORE}.wal_checkpoint(TRUNCATE)`) as { busy: number },
  );
  return busy === 0;
}

function buildIndex(connection: Connection, name: string): boolean {
  connection.exec(`REINDEX ${STORE}.${JSON.stringify(name)}`);
  return true;
}

const PLACES = `
SELECT token, held.key AS at, job.seq, 0 AS dueAt, job.id FROM ${LEASED_JOBS}
WHERE held.type = 'integer' AND held.value = ${EXACT_VALUE}`;

/** Takes a job out of a lease when another lease names it, too. */
function letGo(connection: Connection, token: string, seq: string): boolean {
  const places = connection.all(PLACES, seq) as LeasedId[];
  const [own] = places.filter((place) => place.token === token);
  if (!own || places.length < 2) return false;
  revokeLease(connection, own);
  return true;
}

const OF_JOB = `WHERE seq = ${EXACT_VALUE}`;
/** Its whole lifetime from now, or from its due time, because nobody knows how much had passed. */
const EXPIRY_ANEW = `min(max(${DUE_AT}, ?1) + ${TTL_MS}, ${LAST_TIME_MS})`;
const BACK_IN_LINE = `UPDATE OR IGNORE job SET state = 0, expires_at = max(expires_at, ${EXPIRY_ANEW}) WHERE seq = CAST(?2 AS INTEGER)`;
const LET_WAIT = `UPDATE job SET state = 2, expires_at = max(expires_at, ${EXPIRY_ANEW}) WHERE seq = CAST(?2 AS INTEGER)`;
const WAIT = `INSERT OR REPLACE INTO waiting (seq, again_at, since) SELECT seq, ?1, ?1 FROM job WHERE seq = CAST(?2 AS INTEGER)`;
const RELIVE = `UPDATE job SET expires_at = ${EXPIRY_ANEW} WHERE seq = CAST(?2 AS INTEGER)`;
const STATE = `SELECT state FROM job ${OF_JOB}`;
const EXPLAIN = `
INSERT INTO dead (seq, failed_at, dead_until) SELECT seq, ?1, ?1 + ${DEFAULT_DEAD_TTL_MS} FROM job WHERE seq = CAST(?2 AS INTEGER)`;
const BOUND = `
UPDATE OR IGNORE job SET
  attempts = max(0, min(attempts, ${MOST_ATTEMPTS})),
  due_at = CASE
    WHEN place < 0 THEN iif(due_at BETWEEN 0 AND ${LAST_TIME_MS - 1}, due_at, ?1)
    WHEN due_at BETWEEN 0 AND ${LAST_TIME_MS - 1} THEN due_at END,
  place = max(place, ${FIRST_PLACE}),
  ttl_ms = iif(ttl_ms < 1, NULL, min(ttl_ms, ${LAST_TIME_MS - 1})),
  expires_at = iif(expires_at < 0,
    min(max(${DUE_AT}, ?1) + iif(ttl_ms < 1, 604800000, ${TTL_MS}), ${LAST_TIME_MS}),
    min(expires_at, ${LAST_TIME_MS}))
WHERE seq = CAST(?2 AS INTEGER)`;
/** Beyond the last number in use. */
const RENUMBER = `
UPDATE job SET has_extras = NULL, seq = (SELECT max(ifnull(max(seq), 0), 0) + 1 FROM job WHERE seq < ${LAST_SEQ})
WHERE seq = CAST(?2 AS INTEGER) AND ?1 IS NOT NULL`;

function mendJob(connection: Connection, { kind }: Fault, seq: string, now: number): boolean {
  const still = connection.get(JOB_FLAW, ...timesAt(now), seq) as { flaw: number | null } | undefined;
  if (still?.flaw === undefined || still.flaw === null || JOB_CHECKS[still.flaw]?.kind !== kind) return false;
  const run = (sql: string) => connection.changes(sql, now, seq) > 0;
  if (kind === 'dead_unexplained') return run(EXPLAIN);
  if (kind === 'expires_before_due') return run(RELIVE);
  if (kind === 'number_strange')
    return BigInt(seq) < 1n || BigInt(seq) > BigInt(LAST_SEQ) ? run(RENUMBER) : run(BOUND);
  if (kind !== 'job_unheld') return false;
  const { state } = connection.get(STATE, seq) as { state: number };
  if (state === 1 && run(BACK_IN_LINE)) return true;
  // A newer job of its id is in line.
  return run(LET_WAIT) && run(WAIT);
}

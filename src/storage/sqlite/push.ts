import { DEFAULT_TTL_MS } from '../../core/job.js';
import type { NewJob } from '../../core/new-job.js';
import type { OnExisting, PushResult } from '../../core/results.js';
import type { PushParams } from '../../core/store.js';
import { jobChunks } from '../chunk.js';
import type { Connection } from './connection.js';
import { makeWay } from './dead.js';
import type { Value } from './driver.js';
import { isNotUnique } from './errors.js';
import { clearOnPush } from './expire.js';
import { dropExtras, keepSettings } from './extras.js';
import { findLeased } from './lease.js';
import { dateOf, DUE_AT, LAST_TIME_MS, WAITING } from './rows.js';

/** One transaction adds so many jobs, or so many bytes of bodies: it stays under some 50 ms. */
export const PUSH_CHUNK = { jobs: 1000, bytes: 4 * 1024 * 1024 };

/**
 * Jobs that one statement adds, where all of them are new: a statement a job costs twice as much, and
 * a longer one hardly less.
 */
const ROWS = 25;

const INTO = 'INSERT INTO job (place, expires_at, ttl_ms, topic, id, body) VALUES';
const VALUES = '(?, ?, ?, ?, ?, ?)';
const INSERT = `${INTO} ${VALUES} ON CONFLICT (id) WHERE state = 0 DO NOTHING`;
/** Of a job that says something of its own retries. */
const INSERT_NOTED = `
INSERT INTO job (place, expires_at, ttl_ms, topic, id, body, has_extras) VALUES (?, ?, ?, ?, ?, ?, 1)
ON CONFLICT (id) WHERE state = 0 DO NOTHING RETURNING seq`;
const INSERT_ROW = `${INTO} ${VALUES}`;
const INSERT_ROWS = `${INTO} ${Array(ROWS).fill(VALUES).join(', ')}`;

const EXISTING = `
SELECT seq, ${DUE_AT} AS dueAt, expires_at AS expiresAt, has_extras IS 1 AS hasExtras, topic = ? AND body = ? AS same
FROM job WHERE id = ? AND state = 0`;

const EXPIRY = 'SELECT expires_at AS expiresAt FROM job WHERE id = ? AND state = 0';
const WAITING_OF_ID = `SELECT 1 FROM job WHERE id = ? AND state > 1 AND state = ${WAITING}`;

const DELETE = 'DELETE FROM job WHERE seq = ?';

/** Adds jobs, each by itself. */
export function push(connection: Connection, { jobs, onExisting }: PushParams): Promise<PushResult[]> {
  // Without a function that is awaited, for that is a hundredth of a single push.
  return jobs.length === 1
    ? writeChunk(connection, jobs, onExisting)
    : writeChunks(connection, jobs, onExisting);
}

async function writeChunks(
  connection: Connection,
  jobs: readonly NewJob[],
  onExisting: OnExisting,
): Promise<PushResult[]> {
  const results: PushResult[] = [];
  for (const chunk of jobChunks(jobs, PUSH_CHUNK)) {
    const done = await writeChunk(connection, chunk, onExisting);
    if (chunk.length === jobs.length) return done;
    results.push(...done);
  }
  return results;
}

function writeChunk(
  connection: Connection,
  chunk: readonly NewJob[],
  onExisting: OnExisting,
): Promise<PushResult[]> {
  return connection.write((now) => {
    clearOnPush(connection, now, chunk.length);
    const away = onExisting === 'keep' ? findAway(connection, chunk) : undefined;
    const pushed = pushChunk(connection, chunk, { onExisting, away }, now);
    connection.agenda.keep();
    return pushed;
  });
}

interface HowToPush {
  readonly onExisting: OnExisting;
  /** With `keep`: which ids keep their jobs, because these are in hand. */
  readonly away: ReadonlySet<string> | undefined;
}

/** Which of the ids of new jobs are leased, or wait for another job of their id. */
function findAway(connection: Connection, jobs: readonly NewJob[]): ReadonlySet<string> {
  const away = new Set(
    findLeased(
      connection,
      jobs.map(({ id }) => id),
    ).keys(),
  );
  for (const { id } of jobs) if (connection.get(WAITING_OF_ID, id)) away.add(id.toString('latin1'));
  return away;
}

function pushChunk(
  connection: Connection,
  chunk: readonly NewJob[],
  how: HowToPush,
  now: number,
): PushResult[] {
  if (chunk.length === 1) return pushAll(connection, chunk, how, now);
  const results: PushResult[] = [];
  for (let i = 0; i < chunk.length; i += ROWS) {
    const jobs = chunk.slice(i, i + ROWS);
    results.push(...pushAll(connection, jobs, how, now));
  }
  return results;
}

function pushAll(connection: Connection, jobs: readonly NewJob[], how: HowToPush, now: number): PushResult[] {
  const isAnyAway = how.away !== undefined && how.away.size > 0;
  const isQuick = !isAnyAway && (jobs.length === ROWS || jobs.length === 1) && !jobs.some(hasSettings);
  const done = isQuick ? pushNew(connection, jobs, now) : undefined;
  return done ?? jobs.map((job) => pushOne(connection, job, how, now));
}

/** Adds jobs whose ids are all new; otherwise none of them, and answers nothing. */
function pushNew(connection: Connection, jobs: readonly NewJob[], now: number): PushResult[] | undefined {
  const rows = jobs.map((job) => toRow(job, now));
  const values: Value[] = [];
  // `flat` would take as long as a tenth of the push.
  for (const row of rows) {
    values.push(...row);
    connection.agenda.addExpiry(row[1]);
  }
  try {
    connection.run(jobs.length === 1 ? INSERT_ROW : INSERT_ROWS, ...values);
  } catch (error) {
    if (isNotUnique(error)) return undefined;
    throw error;
  }
  return rows.map(([dueMs]) => ({ outcome: 'pushed', dueAt: new Date(dueMs) }));
}

type Row = [dueMs: number, expiresMs: number, ttlMs: number | null, topic: Buffer, id: Buffer, body: Buffer];

function toRow({ due, expiresAtMs, ttlMs, topic, id, body }: NewJob, now: number): Row {
  const dueMs = 'delayMs' in due ? now + due.delayMs : Math.max(now, due.atMs);
  return [
    dueMs,
    Math.min(expiresAtMs ?? dueMs + ttlMs, LAST_TIME_MS),
    ttlMs === DEFAULT_TTL_MS ? null : ttlMs,
    topic,
    id,
    body,
  ];
}

function pushOne(
  connection: Connection,
  job: NewJob,
  { onExisting, away }: HowToPush,
  now: number,
): PushResult {
  if (away?.has(job.id.toString('latin1')) === true && !isInLine(connection, job.id, now))
    return { outcome: 'kept' };
  const row = toRow(job, now);
  connection.agenda.addExpiry(row[1]);
  const insert = () =>
    hasSettings(job) ? insertWithExtras(connection, job, row) : connection.changes(INSERT, ...row) === 1;
  const dueAt = new Date(row[0]);
  if (insert()) return { outcome: 'pushed', dueAt };
  const settled = settleExisting(connection, job, onExisting, now);
  if (settled.outcome !== 'pushed' && settled.outcome !== 'replaced') return settled;
  insert();
  return { outcome: settled.outcome, dueAt };
}

export type Settled = Extract<
  PushResult['outcome'],
  'pushed' | 'replaced' | 'repeated' | 'kept' | 'conflict'
>;

/**
 * Within a transaction: what becomes of a job whose id is in line. Where it is `pushed` or `replaced`, what was there
 * has made way for it.
 * @returns with when the job that is there is due
 */
export function settleExisting(
  connection: Connection,
  job: Pick<NewJob, 'topic' | 'body' | 'id'>,
  onExisting: OnExisting,
  now: number,
): { outcome: Settled; dueAt?: Date } {
  const existing = connection.get(EXISTING, job.topic, job.body, job.id) as {
    seq: number;
    dueAt: number;
    expiresAt: number;
    hasExtras: 0 | 1;
    same: 0 | 1;
  };
  const isExpired = existing.expiresAt <= now;
  if (isExpired || onExisting === 'replace') {
    // A new row, for a replaced job loses its place and its attempts.
    if (isExpired) makeWay(connection, [existing], now);
    else {
      connection.run(DELETE, existing.seq);
      if (existing.hasExtras === 1) dropExtras(connection, [existing.seq]);
    }
    return { outcome: isExpired ? 'pushed' : 'replaced' };
  }
  const outcome = existing.same === 1 ? 'repeated' : onExisting === 'keep' ? 'kept' : 'conflict';
  return { outcome, dueAt: dateOf(existing.dueAt) };
}

function isInLine(connection: Connection, id: Buffer, now: number): boolean {
  const found = connection.get(EXPIRY, id) as { expiresAt: number } | undefined;
  return found !== undefined && found.expiresAt > now;
}

const hasSettings = ({ retries, backoff }: NewJob): boolean => retries !== undefined || backoff !== undefined;

/** Adds a job with what it says of its own retries, unless its id is in line. */
function insertWithExtras(connection: Connection, job: NewJob, row: Row): boolean {
  const added = connection.get(INSERT_NOTED, ...row) as { seq: number } | undefined;
  if (added) keepSettings(connection, added.seq, job);
  return added !== undefined;
}

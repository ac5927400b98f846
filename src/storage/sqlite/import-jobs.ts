import type { ImportedJob } from '../../core/imported-job.js';
import type { ImportParams } from '../../core/store.js';
import {
  type FileProgress,
  IMPORT_MEMORY_MS,
  type Imported,
  type ImportOutcome,
  type ImportProgress,
  isRefused,
} from '../../core/transfer.js';
import type { OnExisting } from '../../core/results.js';
import { DEFAULT_TTL_MS } from '../../core/job.js';
import { jobChunks } from '../chunk.js';
import type { Connection } from './connection.js';
import { letLieDead } from './dead.js';
import type { Value } from './driver.js';
import { isNotUnique } from './errors.js';
import { clearOnPush } from './expire.js';
import { formatPast, type ExtrasRow, writeExtras } from './extras.js';
import { PUSH_CHUNK, type Settled, settleExisting } from './push.js';
import { letWait } from './return.js';
import { DEAD, IN_LINE, LAST_TIME_MS, WAITING } from './rows.js';

/** How many jobs one statement adds, when all are new and consist of their row only. */
const ROWS = 25;

const INTO =
  'INSERT INTO job (state, attempts, place, expires_at, ttl_ms, topic, id, body, has_extras) VALUES';
const VALUES = '(?, ?, ?, ?, ?, ?, ?, ?, ?)';
const INSERT = `${INTO} ${VALUES} ON CONFLICT (id) WHERE state = 0 DO NOTHING RETURNING seq`;
const INSERT_ROWS = `${INTO} ${Array(ROWS).fill(VALUES).join(', ')}`;

const SAME_LETTER = `
SELECT 1 FROM job JOIN dead USING (seq)
WHERE id = ? AND state > 1 AND state = ${DEAD} AND +topic = ? AND body = ? AND failed_at = ?`;
const SAME_WAITING = `
SELECT 1 FROM job WHERE id = ? AND state > 1 AND state = ${WAITING} AND +topic = ? AND body = ? AND place = ?`;

const LINE = 'SELECT line FROM imported WHERE file = ?';
const NOTE_LINE = 'INSERT OR REPLACE INTO imported (file, line, at) VALUES (?, ?, ?)';
const FORGET = 'DELETE FROM imported WHERE at < ?';

const REFUSED = 'SELECT line FROM refused_line WHERE file = ?';
const IS_REFUSED = 'SELECT 1 FROM refused_line WHERE file = ? AND line = ?';
const NOTE_REFUSED = 'INSERT OR IGNORE INTO refused_line (file, line) VALUES (?, ?)';
const DELETE_REFUSED = 'DELETE FROM refused_line WHERE file = ? AND line = ?';
const FORGET_REFUSED = 'DELETE FROM refused_line WHERE file = ? OR file NOT IN (SELECT file FROM imported)';

export function importProgress(connection: Connection, file: string): Promise<FileProgress> {
  return connection.read(() => {
    const noted = connection.get(LINE, file) as { line: number } | undefined;
    const refused = connection.all(REFUSED, file) as { line: number }[];
    return { line: noted?.line ?? 0, refused: refused.map(({ line }) => line) };
  });
}

/**
 * Takes in jobs as they were in another store. It stops when the file is not where the caller believes it to be.
 */
export async function importJobs(connection: Connection, params: ImportParams): Promise<Imported> {
  const { jobs, onExisting, progress, retryOf } = params;
  const outcomes: ImportOutcome[] = [];
  let from = progress?.from ?? 0;
  for (const chunk of jobs.length === 0 ? [[]] : jobChunks(jobs, PUSH_CHUNK)) {
    const isLast = outcomes.length + chunk.length === jobs.length;
    const to = isLast ? (progress?.to ?? 0) : (chunk.at(-1)?.line ?? 0);
    const step = progress && { ...progress, from, to };
    const done = await connection.write((now) => {
      const reached = step && noteProgress(connection, step, now);
      if (reached !== undefined) return { outcomes: [], reached };
      clearOnPush(connection, now, chunk.length);
      if (retryOf !== undefined)
        return { outcomes: retryChunk(connection, chunk, { file: retryOf, onExisting }, now) };
      const outcomes = importChunk(connection, chunk, onExisting, now);
      if (step) noteRefused(connection, step.file, chunk, outcomes);
      return { outcomes };
    });
    outcomes.push(...done.outcomes);
    if (done.reached !== undefined) return { outcomes, reached: done.reached };
    from = to;
  }
  return { outcomes };
}

/** @returns where the file is, if that is elsewhere; then nothing was noted */
function noteProgress(
  connection: Connection,
  { file, from, to }: ImportProgress,
  now: number,
): number | undefined {
  const before = connection.get(LINE, file) as { line: number } | undefined;
  const { line } = before ?? { line: 0 };
  if (line !== from) return line;
  if (!before) connection.run(FORGET, connection.trusted(now) - IMPORT_MEMORY_MS);
  connection.run(NOTE_LINE, file, to, now);
  // Those of files that are forgotten, too.
  if (!before || to === 0) connection.run(FORGET_REFUSED, file);
  return undefined;
}

function noteRefused(
  connection: Connection,
  file: string,
  jobs: readonly ImportedJob[],
  outcomes: readonly ImportOutcome[],
): void {
  for (const [i, outcome] of outcomes.entries())
    if (isRefused(outcome)) connection.run(NOTE_REFUSED, file, jobs[i]?.line ?? 0);
}

/** Lines that are not noted as refused were imported by another call. */
function retryChunk(
  connection: Connection,
  jobs: readonly ImportedJob[],
  { file, onExisting }: { readonly file: string; readonly onExisting: OnExisting },
  now: number,
): ImportOutcome[] {
  return jobs.map((job) => {
    const { line = 0 } = job;
    if (!connection.get(IS_REFUSED, file, line)) return 'before';
    const outcome = importOne(connection, job, onExisting, now);
    if (!isRefused(outcome)) connection.run(DELETE_REFUSED, file, line);
    return outcome;
  });
}

function importChunk(
  connection: Connection,
  chunk: readonly ImportedJob[],
  onExisting: OnExisting,
  now: number,
): ImportOutcome[] {
  const outcomes: ImportOutcome[] = [];
  for (let i = 0; i < chunk.length; i += ROWS) {
    const jobs = chunk.slice(i, i + ROWS);
    const isPlain = jobs.length === ROWS && jobs.every((job) => isBare(job) && !isOver(job, now));
    const isDone = isPlain && insertNew(connection, jobs, now);
    outcomes.push(...jobs.map((job) => (isDone ? 'imported' : importOne(connection, job, onExisting, now))));
  }
  return outcomes;
}

/** A job in line that consists of its row only. */
const isBare = (job: ImportedJob): boolean => !job.death && !job.was && !extrasOf(job);

/** Adds jobs if all their ids are new; otherwise adds none of them. @returns whether it did */
function insertNew(connection: Connection, jobs: readonly ImportedJob[], now: number): boolean {
  const values: Value[] = [];
  for (const job of jobs) values.push(...toRow(job, IN_LINE, now));
  try {
    connection.run(INSERT_ROWS, ...values);
    return true;
  } catch (error) {
    if (isNotUnique(error)) return false;
    throw error;
  }
}

function importOne(
  connection: Connection,
  job: ImportedJob,
  onExisting: OnExisting,
  now: number,
): ImportOutcome {
  if (isOver(job, now)) return 'expired';
  if (job.death) return importLetter(connection, job, job.death, now);
  if (insert(connection, job, IN_LINE, now) !== undefined) return 'imported';
  const { outcome } = settleExisting(connection, job, job.was ? 'refuse' : onExisting, now);
  if (outcome !== 'pushed' && outcome !== 'replaced')
    return mayWait(job, outcome) ? importWaiting(connection, job, now) : outcome;
  insert(connection, job, IN_LINE, now);
  return outcome === 'pushed' ? 'imported' : outcome;
}

/**
 * A job that was leased may have been imported before, and then it is in line. One that waited is another one than the
 * one in line, whatever that holds.
 */
const mayWait = ({ was }: ImportedJob, outcome: Settled): boolean =>
  was === 'waiting' || (was === 'leased' && outcome !== 'repeated');

/** There may be several dead letters of one id. */
function importLetter(
  connection: Connection,
  job: ImportedJob,
  death: NonNullable<ImportedJob['death']>,
  now: number,
): ImportOutcome {
  const { failedAtMs = now, deadUntilMs, reason } = death;
  if (connection.get(SAME_LETTER, job.id, job.topic, job.body, failedAtMs)) return 'repeated';
  const seq = insert(connection, { ...job, dueAtMs: job.dueAtMs ?? failedAtMs }, DEAD, now);
  letLieDead(connection, seq ?? 0, { failedAt: failedAtMs, deadUntil: deadUntilMs, reason });
  return 'imported';
}

/** It waits for the job of its id that is here. */
function importWaiting(connection: Connection, job: ImportedJob, now: number): ImportOutcome {
  if (connection.get(SAME_WAITING, job.id, job.topic, job.body, job.dueAtMs ?? now)) return 'repeated';
  letWait(connection, insert(connection, job, WAITING, now) ?? 0, job.dueAtMs ?? now, now);
  return 'imported';
}

/** @returns its number; undefined when its id is in line */
function insert(connection: Connection, job: ImportedJob, state: number, now: number): number | undefined {
  const extras = extrasOf(job);
  const added = connection.get(INSERT, ...toRow(job, state, now, extras)) as { seq: number } | undefined;
  if (added && extras) writeExtras(connection, [{ seq: added.seq, extras }]);
  return added?.seq;
}

function toRow(job: ImportedJob, state: number, now: number, extras?: ExtrasRow): Value[] {
  const { attempts, dueAtMs: place = now, topic, id, body } = job;
  const expiresMs = expiryOf(job, now);
  // The default where it would have expired before it was due, as a bucket of an original client may.
  const known = expiresMs > place ? expiresMs - place : DEFAULT_TTL_MS;
  const ttlMs = job.ttlMs ?? (expiresMs < LAST_TIME_MS ? known : LAST_TIME_MS);
  return [
    ...[state, attempts, place, expiresMs, ttlMs === DEFAULT_TTL_MS ? null : ttlMs],
    ...[topic, id, body, extras ? 1 : null],
  ];
}

/** The ready lifetime of a job that was leased stood still meanwhile. */
function expiryOf(job: ImportedJob, now: number): number {
  const { dueAtMs = now, expiresAtMs, ttlMs, leasedAtMs = now } = job;
  const at = expiresAtMs ?? (ttlMs === undefined ? LAST_TIME_MS : dueAtMs + ttlMs);
  return Math.min(at + Math.max(0, now - leasedAtMs), LAST_TIME_MS);
}

/** Is its ready lifetime over, or, for a dead letter, the time for which it was kept? */
function isOver(job: ImportedJob, now: number): boolean {
  if (job.death) return job.death.deadUntilMs !== undefined && job.death.deadUntilMs <= now;
  return expiryOf(job, now) <= now;
}

/** The extras of a job; undefined when it has none. */
function extrasOf({ retries, backoff, key, history = [] }: ImportedJob): ExtrasRow | undefined {
  if (retries === undefined && !backoff && key === undefined && history.length === 0) return undefined;
  const past = history.map(({ startedAt, endedAt, ...rest }) => ({
    ...{ attempt: rest.attempt, startedAt: startedAt?.getTime(), endedAt: endedAt.getTime() },
    ...rest,
  }));
  return {
    retries: retries ?? null,
    firstMs: backoff?.firstMs ?? null,
    lastMs: backoff?.lastMs ?? null,
    extrasKey: key ?? null,
    history: past.length === 0 ? null : formatPast(past),
  };
}

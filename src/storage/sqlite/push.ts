import type { NewJob } from '../../core/job.js';
import type { OnExisting, PushResult } from '../../core/store.js';
import type { Value } from './driver.js';
import { clearInPassing } from './expiry.js';
import { isNotUnique } from './errors.js';
import type { Session } from './connection.js';

/** One transaction takes in so many jobs, or so many bytes of bodies: it stays under some 50 ms. */
const CHUNK_JOBS = 1000;
const CHUNK_BYTES = 4 * 1024 * 1024;

/** The last moment that a Date can hold (ms); a job that would expire later expires then. */
const LAST_MOMENT = 8.64e15;

/**
 * Jobs that one statement takes in, where all of them are new: a statement a job costs twice as much, and
 * a longer one hardly less.
 */
const ROWS = 25;

const INTO = 'INSERT INTO job (due_at, expires_at, topic, id, body) VALUES';
const INSERT = `${INTO} (?, ?, ?, ?, ?) ON CONFLICT (id) WHERE leased = 0 DO NOTHING`;
const INSERT_ROWS = `${INTO} ${Array(ROWS).fill('(?, ?, ?, ?, ?)').join(', ')}`;

const EXISTING = `
SELECT seq, due_at AS dueAt, expires_at AS expiresAt, topic = ? AND body = ? AS same
FROM job WHERE id = ? AND leased = 0`;

const DELETE = 'DELETE FROM job WHERE seq = ?';

/** Takes jobs in, each by itself. */
export async function push(
  session: Session,
  jobs: readonly NewJob[],
  onExisting: OnExisting,
): Promise<PushResult[]> {
  const results: PushResult[] = [];
  for (const chunk of chunksOf(jobs)) {
    const done = await session.write((now) => {
      clearInPassing(session, now, chunk.length);
      return pushChunk(session, chunk, onExisting, now);
    });
    results.push(...done);
  }
  return results;
}

function pushChunk(
  session: Session,
  chunk: readonly NewJob[],
  onExisting: OnExisting,
  now: number,
): PushResult[] {
  const results: PushResult[] = [];
  for (let i = 0; i < chunk.length; i += ROWS) {
    const jobs = chunk.slice(i, i + ROWS);
    const done = jobs.length === ROWS ? pushNew(session, jobs, now) : undefined;
    results.push(...(done ?? jobs.map((job) => pushOne(session, job, onExisting, now))));
  }
  return results;
}

/** Takes in jobs whose ids are all new; otherwise none of them, and answers nothing. */
function pushNew(session: Session, jobs: readonly NewJob[], now: number): PushResult[] | undefined {
  const rows = jobs.map((job) => toRow(job, now));
  const values: Value[] = [];
  // `flat` would take as long as a tenth of the push.
  for (const row of rows) values.push(...row);
  try {
    session.run(INSERT_ROWS, ...values);
  } catch (error) {
    if (isNotUnique(error)) return undefined;
    throw error;
  }
  return rows.map(([dueMs]) => ({ outcome: 'pushed', dueAt: new Date(dueMs) }));
}

type Row = [dueMs: number, expiresMs: number, topic: Buffer, id: Buffer, body: Buffer];

function toRow({ due, expiresAtMs, ttlMs, topic, id, body }: NewJob, now: number): Row {
  const dueMs = 'delayMs' in due ? now + due.delayMs : Math.max(now, due.atMs);
  return [dueMs, Math.min(expiresAtMs ?? dueMs + ttlMs, LAST_MOMENT), topic, id, body];
}

function pushOne(session: Session, job: NewJob, onExisting: OnExisting, now: number): PushResult {
  const row = toRow(job, now);
  const insert = () => session.run(INSERT, ...row) === 1;
  const dueAt = new Date(row[0]);
  if (insert()) return { outcome: 'pushed', dueAt };

  const existing = session.get(EXISTING, job.topic, job.body, job.id) as {
    seq: number;
    dueAt: number;
    expiresAt: number;
    same: 0 | 1;
  };
  const dead = existing.expiresAt <= now;
  if (dead || onExisting === 'replace') {
    // A new row, for a replaced job loses its place and its attempts.
    session.run(DELETE, existing.seq);
    insert();
    return { outcome: dead ? 'pushed' : 'replaced', dueAt };
  }
  const outcome = existing.same === 1 ? 'repeated' : onExisting === 'keep' ? 'kept' : 'conflict';
  return { outcome, dueAt: new Date(existing.dueAt) };
}

function* chunksOf(jobs: readonly NewJob[]): Generator<NewJob[]> {
  let chunk: NewJob[] = [];
  let bytes = 0;
  for (const job of jobs) {
    if (chunk.length >= CHUNK_JOBS || (bytes > 0 && bytes + job.body.length > CHUNK_BYTES)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(job);
    bytes += job.body.length;
  }
  if (chunk.length > 0) yield chunk;
}

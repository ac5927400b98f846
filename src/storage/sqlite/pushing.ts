import type { NewJob } from '../../core/job.js';
import type { OnExisting, PushResult } from '../../core/store.js';
import { clearInPassing } from './expiry.js';
import type { Session } from './session.js';

/** One transaction takes in so many jobs, or so many bytes of bodies: it stays under some 50 ms. */
const CHUNK_JOBS = 1000;
const CHUNK_BYTES = 4 * 1024 * 1024;

/** The last moment that a Date can hold (ms); a job that would expire later expires then. */
const LAST_MOMENT = 8.64e15;

const INSERT = `
INSERT INTO job (due_at, expires_at, topic, id, body) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (id) WHERE leased = 0 DO NOTHING`;

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
      return chunk.map((job) => pushOne(session, job, onExisting, now));
    });
    results.push(...done);
  }
  return results;
}

function pushOne(session: Session, job: NewJob, onExisting: OnExisting, now: number): PushResult {
  const dueMs = 'delayMs' in job.due ? now + job.due.delayMs : Math.max(now, job.due.atMs);
  const expiresMs = Math.min(job.expiresAtMs ?? dueMs + job.ttlMs, LAST_MOMENT);
  const insert = () => session.run(INSERT, dueMs, expiresMs, job.topic, job.id, job.body) === 1;
  const dueAt = new Date(dueMs);
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

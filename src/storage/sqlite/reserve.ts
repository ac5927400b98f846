import type { Job, LeasedJob } from '../../core/job.js';
import type { Popped, Taken, TakeRequest } from '../../core/store.js';
import { clearInPassing } from './expiry.js';
import { deleteJobs, HELD_JOBS, hold, leaseName, nextLeaseEnd, reclaim } from './lease.js';
import { bytesOf, type Session } from './connection.js';

/** Jobs in one answer; their bodies stay under TAKE_BYTES, but one is always given. */
export const TAKE_LIMIT = 500;
const TAKE_BYTES = 1024 * 1024;
/** Leases that ran out and are taken back in one transaction. */
const RECLAIM_LIMIT = 500;
/** Bodies up to this size come with the others, 500 of them in 1 MiB; longer ones are asked for one by one. */
const SHORT_BODY_BYTES = 2048;

const shortBody = (otherwise: string) => `iif(length(body) <= ${SHORT_BODY_BYTES}, body, ${otherwise})`;

/**
 * The jobs at the head of a line, packed into one row: the bytes of all ids and bodies in one piece
 * each. To take over a row and two pieces of bytes a job would take three times as long. What is
 * concatenated is in the order of the inner select.
 */
const HEAD = `
SELECT
  '[' || group_concat(concat_ws(',', seq, due_at, expires_at, attempts, length(id), length(body))) || ']' AS numbers,
  CAST(group_concat(id, '') AS BLOB) AS ids,
  CAST(group_concat(${shortBody("x''")}, '') AS BLOB) AS bodies
FROM (
  SELECT seq, id, due_at, expires_at, attempts, body FROM job
  WHERE topic = ? AND leased = 0 AND due_at <= ? ORDER BY due_at, seq LIMIT ? + 0
)`;
const TAKEN_BEFORE = `
SELECT
  job.seq, job.id, job.due_at AS dueAt, job.expires_at AS expiresAt, job.attempts,
  ${shortBody('NULL')} AS body, held.key + 1 AS number, ends_at AS endsAt
FROM ${HELD_JOBS} WHERE token = ? ORDER BY held.key`;
const IS_TAKEN = 'SELECT 1 FROM lease WHERE token = ?';
const BODY = 'SELECT body FROM job WHERE seq = ?';
const NEXT_DUE = `
SELECT due_at AS at FROM job WHERE topic = ? AND leased = 0 AND due_at > ? ORDER BY due_at LIMIT 1`;

interface Row {
  readonly seq: number;
  readonly id: Uint8Array;
  readonly dueAt: number;
  readonly expiresAt: number;
  readonly attempts: number;
  /** Absent when it is long. */
  readonly body: Uint8Array | null;
}

interface HeadRow extends Row {
  /** Of the body, in bytes. */
  readonly size: number;
}

/** What HEAD answers; null when there is no job. */
interface Packed {
  readonly numbers: string | null;
  readonly ids: Uint8Array | null;
  readonly bodies: Uint8Array | null;
}

/**
 * Takes the jobs of a topic that are due first, for good. An answer of this store is not lost on its
 * way, so one transaction does.
 */
export async function pop(session: Session, topic: Buffer, limit: number): Promise<Popped> {
  for (;;) {
    const { more, ...popped } = await session.write((now) => {
      const { rows, more, nextInMs } = step(session, topic, limit, now);
      const jobs = rows.map((row) => toJob(session, row, topic));
      deleteJobs(
        session,
        rows.map(({ seq }) => seq),
      );
      return { jobs, more, nextInMs };
    });
    if (popped.jobs.length > 0 || !more) return popped;
  }
}

/** Leases the jobs of a topic that are due first. */
export async function take(session: Session, request: TakeRequest): Promise<Taken> {
  const { topic, limit, token, leaseMs } = request;
  for (;;) {
    const { more, ...taken } = await session.writeSoon((now) => {
      const before = takenBefore(session, request);
      if (before.length > 0) return { jobs: before, more: false };
      const { rows, more, nextInMs } = step(session, topic, limit, now);
      const endsAt = now + leaseMs;
      if (rows.length > 0) {
        const seqs = rows.map(({ seq }) => seq);
        hold(session, token, seqs, endsAt);
      }
      const until = new Date(endsAt);
      const jobs = rows.map((row, i) => toLeasedJob(session, row, topic, { token, number: i + 1, until }));
      return { jobs, more, nextInMs };
    });
    if (taken.jobs.length > 0 || !more) return taken;
  }
}

/** When the next job of the topic is due or the next lease ends (ms), later than `now`; Infinity when none is waiting. */
export function nextEvent(session: Session, topic: Buffer, now: number): number {
  const due = session.get(NEXT_DUE, topic, now) as { at: number } | undefined;
  return Math.min(due?.at ?? Infinity, nextLeaseEnd(session));
}

/** How a moment is given to the caller: from now, and nothing when it never comes. */
export function msUntil(at: number, now: number): number | undefined {
  return at < Infinity ? Math.max(0, at - now) : undefined;
}

/**
 * Within a transaction: the jobs that can be taken, after some keeping. It may find nothing but dead
 * ones, and then there may be more behind them.
 */
function step(
  session: Session,
  topic: Buffer,
  limit: number,
  now: number,
): { rows: Row[]; more: boolean; nextInMs: number | undefined } {
  const reclaimed = reclaim(session, now, RECLAIM_LIMIT);
  clearInPassing(session, now, 0);
  const { rows, more } = head(session, topic, limit, now);
  // Who has got jobs does not wait.
  const nextInMs = rows.length > 0 ? undefined : msUntil(nextEvent(session, topic, now), now);
  return { rows, more: more || reclaimed.more, nextInMs };
}

/** The same token again means that the answer was lost on its way: give the same one. */
function takenBefore(session: Session, request: TakeRequest): LeasedJob[] {
  if (!session.get(IS_TAKEN, request.token)) return [];
  const rows = session.all(TAKEN_BEFORE, request.token) as (Row & { number: number; endsAt: number })[];
  const { topic, token } = request;
  return rows.map((row) => {
    const until = new Date(row.endsAt);
    return toLeasedJob(session, row, topic, { token, number: row.number, until });
  });
}

/**
 * The first live jobs that fit into one answer. Dead ones before them are cleared away; where there are
 * none but dead ones, it looks once more, further.
 */
function head(session: Session, topic: Buffer, limit: number, now: number): { rows: Row[]; more: boolean } {
  let dead = false;
  for (const window of [Math.min(limit, TAKE_LIMIT), TAKE_LIMIT]) {
    const found = unpack(session.get(HEAD, topic, now, window) as Packed);
    const rows = fitting(found.filter(({ expiresAt }) => expiresAt > now));
    const expired = found.filter(({ expiresAt }) => expiresAt <= now);
    deleteJobs(
      session,
      expired.map(({ seq }) => seq),
    );
    dead = rows.length === 0 && found.length === window;
    if (!dead) return { rows: rows.slice(0, limit), more: false };
  }
  return { rows: [], more: dead };
}

function unpack({ numbers, ids, bodies }: Packed): HeadRow[] {
  const rows: HeadRow[] = [];
  if (numbers === null || ids === null || bodies === null) return rows;
  const given = JSON.parse(numbers) as number[];
  const number = (i: number) => given[i] ?? 0;
  const [allIds, allBodies] = [bytesOf(ids), bytesOf(bodies)];
  let [idAt, bodyAt] = [0, 0];
  for (let i = 0; i < given.length; i += 6) {
    const size = number(i + 5);
    rows.push({
      seq: number(i),
      dueAt: number(i + 1),
      expiresAt: number(i + 2),
      attempts: number(i + 3),
      id: allIds.subarray(idAt, (idAt += number(i + 4))),
      size,
      body: size <= SHORT_BODY_BYTES ? allBodies.subarray(bodyAt, (bodyAt += size)) : null,
    });
  }
  return rows;
}

function fitting(rows: readonly HeadRow[]): HeadRow[] {
  let bytes = 0;
  const end = rows.findIndex(({ size }) => (bytes += size) > TAKE_BYTES && bytes > size);
  return end < 0 ? [...rows] : rows.slice(0, end);
}

const bodyOf = (session: Session, row: Row): Buffer =>
  bytesOf(row.body ?? (session.get(BODY, row.seq) as { body: Uint8Array }).body);

/** A job as it is handed over: the time it is out now is one of its attempts. */
function toJob(session: Session, row: Row, topic: Buffer): Job {
  return {
    id: bytesOf(row.id),
    topic,
    body: bodyOf(session, row),
    state: 'ready',
    dueAt: new Date(row.dueAt),
    expiresAt: new Date(row.expiresAt),
    attempts: row.attempts + 1,
  };
}

/** The same under a lease. Written out, for drain makes tens of thousands of these a second. */
function toLeasedJob(
  session: Session,
  row: Row,
  topic: Buffer,
  lease: { token: string; number: number; until: Date },
): LeasedJob {
  return {
    id: bytesOf(row.id),
    topic,
    body: bodyOf(session, row),
    state: 'leased',
    dueAt: new Date(row.dueAt),
    expiresAt: new Date(row.expiresAt),
    attempts: row.attempts + 1,
    lease: leaseName(lease),
    leaseUntil: lease.until,
  };
}

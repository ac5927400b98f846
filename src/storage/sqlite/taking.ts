import type { LeasedJob } from '../../core/job.js';
import type { Taken, TakeRequest } from '../../core/store.js';
import { clearInPassing } from './expiry.js';
import { deleteJobs, HELD_JOBS, hold, leaseName, nextLeaseEnd, reclaim } from './leases.js';
import { bytesOf, type Session } from './session.js';

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
  group_concat(concat_ws(' ', seq, due_at, expires_at, attempts, length(id), length(body)), ' ') AS numbers,
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

/** Leases the jobs of a topic that are due first. */
export async function take(session: Session, request: TakeRequest): Promise<Taken> {
  for (;;) {
    const { more, ...taken } = await session.writeSoon((now) => step(session, request, now));
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

/** One transaction: it may find nothing but dead jobs, and then there may be more behind them. */
function step(session: Session, request: TakeRequest, now: number): Taken & { more: boolean } {
  const before = takenBefore(session, request);
  if (before.length > 0) return { jobs: before, more: false };
  const reclaimed = reclaim(session, now, RECLAIM_LIMIT);
  clearInPassing(session, now, 0);
  const { rows, more } = head(session, request, now);
  const endsAt = now + request.leaseMs;
  if (rows.length > 0) {
    const seqs = rows.map(({ seq }) => seq);
    hold(session, request.token, seqs, endsAt);
  }
  const jobs = rows.map((row, i) => toJob(session, row, request, i + 1, endsAt));
  const next = nextEvent(session, request.topic, now);
  return { jobs, nextInMs: msUntil(next, now), more: more || reclaimed.more };
}

/** The same token again means that the answer was lost on its way: give the same one. */
function takenBefore(session: Session, request: TakeRequest): LeasedJob[] {
  if (!session.get(IS_TAKEN, request.token)) return [];
  const rows = session.all(TAKEN_BEFORE, request.token) as (Row & { number: number; endsAt: number })[];
  return rows.map((row) => toJob(session, row, request, row.number, row.endsAt));
}

/**
 * The first live jobs that fit into one answer. Dead ones before them are cleared away; where there are
 * none but dead ones, it looks once more, further.
 */
function head(session: Session, request: TakeRequest, now: number): { rows: HeadRow[]; more: boolean } {
  let dead = false;
  for (const window of [Math.min(request.limit, TAKE_LIMIT), TAKE_LIMIT]) {
    const found = unpack(session.get(HEAD, request.topic, now, window) as Packed);
    const rows = fitting(found.filter(({ expiresAt }) => expiresAt > now));
    const expired = found.filter(({ expiresAt }) => expiresAt <= now);
    deleteJobs(
      session,
      expired.map(({ seq }) => seq),
    );
    dead = rows.length === 0 && found.length === window;
    if (!dead) return { rows: rows.slice(0, request.limit), more: false };
  }
  return { rows: [], more: dead };
}

function unpack({ numbers, ids, bodies }: Packed): HeadRow[] {
  const rows: HeadRow[] = [];
  if (numbers === null || ids === null || bodies === null) return rows;
  const given = numbers.split(' ').map(Number);
  let [idAt, bodyAt] = [0, 0];
  for (let i = 0; i < given.length; i += 6) {
    const [seq = 0, dueAt = 0, expiresAt = 0, attempts = 0, idSize = 0, size = 0] = given.slice(i, i + 6);
    const id = ids.subarray(idAt, (idAt += idSize));
    const body = size <= SHORT_BODY_BYTES ? bodies.subarray(bodyAt, (bodyAt += size)) : null;
    rows.push({ seq, id, dueAt, expiresAt, attempts, size, body });
  }
  return rows;
}

function fitting(rows: readonly HeadRow[]): HeadRow[] {
  let bytes = 0;
  const end = rows.findIndex(({ size }) => (bytes += size) > TAKE_BYTES && bytes > size);
  return end < 0 ? [...rows] : rows.slice(0, end);
}

function toJob(
  session: Session,
  row: Row,
  { topic, token }: TakeRequest,
  number: number,
  endsAt: number,
): LeasedJob {
  const body = row.body ?? (session.get(BODY, row.seq) as { body: Uint8Array }).body;
  return {
    id: bytesOf(row.id),
    topic,
    body: bytesOf(body),
    state: 'leased',
    dueAt: new Date(row.dueAt),
    expiresAt: new Date(row.expiresAt),
    attempts: row.attempts + 1,
    lease: leaseName({ token, number }),
    leaseUntil: new Date(endsAt),
  };
}

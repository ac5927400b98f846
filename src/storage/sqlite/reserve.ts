import type { Job, LeasedJob } from '../../core/job.js';
import { formatLease } from '../../core/lease.js';
import type { Popped, Reserved } from '../../core/results.js';
import type { PopParams, ReserveParams } from '../../core/store.js';
import { nextEvent, readAgenda } from './agenda.js';
import type { Connection } from './connection.js';
import { clearOnReserve } from './expire.js';
import { ANSWER_JOBS, bodyOf, readHead, type ReadyRow, shortBody } from './head.js';
import { LEASE_COLUMNS, LEASED_JOBS, leaseJobs, leaseOf } from './lease.js';
import { reclaim } from './maintain.js';
import { endPauses, openTopics } from './pause.js';
import { bytesOf, dateOf, deleteJobs, DUE_AT, LAST_TIME_MS, msUntil } from './rows.js';
import { CallOver } from './write-queue.js';

const IS_RESERVED = 'SELECT 1 FROM lease WHERE token = ?';
const RESERVED_BEFORE = `
SELECT
  job.seq, job.topic, job.id, ${DUE_AT} AS dueAt, job.expires_at AS expiresAt, job.attempts,
  ${shortBody('NULL')} AS body, ${LEASE_COLUMNS}
FROM ${LEASED_JOBS} WHERE token = ? ORDER BY held.key`;

/** What a step has found, and what {@link Popped} tells beside the jobs. */
interface Found {
  readonly rows: readonly ReadyRow[];
  /** It found none, and there may be ready ones behind the expired ones that it has cleared away. */
  readonly more: boolean;
  readonly nextInMs?: number | undefined;
  readonly isPaused?: boolean | undefined;
}

/** The same with the jobs as they are given. */
interface Step<T> extends Omit<Found, 'rows'> {
  readonly jobs: T[];
}

/**
 * Takes the jobs that are due first, for good. An answer of this store is not lost on its way, so one
 * transaction does.
 */
export function pop(connection: Connection, params: PopParams): Promise<Popped> {
  const { topics, limit } = params;
  return untilFound<Job>(() =>
    connection.writeLess((now) => {
      const { rows, ...rest } = findReady(connection, topics, limit, now);
      const jobs = rows.map((row) => toJob(connection, row));
      deleteJobs(
        connection,
        rows.map(({ seq }) => seq),
      );
      return { jobs, ...rest };
    }, params),
  );
}

/** Leases the jobs that are due first. */
export function reserve(connection: Connection, params: ReserveParams): Promise<Reserved> {
  return untilFound<LeasedJob>(() =>
    connection.writeSoon((now) => reserveOnce(connection, params, now), params),
  );
}

/** Takes steps until one has found jobs, or there are none; also when the caller waits no longer. */
async function untilFound<T>(step: () => Promise<Step<T>>): Promise<Omit<Step<T>, 'more'>> {
  try {
    for (;;) {
      const { more, ...found } = await step();
      if (found.jobs.length > 0 || !more) return found;
    }
  } catch (error) {
    // Nothing was taken.
    if (error instanceof CallOver) return { jobs: [] };
    throw error;
  }
}

function reserveOnce(
  connection: Connection,
  { topics, limit, token, leaseMs }: ReserveParams,
  now: number,
): Step<LeasedJob> {
  const before = reservedBefore(connection, token);
  if (before.length > 0) return { jobs: before, more: false };
  const { rows, ...rest } = findReady(connection, topics, limit, now);
  const deadlineMs = Math.min(now + leaseMs, LAST_TIME_MS);
  if (rows.length > 0) {
    const seqs = rows.map(({ seq }) => seq);
    leaseJobs(connection, token, seqs, now, deadlineMs);
  }
  const leaseUntil = new Date(deadlineMs);
  const jobs = rows.map((row, i) => {
    const lease = formatLease({ token, number: i + 1, count: rows.length, deadlineMs });
    return toLeasedJob(connection, row, lease, leaseUntil);
  });
  return { jobs, ...rest };
}

/** Within a transaction: the jobs that can be taken, after some maintenance. */
function findReady(connection: Connection, topics: readonly Buffer[], limit: number, now: number): Found {
  let agenda = readAgenda(connection);
  const isDue = Math.min(agenda.leaseEnd, agenda.waitingAgain) <= now;
  const { more: hasEnded } = isDue ? reclaim(connection, agenda, now) : { more: false };
  clearOnReserve(connection, agenda, now);
  if (agenda.pauseEnd <= now) endPauses(connection, now);
  const { open, pauseEnd } = openTopics(connection, agenda, topics, now);
  const { rows, more } = readHeads(connection, open, Math.min(limit, ANSWER_JOBS), now);
  // Whoever has got jobs does not wait.
  if (rows.length > 0) return { rows, more };
  if (isDue) agenda = readAgenda(connection);
  const next = nextEvent(connection, agenda, open, now);
  const nextInMs = msUntil(Math.min(next, pauseEnd), now);
  if (open.length === 0) return { rows, more: false, nextInMs, isPaused: true };
  return { rows, more: more || hasEnded, nextInMs };
}

/** Fills the answer with the jobs of the first topic, then with those of the next. */
function readHeads(
  connection: Connection,
  topics: readonly Buffer[],
  limit: number,
  now: number,
): { rows: readonly ReadyRow[]; more: boolean } {
  const [only] = topics;
  if (topics.length === 1 && only) return readHead(connection, only, limit, 0, now);
  const rows: ReadyRow[] = [];
  let bytes = 0;
  for (const topic of topics) {
    const head = readHead(connection, topic, limit - rows.length, bytes, now);
    rows.push(...head.rows);
    bytes += head.bytes;
    // What stands behind cleared jobs goes before the next topic.
    if (head.more || head.isFull || rows.length >= limit) return { rows, more: head.more };
  }
  return { rows, more: false };
}

/** The same token again means that the answer was lost on its way: give the same one. */
function reservedBefore(connection: Connection, token: string): LeasedJob[] {
  if (!connection.get(IS_RESERVED, token)) return [];
  const rows = connection.all(RESERVED_BEFORE, token) as (ReadyRow & Parameters<typeof leaseOf>[0])[];
  return rows.map((row) => {
    const { lease, leaseUntil } = leaseOf(row);
    return toLeasedJob(connection, row, lease, leaseUntil);
  });
}

/** A job as it is delivered: the attempt that is under way counts. */
function toJob(connection: Connection, row: ReadyRow): Job {
  return {
    id: bytesOf(row.id),
    topic: bytesOf(row.topic),
    body: bodyOf(connection, row),
    state: 'ready',
    dueAt: dateOf(row.dueAt),
    expiresAt: dateOf(row.expiresAt),
    attempts: row.attempts + 1,
  };
}

/** The same under a lease. Written out, for a worker makes tens of thousands of these a second. */
function toLeasedJob(connection: Connection, row: ReadyRow, lease: string, leaseUntil: Date): LeasedJob {
  return {
    id: bytesOf(row.id),
    topic: bytesOf(row.topic),
    body: bodyOf(connection, row),
    state: 'leased',
    dueAt: dateOf(row.dueAt),
    expiresAt: dateOf(row.expiresAt),
    attempts: row.attempts + 1,
    lease,
    leaseUntil,
    key: lease,
  };
}

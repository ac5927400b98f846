import type { Job, LeasedJob } from '../../core/job.js';
import { formatLeases } from '../../core/lease-groups.js';
import type { Burial, Popped, Reserved } from '../../core/results.js';
import type { CallLimits, PopParams, ReserveParams } from '../../core/store.js';
import { isTimeOver } from '../../core/timer.js';
import type { Connection } from './connection.js';
import { bodyOf, readFirst, type ReadyRow, shortBody } from './head.js';
import { LEASE_COLUMNS, LEASED_JOBS, leaseJobs, leaseOf } from './lease.js';
import { takeLock } from './lock.js';
import { toldBurials } from './maintain.js';
import { dropExtras, EXTRAS_COLUMNS, EXTRAS_OF_JOB, type ExtrasRow, settingsOf } from './extras.js';
import { findReady, type Ready } from './ready.js';
import { bytesOf, dateOf, deleteJobs, DUE_AT, expiryDate, LAST_TIME_MS, msUntil } from './rows.js';
import { CallOver } from './write-queue.js';

const IS_RESERVED = 'SELECT 1 FROM lease WHERE token = ?';
const RESERVED_BEFORE = `
SELECT
  job.seq, job.topic, job.id, ${DUE_AT} AS dueAt, job.expires_at AS expiresAt, job.attempts,
  ${shortBody('NULL')} AS body, ${LEASE_COLUMNS}, ${EXTRAS_COLUMNS}
FROM ${LEASED_JOBS} ${EXTRAS_OF_JOB} WHERE token = ? ORDER BY held.key`;

/** What a step has found, with the jobs as they are given. */
interface Step<T> extends Omit<Ready, 'rows' | 'extras'> {
  readonly jobs: T[];
  readonly isLocked?: boolean | undefined;
}

/**
 * Takes the jobs that are due first, for good. An answer of this store is not lost on its way, so one
 * transaction does.
 */
export function pop(connection: Connection, params: PopParams): Promise<Popped> {
  return untilFound<Job>(params, () =>
    connection.writeFreeing((now) => {
      const first = popFirst(connection, params, now);
      if (first) return { jobs: [first], more: false };
      const { rows, extras, ...rest } = findReady(connection, params, now);
      const jobs = rows.map((row) => toJob(connection, row, extras.get(row.seq)));
      deleteJobs(
        connection,
        rows.map(({ seq }) => seq),
      );
      if (extras.size > 0) dropExtras(connection, [...extras.keys()]);
      return { jobs, ...rest };
    }, params),
  );
}

/** Within a transaction: the job that a pop of one takes, where nothing else is to be done and the job is an ordinary one. */
function popFirst(connection: Connection, { topics, limit }: PopParams, now: number): Job | undefined {
  const [topic] = topics;
  if (limit !== 1 || topics.length !== 1 || !topic) return undefined;
  if (connection.agenda.whileQuiet(now)?.pauses !== 0) return undefined;
  const row = readFirst(connection, topic, now);
  if (!row) return undefined;
  deleteJobs(connection, [row.seq]);
  connection.agenda.keep();
  return toJob(connection, row, undefined);
}

/** Leases the jobs that are due first. */
export function reserve(connection: Connection, params: ReserveParams): Promise<Reserved> {
  return untilFound<LeasedJob>(params, () =>
    connection.writeSoon((now) => reserveOnce(connection, params, now), params),
  );
}

/** Takes steps until one has found jobs, there are none, or the caller waits no longer. */
async function untilFound<T>(
  limits: CallLimits,
  step: () => Promise<Step<T>>,
): Promise<Omit<Step<T>, 'more'>> {
  const buried: Burial[] = [];
  try {
    for (;;) {
      const { more, ...found } = await step();
      if (found.buried) buried.push(...found.buried);
      if (found.jobs.length > 0 || !more || isTimeOver(limits)) return { ...found, ...toldBurials(buried) };
    }
  } catch (error) {
    // Nothing was taken.
    if (error instanceof CallOver) return { jobs: [], ...toldBurials(buried) };
    throw error;
  }
}

function reserveOnce(connection: Connection, params: ReserveParams, now: number): Step<LeasedJob> {
  const { token, leaseMs, policy, holder, lock } = params;
  const freeAt = lock && takeLock(connection, lock, now);
  if (freeAt !== undefined) return { jobs: [], more: false, isLocked: true, nextInMs: msUntil(freeAt, now) };
  const before = reservedBefore(connection, token);
  if (before.length > 0) return { jobs: before, more: false };
  const { rows, extras, ...rest } = findReady(connection, params, now);
  const deadlineMs = Math.min(now + leaseMs, LAST_TIME_MS);
  if (rows.length > 0) {
    const seqs = rows.map(({ seq }) => seq);
    const hasExtras = extras.size > 0;
    leaseJobs(connection, seqs, { token, reservedAt: now, endsAt: deadlineMs, policy, holder, hasExtras });
  }
  const leaseUntil = new Date(deadlineMs);
  const leases = formatLeases({ token, count: rows.length, deadlineMs });
  const jobs = rows.map((row, i) => {
    const own = extras.get(row.seq);
    const key = own?.extrasKey ?? `${token}.${i + 1}`;
    return toLeasedJob(connection, row, { lease: leases[i] ?? '', leaseUntil, key }, own);
  });
  return { jobs, ...rest };
}

/** The same token again means that the answer was lost on its way: give the same one. */
function reservedBefore(connection: Connection, token: string): LeasedJob[] {
  if (!connection.get(IS_RESERVED, token)) return [];
  const rows = connection.all(RESERVED_BEFORE, token) as (ReadyRow &
    Parameters<typeof leaseOf>[0] &
    ExtrasRow)[];
  return rows.map((row) => {
    const { lease, leaseUntil } = leaseOf(row);
    const key = row.extrasKey ?? `${token}.${row.number}`;
    return toLeasedJob(connection, row, { lease, leaseUntil, key }, row);
  });
}

/** A job as it is delivered: the attempt that is under way counts. */
function toJob(connection: Connection, row: ReadyRow, extras: ExtrasRow | undefined): Job {
  const job: Job = {
    id: bytesOf(row.id),
    topic: bytesOf(row.topic),
    body: bodyOf(connection, row),
    state: 'ready',
    dueAt: dateOf(row.dueAt),
    expiresAt: expiryDate(row.expiresAt),
    attempts: row.attempts + 1,
  };
  return extras ? { ...job, ...settingsOf(extras).own } : job;
}

/** The same under a lease. Written out, for a worker makes tens of thousands of these a second. */
function toLeasedJob(
  connection: Connection,
  row: ReadyRow,
  { lease, leaseUntil, key }: Pick<LeasedJob, 'lease' | 'leaseUntil' | 'key'>,
  extras: ExtrasRow | undefined,
): LeasedJob {
  const job: LeasedJob = {
    id: bytesOf(row.id),
    topic: bytesOf(row.topic),
    body: bodyOf(connection, row),
    state: 'leased',
    dueAt: dateOf(row.dueAt),
    expiresAt: expiryDate(row.expiresAt),
    attempts: row.attempts + 1,
    lease,
    leaseUntil,
    key,
  };
  return extras ? { ...job, ...settingsOf(extras).own } : job;
}

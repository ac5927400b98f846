import type { JobRecord } from '../../../core/job.js';
import { firstKey } from '../../../core/lease.js';
import type { Connection } from '../connection.js';
import type { DeadColumns } from '../dead.js';
import { leaseOf } from '../lease.js';
import { historyOf, EXTRAS_COLUMNS, type ExtrasRow, settingsOf } from '../extras.js';
import {
  bounded,
  boundedTime,
  bytesOf,
  DUE_AT,
  exact,
  EXACT_VALUE,
  expiryDate,
  LAST_TIME_MS,
  stateInLine,
  textOfBytes,
  TTL_MS,
} from '../rows.js';

/** For a SELECT of jobs: the columns of a record, without the body. */
export const JOB_COLUMNS = `
${exact('job.seq')} AS seq, job.id, topic, ${exact('place')} AS exactPlace, ${bounded('place')} AS place,
${boundedTime(DUE_AT)} AS dueAt,
${bounded('expires_at')} AS expiresAt, ${bounded(TTL_MS)} AS ttlMs, ${bounded('attempts')} AS attempts, job.has_extras IS 1 AS hasExtras`;

const EXTRAS = `SELECT ${EXTRAS_COLUMNS} FROM extras WHERE seq = ${EXACT_VALUE}`;

export interface JobRow {
  /** Its number, as text. */
  readonly seq: string;
  readonly id: Uint8Array;
  readonly topic: Uint8Array;
  readonly exactPlace: string;
  readonly place: number;
  readonly dueAt: number;
  readonly expiresAt: number;
  readonly ttlMs: number;
  readonly attempts: number;
  readonly hasExtras: 0 | 1;
}

/** With LEASE_COLUMNS beside it. */
export type LeasedRow = JobRow & Parameters<typeof leaseOf>[0];

/** With DEAD_COLUMNS beside it. */
export type DeadRow = JobRow & DeadColumns;

/** A job in line. */
export function lineRecord(row: JobRow, now: number): JobRecord {
  return { ...toRecord(row), state: stateInLine(row, now), expiresAt: expiryDate(row.expiresAt) };
}

/** A leased job: the attempt that is under way counts. */
export function leasedRecord(row: LeasedRow): JobRecord {
  return {
    ...toRecord(row),
    state: 'leased',
    expiresAt: expiryDate(row.expiresAt),
    attempts: row.attempts + 1,
    ...leaseOf(row),
  };
}

/** A job that is back from a lease while a newer one of its id is in line. */
export function waitingRecord(row: JobRow): JobRecord {
  return {
    ...toRecord(row),
    state: 'delayed',
    expiresAt: expiryDate(row.expiresAt),
    isWaiting: true,
    blockedBy: { type: 'duplicate_id' },
  };
}

/** A dead letter. It does not expire any more. */
export function deadRecord(row: DeadRow): JobRecord {
  return {
    ...toRecord(row),
    state: 'dead',
    reason: row.reason === null ? undefined : textOfBytes(row.reason),
    failedAt: new Date(row.failedAt),
    deadUntil: row.deadUntil === null ? undefined : new Date(row.deadUntil),
  };
}

function toRecord(row: JobRow): Omit<JobRecord, 'state'> {
  return {
    id: bytesOf(row.id),
    topic: bytesOf(row.topic),
    dueAt: new Date(row.dueAt),
    ttlMs: row.ttlMs < LAST_TIME_MS ? Math.max(0, row.ttlMs) : undefined,
    attempts: row.attempts,
  };
}

/** With the job's own retry settings, its history, and its key, which it gets with its first lease. */
export function withExtras(
  connection: Connection,
  { seq, hasExtras }: Pick<JobRow, 'seq' | 'hasExtras'>,
  job: JobRecord,
): JobRecord {
  const extras = hasExtras === 1 ? (connection.get(EXTRAS, seq) as ExtrasRow | undefined) : undefined;
  const key = extras?.extrasKey ?? (job.lease === undefined ? undefined : firstKey(job.lease));
  const named = key === undefined ? job : { ...job, key };
  if (!extras) return named;
  const history = historyOf(extras);
  return { ...named, ...settingsOf(extras).own, ...(history && { history }) };
}

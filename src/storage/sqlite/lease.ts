import { isWholeReservation, type LeaseGroup } from '../../core/lease-groups.js';
import { formatLease } from '../../core/lease.js';
import type { RetryPolicy } from '../../core/retry-policy.js';
import type { Connection } from './connection.js';
import {
  deleteRecord,
  isWholeOf,
  keepRecord,
  type LeaseRecord,
  ownToken,
  readRecord,
  reservationOf,
  takeFrom,
} from './lease-record.js';
import { formatPolicy, type HOLD } from './policy.js';
import { bounded, boundedTime, bytesOf, changeJobs, dateOf, DUE_AT, LEASED } from './rows.js';

/** Leased jobs with their leases, for statements that look at many; `held.key` counts from 0. */
export const LEASED_JOBS = `
lease CROSS JOIN json_each(iif(json_valid(lease.seqs), lease.seqs, '[]')) AS held CROSS JOIN job ON job.seq = held.value`;

/** What {@link leaseOf} needs of them. */
export const LEASE_COLUMNS = `
token, ${bounded('lease.first + held.key')} AS number, ${bounded('jobs')} AS jobs,
${bounded('deadline')} AS deadline, ${boundedTime('reserved_at')} AS reservedAt, ${boundedTime('ends_at')} AS endsAt, holder`;

const INSERT = `
INSERT INTO lease (token, ends_at, reserved_at, deadline, jobs, first, seqs, policy, holder, has_extras)
VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?, ?)`;
const SPLIT_OFF = `
INSERT INTO lease (token, ends_at, reserved_at, deadline, jobs, first, seqs, policy, holder, has_extras)
SELECT ?, ?, reserved_at, deadline, jobs, ?, ?, policy, holder, has_extras FROM lease WHERE token = ?`;
const EXTEND = 'UPDATE lease SET ends_at = ? WHERE token = ?';
const LEASED_IDS = `SELECT token, held.key AS at, job.seq, ${boundedTime(DUE_AT)} AS dueAt, job.id FROM ${LEASED_JOBS}`;

const LEASE = `UPDATE job SET state = ${LEASED}`;

/** A reservation that is being made. */
export interface Reservation {
  readonly token: string;
  readonly reservedAt: number;
  readonly endsAt: number;
  readonly policy: RetryPolicy | typeof HOLD | undefined;
  readonly holder: string | undefined;
  /** Has one of its jobs extras? */
  readonly hasExtras: boolean;
}

/** Jobs of one reservation whose leases have just ended, to be dealt with. */
export interface EndedLeases {
  /** Of the reservation. */
  readonly token: string;
  readonly seqs: readonly number[];
  /** Of each of `seqs` in its reservation. */
  readonly numbers: readonly number[];
  readonly reservedAt: number;
  /** What {@link policyOf} reads. */
  readonly policy: string | null;
  readonly hasExtras: boolean;
}

export interface LeasedId {
  readonly token: string;
  /** Where it stands in its record. */
  readonly at: number;
  readonly seq: number;
  readonly dueAt: number;
  readonly id: Uint8Array;
}

/** The lease string and the end of a job that was selected with LEASE_COLUMNS. */
export function leaseOf(row: {
  readonly token: string;
  readonly number: number;
  readonly jobs: number;
  readonly deadline: number;
  readonly reservedAt: number;
  readonly endsAt: number;
  readonly holder: string | null;
}): { lease: string; leasedAt: Date; leaseUntil: Date; leasedBy: string | undefined } {
  const token = reservationOf(row.token);
  const lease = formatLease({ token, number: row.number, count: row.jobs, deadlineMs: row.deadline });
  const leasedBy = row.holder ?? undefined;
  return { lease, leasedAt: new Date(row.reservedAt), leaseUntil: dateOf(row.endsAt), leasedBy };
}

/** Within a transaction: leases jobs to a reservation that has none. */
export function leaseJobs(connection: Connection, seqs: readonly number[], made: Reservation): void {
  const { token, reservedAt, endsAt, policy, holder, hasExtras } = made;
  changeJobs(connection, LEASE, seqs);
  connection.agenda.addLeaseEnd(endsAt);
  connection.run(
    INSERT,
    ...[token, endsAt, reservedAt, endsAt, seqs.length, JSON.stringify(seqs)],
    ...[policy ? formatPolicy(policy) : null, holder ?? null, hasExtras ? 1 : null],
  );
}

/**
 * Within a transaction: ends leases of one reservation, and leaves their jobs as they are. Answers, in
 * order, whether each was held; one that is named twice ends once.
 */
export function endLeases(connection: Connection, group: LeaseGroup): EndedLeases & { answers: boolean[] } {
  const { token } = group;
  const record = readRecord(connection, token);
  if (record && isWholeReservation(group) && isWholeOf(record, group.count)) {
    deleteRecord(connection, record);
    const { seqs, reservedAt, policy, hasExtras } = record;
    const answers = seqs.map(() => true);
    return { token, seqs, numbers: group.numbers, reservedAt, policy, hasExtras: hasExtras === 1, answers };
  }
  return endEach(connection, group, record);
}

function endEach(
  connection: Connection,
  group: LeaseGroup,
  record: LeaseRecord | undefined,
): EndedLeases & { answers: boolean[] } {
  const { token } = group;
  const [seqs, numbers]: [number[], number[]] = [[], []];
  let of = record;
  const answers = group.numbers.map((number) => {
    let seq = record && takeFrom(record, number - record.first);
    if (seq === undefined) {
      const own = readRecord(connection, ownToken(token, number));
      if (!own) return false;
      seq = takeFrom(own, 0);
      keepRecord(connection, own);
      of = own;
    }
    if (seq === undefined) return false;
    seqs.push(seq);
    numbers.push(number);
    return true;
  });
  if (record?.seqs.includes(null)) keepRecord(connection, record);
  const { reservedAt = 0, policy = null, hasExtras } = of ?? {};
  return { token, seqs, numbers, reservedAt, policy, hasExtras: hasExtras === 1, answers };
}

/**
 * Within a transaction: moves the end of leases of one reservation, and of no other. Answers, in order,
 * whether each was held.
 */
export function extendLeases(connection: Connection, group: LeaseGroup, endsAt: number): boolean[] {
  const { token, numbers } = group;
  const record = readRecord(connection, token);
  const inRecord = (number: number) => typeof record?.seqs[number - record.first] === 'number';
  const together = new Set(numbers.filter(inRecord));
  const answers = numbers.map(
    (number) => together.has(number) || connection.changes(EXTEND, endsAt, ownToken(token, number)) > 0,
  );
  if (!record || together.size === 0) return answers;
  if (together.size === record.seqs.filter((seq) => seq !== null).length)
    connection.run(EXTEND, endsAt, token);
  else splitOff(connection, record, [...together], endsAt);
  return answers;
}

/** Within a transaction: ends a reservation, or split-off lease, whose time is over. */
export function endRecord(
  connection: Connection,
  record: LeaseRecord,
): EndedLeases & { readonly endsAt: number } {
  deleteRecord(connection, record);
  const [seqs, numbers]: [number[], number[]] = [[], []];
  for (const [i, seq] of record.seqs.entries()) {
    if (seq === null) continue;
    seqs.push(seq);
    numbers.push(record.first + i);
  }
  const { reservedAt, endsAt, policy, hasExtras } = record;
  const token = reservationOf(record.token);
  return { token, seqs, numbers, reservedAt, endsAt, policy, hasExtras: hasExtras === 1 };
}

/** Within a transaction: lets all leases of a record go on until `endsAt`. */
export function putOff(connection: Connection, { token }: LeaseRecord, endsAt: number): void {
  connection.run(EXTEND, endsAt, token);
}

/** The leased jobs of these ids, by id as latin1. It looks at every leased job: no index has them. */
export function findLeased(connection: Connection, ids: readonly Buffer[]): Map<string, LeasedId[]> {
  const wanted = new Set(ids.map((id) => id.toString('latin1')));
  const found = new Map<string, LeasedId[]>();
  for (const row of connection.all(LEASED_IDS) as LeasedId[]) {
    const id = bytesOf(row.id).toString('latin1');
    if (!wanted.has(id)) continue;
    const rows = found.get(id);
    if (rows) rows.push(row);
    else found.set(id, [row]);
  }
  return found;
}

/** Within a transaction: ends a lease that `findLeased` has found, and leaves its job as it is. */
export function revokeLease(connection: Connection, { token, at }: LeasedId): void {
  const record = readRecord(connection, token);
  if (!record) return;
  takeFrom(record, at);
  keepRecord(connection, record);
}

function splitOff(
  connection: Connection,
  record: LeaseRecord,
  numbers: readonly number[],
  endsAt: number,
): void {
  const { token, first } = record;
  for (const number of numbers) {
    const seqs = JSON.stringify([takeFrom(record, number - first)]);
    connection.run(SPLIT_OFF, ownToken(token, number), endsAt, number, seqs, token);
  }
  keepRecord(connection, record);
}

import type { Connection } from './connection.js';
import { strangeNumber } from './errors.js';

/** What a reservation has in hand, or what a lease that was split off it has. */
export interface LeaseRecord {
  readonly token: string;
  readonly endsAt: number;
  readonly reservedAt: number;
  /** The number of the job that stands first in `seqs`. */
  readonly first: number;
  /** In the order of delivery; null in the place of a job that is not in this record's hands any more. */
  readonly seqs: (number | null)[];
  /** As `formatPolicy` makes it. */
  readonly policy: string | null;
  /** May one of the jobs have extras? */
  readonly hasExtras: 0 | 1;
}

const COLUMNS =
  'token, ends_at AS endsAt, reserved_at AS reservedAt, first, seqs, policy, has_extras IS 1 AS hasExtras';
const RECORD = `SELECT ${COLUMNS} FROM lease WHERE token = ?`;
const ENDED = `SELECT ${COLUMNS} FROM lease WHERE ends_at <= ? ORDER BY ends_at, token LIMIT 1`;
const KEEP = 'UPDATE lease SET seqs = ? WHERE token = ?';
const DELETE = 'DELETE FROM lease WHERE token = ?';

/** A lease that was extended by itself has a record of its own. */
export const ownToken = (token: string, number: number): string => `${token}.${number}`;
export const reservationOf = (token: string): string => token.split('.', 1)[0] ?? '';

export function readRecord(connection: Connection, token: string): LeaseRecord | undefined {
  return toRecord(connection.get(RECORD, token));
}

/** The first one whose time is over. */
export function readEndedRecord(connection: Connection, now: number): LeaseRecord | undefined {
  return toRecord(connection.get(ENDED, now));
}

function toRecord(found: unknown): LeaseRecord | undefined {
  const row = found as (Omit<LeaseRecord, 'seqs'> & { seqs: string }) | undefined;
  return row && { ...row, seqs: toSeqs(row.seqs) };
}

/** @throws what makes the store mend the row, when no delayer wrote it */
function toSeqs(json: string): (number | null)[] {
  let seqs: unknown;
  try {
    seqs = JSON.parse(json);
  } catch {
    throw strangeNumber();
  }
  if (!Array.isArray(seqs)) throw strangeNumber();
  // So they mostly stand there: a set of them takes as long as the rest of an ack.
  if (areNumbersInOrder(seqs)) return seqs;
  // A number that stands there again is no second job.
  const seen = new Set<unknown>();
  return seqs.map((seq: unknown) => {
    if (!Number.isSafeInteger(seq) || seen.has(seq)) return null;
    seen.add(seq);
    return seq as number;
  });
}

/** Is each a number of a job, greater than the one before? */
function areNumbersInOrder(seqs: unknown[]): seqs is number[] {
  let last = -Infinity;
  for (const seq of seqs) {
    if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq <= last) return false;
    last = seq;
  }
  return true;
}

/** Has it exactly so many jobs in hand, those of the numbers from 1? */
export function isWholeOf(record: LeaseRecord, count: number): record is LeaseRecord & { seqs: number[] } {
  return record.first === 1 && record.seqs.length === count && !record.seqs.includes(null);
}

/** Takes a job out of a record, by its place there; nothing where it is not in its hands. {@link keepRecord} comes after it. */
export function takeFrom({ seqs }: LeaseRecord, at: number): number | undefined {
  const seq = seqs[at];
  if (typeof seq !== 'number') return undefined;
  seqs[at] = null;
  return seq;
}

/** Within a transaction: writes down what is left of a record; it goes with its last job. */
export function keepRecord(connection: Connection, record: LeaseRecord): void {
  const { token, seqs } = record;
  if (seqs.every((seq) => seq === null)) deleteRecord(connection, record);
  else connection.run(KEEP, JSON.stringify(seqs), token);
}

/** Within a transaction. */
export function deleteRecord(connection: Connection, { token }: LeaseRecord): void {
  connection.run(DELETE, token);
}

import type { Attempt } from '../../core/job.js';
import type { Connection } from './connection.js';
import type { EndedLeases } from './lease.js';
import {
  formatPast,
  NO_EXTRAS,
  EXTRAS_COLUMNS,
  EXTRAS_OF_JOB,
  type ExtrasRow,
  type PastAttempt,
  pastOf,
  settingsOf,
  writeExtras,
} from './extras.js';
import { MOST_ATTEMPTS } from './bound-numbers.js';

const FROM = 'FROM json_each(?) AS ended CROSS JOIN job ON job.seq = ended.value';
const COLUMNS = `ended.key AS at, job.seq, min(job.attempts, ${MOST_ATTEMPTS}) + 1 AS attempt`;
const ENDED = `SELECT ${COLUMNS} ${FROM}`;
const ENDED_WITH_EXTRAS = `SELECT ${COLUMNS}, ${EXTRAS_COLUMNS} ${FROM} ${EXTRAS_OF_JOB}`;

/** What a job whose lease has ended adds to the file (bytes), without its history and reason. */
const RETURN_BYTES = 200;

/** How much room (bytes) histories and reasons leave for jobs that come back without them. */
const LEFT_TO_RETURN_BYTES = 96 * 1024;

/** A job whose lease has just ended. */
export interface EndedJob {
  readonly seq: number;
  /** Its position among the jobs that ended with it. */
  readonly at: number;
  /** The number of the attempt that has ended, from 1. */
  readonly attempt: number;
  readonly own: ReturnType<typeof settingsOf>['own'];
  readonly past: PastAttempt[];
  /** Its extras before, including its key. */
  readonly extras: ExtrasRow;
}

/** How an attempt ended, without its number. */
export type AttemptEnd = Omit<Attempt, 'attempt' | 'startedAt' | 'endedAt'> & { readonly endedAt: number };

/**
 * Within a transaction: the jobs of leases that have just ended, in order, without jobs that somebody deleted.
 */
export function readEnded(connection: Connection, ended: EndedLeases): EndedJob[] {
  const { seqs, hasExtras } = ended;
  if (seqs.length === 0) return [];
  type Row = Pick<EndedJob, 'seq' | 'at' | 'attempt'> & Partial<ExtrasRow>;
  const rows = connection.all(hasExtras ? ENDED_WITH_EXTRAS : ENDED, JSON.stringify(seqs)) as Row[];
  return rows.map(({ seq, at, attempt, ...found }) => {
    const extras = { ...NO_EXTRAS, ...found, extrasKey: found.extrasKey ?? firstKey(ended, at) };
    return { seq, at, attempt, extras, own: settingsOf(extras).own, past: pastOf(extras.history) };
  });
}

/** The key of a job whose first lease has just ended. */
const firstKey = ({ token, numbers }: EndedLeases, at: number): string => `${token}.${numbers[at]}`;

/** Adds the attempt that has ended to the history of its job; {@link keepEnded} writes it down. */
export function addAttempt({ past, attempt }: EndedJob, startedAt: number, end: AttemptEnd): void {
  past.push({ attempt, startedAt, ...end });
}

/**
 * Within a transaction: has the disk room to bring back so many jobs whose leases have ended, or to make dead letters
 * of them?
 */
export function hasRoomToReturn(connection: Connection, jobs: number): boolean {
  return connection.space?.hasRoomFor(jobs * RETURN_BYTES) ?? true;
}

/**
 * Within a transaction that sets has_extras for these jobs: writes their keys, and their histories with what was
 * added; on a full disk the histories stay as they were.
 * @param reasonBytes how much the caller adds besides, if the histories are written
 * @returns whether they are written
 */
export function keepEnded(connection: Connection, jobs: readonly EndedJob[], reasonBytes = 0): boolean {
  const rows = jobs.map(({ seq, past, extras }) => ({
    seq,
    extras: { ...extras, history: past.length === 0 ? null : formatPast(past) },
  }));
  const most = LEFT_TO_RETURN_BYTES + reasonBytes;
  const bytes = rows.reduce((sum, { extras }) => sum + RETURN_BYTES + (extras.history?.length ?? 0), most);
  const isWhole = connection.space?.hasRoomFor(bytes) ?? true;
  writeExtras(connection, isWhole ? rows : jobs);
  return isWhole;
}

/** Within a transaction that sets has_extras for these jobs: writes the keys of those that are released. */
export function keepReleased(connection: Connection, ended: EndedLeases): void {
  if (ended.hasExtras) keepEnded(connection, readEnded(connection, ended));
  else
    writeExtras(
      connection,
      ended.seqs.map((seq, at) => ({ seq, extras: { ...NO_EXTRAS, extrasKey: firstKey(ended, at) } })),
    );
}

/** Adds a job to the list of a key. */
export function addTo<K>(groups: Map<K, number[]>, key: K, seq: number): void {
  const group = groups.get(key);
  if (group) group.push(seq);
  else groups.set(key, [seq]);
}

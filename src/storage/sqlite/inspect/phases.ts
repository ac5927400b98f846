import { JOB_STATES, type JobRecord, type JobState } from '../../../core/job.js';
import type { Connection } from '../connection.js';
import { DEAD_COLUMNS } from '../dead.js';
import { LEASE_COLUMNS, LEASED_JOBS } from '../lease.js';
import { bytesOf, DEAD, exact, EXACT_VALUE, FIRST_NUMBER, LAST_NUMBER, WAITING } from '../rows.js';
import {
  deadRecord,
  type DeadRow,
  JOB_COLUMNS,
  type JobRow,
  leasedRecord,
  type LeasedRow,
  lineRecord,
  waitingRecord,
  withExtras,
} from './record.js';

/** Jobs that one step reads. */
export const WINDOW = 500;

const line = (behind: '>' | '<', order: 'ASC' | 'DESC') => `
SELECT ${JOB_COLUMNS} FROM job
WHERE state = 0 AND topic = ? AND (place, seq) ${behind} (${EXACT_VALUE}, ${EXACT_VALUE})
  AND place > ? AND place <= ? AND expires_at > ? AND expires_at <= ?
ORDER BY job.place ${order}, job.seq ${order} LIMIT ? + 0`;
const LINE = line('>', 'ASC');
const LINE_REVERSED = line('<', 'DESC');
const leased = (ofTopic: string) => `
SELECT ${JOB_COLUMNS}, ${LEASE_COLUMNS}, ${exact('ends_at')} AS exactEnd, ${exact('held.key')} AS key
FROM ${LEASED_JOBS}
WHERE ends_at >= ${EXACT_VALUE} AND (ends_at, token, held.key) > (${EXACT_VALUE}, ?, ${EXACT_VALUE})${ofTopic}
ORDER BY ends_at, token, held.key LIMIT ? + 0`;
const LEASED = leased('');
const LEASED_OF_TOPIC = leased(' AND topic = ?');
const aside = (state: number) =>
  `WHERE state > 1 AND topic = ? AND state = ${state} AND seq > ${EXACT_VALUE} ORDER BY job.seq LIMIT ? + 0`;
const WAIT = `SELECT ${JOB_COLUMNS} FROM job ${aside(WAITING)}`;
const BURIED = `SELECT ${JOB_COLUMNS}, ${DEAD_COLUMNS} FROM job LEFT JOIN dead USING (seq) ${aside(DEAD)}`;
const BODY = `SELECT body FROM job WHERE seq = ${EXACT_VALUE}`;

/** `waiting` jobs are delayed until a newer job of their id is gone. */
export type Phase = 'ready' | 'leased' | 'delayed' | 'waiting' | 'dead';

/**
 * Where a view continues: after the job at this place, in a phase of a topic. Its numbers are text, because
 * JavaScript cannot distinguish all numbers of a file.
 */
export interface Place {
  /** Its bytes as latin1. Empty for the leased jobs of all topics. */
  readonly topic: string;
  readonly phase: Phase;
  /** The place in line, or the end of the lease. */
  readonly at: string;
  /** Of a leased job. */
  readonly token: string;
  /** The number of the job; for a leased one, its position in its lease. */
  readonly seq: string;
}

type ListedLease = LeasedRow & { readonly exactEnd: string; readonly key: string };

/** A job without its body, and its place. */
export interface Found {
  readonly seq: string;
  readonly hasExtras: JobRow['hasExtras'];
  readonly job: JobRecord;
  readonly place: Place;
}

/** Which part of a phase is read. */
export interface Part {
  /** All states when absent. */
  readonly states?: readonly JobState[] | undefined;
  readonly limit: number;
  /** For delayed jobs only: those due last come first. */
  readonly latestFirst?: boolean | undefined;
}

export const nameOf = (topic: Uint8Array): string => bytesOf(topic).toString('latin1');

/** Where a phase of a topic begins; only delayed jobs are read from their end. */
export function startOf(topic: string, phase: Phase, latestFirst = false): Place {
  const number = latestFirst && phase === 'delayed' ? LAST_NUMBER : FIRST_NUMBER;
  return { topic, phase, at: number, token: '', seq: number };
}

/** Up to `limit` jobs of one phase after a place. */
export function readRows(connection: Connection, place: Place, part: Part, now: number): Found[] {
  const { phase, at, token, seq } = place;
  const { states = JOB_STATES, limit } = part;
  const topic = Buffer.from(place.topic, 'latin1');
  const isWanted = (state: JobState) => states.includes(state);
  const rows = (sql: string, ...values: (number | string | Buffer)[]) =>
    connection.all(sql, ...values, limit) as JobRow[];
  const found = (row: JobRow, job: JobRecord, behind: Partial<Place>): Found => ({
    seq: row.seq,
    hasExtras: row.hasExtras,
    job,
    place: { topic: place.topic, phase, at: '0', token: '', seq: row.seq, ...behind },
  });
  switch (phase) {
    case 'ready':
    case 'delayed': {
      const range = lineRange(place, part, now);
      if (!range) return [];
      const sql = part.latestFirst === true && phase === 'delayed' ? LINE_REVERSED : LINE;
      return rows(sql, topic, ...range).map((row) =>
        found(row, lineRecord(row, now), { at: row.exactPlace }),
      );
    }
    case 'leased': {
      if (!isWanted('leased')) return [];
      const behind = [at, at, token, seq];
      const jobs = topic.length === 0 ? rows(LEASED, ...behind) : rows(LEASED_OF_TOPIC, ...behind, topic);
      return (jobs as ListedLease[]).map((row) =>
        found(row, leasedRecord(row), { at: row.exactEnd, token: row.token, seq: row.key }),
      );
    }
    case 'waiting':
      if (!isWanted('delayed')) return [];
      return rows(WAIT, topic, seq).map((row) => found(row, waitingRecord(row), {}));
    case 'dead':
      if (!isWanted('dead')) return [];
      return (rows(BURIED, topic, seq) as DeadRow[]).map((row) => found(row, deadRecord(row), {}));
  }
}

type Range = [
  at: string,
  seq: string,
  after: number,
  until: number,
  expiresAfter: number,
  expiresUntil: number,
];

/** The arguments of LINE after a place: for jobs whose place has come, and for those whose place has not. */
function lineRange(
  { phase, at, seq }: Place,
  { states = JOB_STATES, latestFirst = false }: Part,
  now: number,
): Range | undefined {
  if (phase === 'delayed') {
    if (!states.includes('delayed')) return undefined;
    const [from, behind] = latestFirst || Number(at) > now ? [at, seq] : [`${now}`, LAST_NUMBER];
    return [from, behind, now, Infinity, -Infinity, Infinity];
  }
  const [ready, expired] = [states.includes('ready'), states.includes('expired')];
  if (!ready && !expired) return undefined;
  return [at, seq, -Infinity, now, expired ? -Infinity : now, ready ? Infinity : now];
}

/** The job with its body and its extras; undefined when another process has taken it meanwhile. */
export function complete(connection: Connection, found: Found): Found[] {
  const row = connection.get(BODY, found.seq) as { body: Uint8Array } | undefined;
  if (!row) return [];
  return [{ ...found, job: withExtras(connection, found, { ...found.job, body: bytesOf(row.body) }) }];
}

import { JOB_STATES, type JobRecord, type JobState } from '../../../core/job.js';
import { type Selection, selectionMatcher } from '../../../core/selection.js';
import type { JobPage } from '../../../core/results.js';
import type { ListParams } from '../../../core/store.js';
import { readCursor, writeCursor } from '../../cursor.js';
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
  withNote,
} from './record.js';

/** Jobs that one step reads, without their bodies. */
const WINDOW = 500;

const LINE = `
SELECT ${JOB_COLUMNS} FROM job
WHERE state = 0 AND topic = ? AND (place, seq) > (${EXACT_VALUE}, ${EXACT_VALUE}) AND place <= ? AND expires_at > ? AND expires_at <= ?
ORDER BY job.place, job.seq LIMIT ? + 0`;
const LEASED = `
SELECT ${JOB_COLUMNS}, ${LEASE_COLUMNS}, ${exact('ends_at')} AS exactEnd, ${exact('held.key')} AS key
FROM ${LEASED_JOBS}
WHERE ends_at >= ${EXACT_VALUE} AND (ends_at, token, held.key) > (${EXACT_VALUE}, ?, ${EXACT_VALUE}) AND topic = ?
ORDER BY ends_at, token, held.key LIMIT ? + 0`;
const aside = (state: number) =>
  `WHERE state > 1 AND topic = ? AND state = ${state} AND seq > ${EXACT_VALUE} ORDER BY job.seq LIMIT ? + 0`;
const WAIT = `SELECT ${JOB_COLUMNS} FROM job ${aside(WAITING)}`;
const BURIED = `SELECT ${JOB_COLUMNS}, ${DEAD_COLUMNS} FROM job LEFT JOIN dead USING (seq) ${aside(DEAD)}`;
const BODY = `SELECT body FROM job WHERE seq = ${EXACT_VALUE}`;

/** Jobs of a topic are listed in this order. `waiting` ones are delayed until a newer job of their id is gone. */
const PHASES = ['ready', 'leased', 'delayed', 'waiting', 'dead'] as const;
type Phase = (typeof PHASES)[number];

/**
 * Where a listing goes on: behind the job that stands there, in a phase of a topic. Its numbers are digits, for
 * JavaScript cannot tell all numbers of a file apart.
 */
interface Place {
  /** Its bytes as latin1. */
  readonly topic: string;
  readonly phase: Phase;
  /** The place in line, or the end of the lease. */
  readonly at: string;
  /** Of a leased job. */
  readonly token: string;
  /** The number of the job, or where a leased one stands in its lease. */
  readonly seq: string;
}

type ListedLease = LeasedRow & { readonly exactEnd: string; readonly key: string };

interface Found {
  readonly seq: string;
  readonly isNoted: JobRow['isNoted'];
  readonly job: JobRecord;
  readonly place: Place;
}

/** A page of jobs, topic by topic. */
export async function list(connection: Connection, params: ListParams): Promise<JobPage> {
  const { selection, limit } = params;
  const matches = selectionMatcher(selection);
  const isNarrow = [selection.dueBefore, selection.dueAfter, selection.idGlob].some(
    (one) => one !== undefined,
  );
  const found: Found[] = [];
  // One more than asked for tells whether there is another page.
  for (let place = firstPlace(params); place && found.length <= limit;) {
    const from: Place = place;
    const window = isNarrow ? WINDOW : Math.min(limit + 1 - found.length, WINDOW);
    const rows = await connection.read((now) => {
      const rows = readRows(connection, from, selection.states, window, now);
      const matching = rows.filter(({ job }) => matches(job)).slice(0, limit + 1 - found.length);
      found.push(...matching.flatMap((row) => complete(connection, row)));
      return rows;
    });
    place = rows.length === window ? rows.at(-1)?.place : nextPhase(from, selection);
  }
  const last = found.length > limit ? found[limit - 1] : undefined;
  return { jobs: found.slice(0, limit).map(({ job }) => job), cursor: last && writeCursor(last.place) };
}

const nameOf = (topic: Buffer): string => topic.toString('latin1');

const phaseOf = (topic: Buffer, phase: Phase): Place => ({
  topic: nameOf(topic),
  phase,
  at: FIRST_NUMBER,
  token: '',
  seq: FIRST_NUMBER,
});

function firstPlace({ selection, cursor }: ListParams): Place | undefined {
  if (cursor !== undefined) return readCursor(cursor, (value) => toPlace(value, selection));
  const [topic] = selection.topics;
  return topic && phaseOf(topic, 'ready');
}

function nextPhase({ topic, phase }: Place, { topics }: Selection): Place | undefined {
  const next = PHASES[PHASES.indexOf(phase) + 1];
  const at = topics.findIndex((one) => nameOf(one) === topic);
  const following = topics[next === undefined ? at + 1 : at];
  return following && phaseOf(following, next ?? 'ready');
}

function toPlace(value: Partial<Record<string, unknown>>, { topics }: Selection): Place | undefined {
  const { topic, at, token, seq } = value;
  const phase = PHASES.find((one) => one === value.phase);
  if (typeof topic !== 'string' || typeof token !== 'string' || phase === undefined) return undefined;
  if (!isNumber(at) || !isNumber(seq) || !topics.some((one) => nameOf(one) === topic)) return undefined;
  return { topic, phase, at, token, seq };
}

const isNumber = (value: unknown): value is string => typeof value === 'string' && /^-?\d{1,19}$/.test(value);

/** Up to `limit` jobs behind a place, of one phase. */
function readRows(
  connection: Connection,
  place: Place,
  wanted: readonly JobState[] = JOB_STATES,
  limit: number,
  now: number,
): Found[] {
  const { phase, at, token, seq } = place;
  const topic = Buffer.from(place.topic, 'latin1');
  const isWanted = (state: JobState) => wanted.includes(state);
  const rows = (sql: string, ...values: (number | string | Buffer)[]) =>
    connection.all(sql, ...values, limit) as JobRow[];
  const found = (row: JobRow, job: JobRecord, behind: Partial<Place>): Found => ({
    seq: row.seq,
    isNoted: row.isNoted,
    job,
    place: { topic: place.topic, phase, at: '0', token: '', seq: row.seq, ...behind },
  });
  switch (phase) {
    case 'ready':
    case 'delayed': {
      const range = lineRange(place, isWanted, now);
      if (!range) return [];
      return rows(LINE, topic, ...range).map((row) =>
        found(row, lineRecord(row, now), { at: row.exactPlace }),
      );
    }
    case 'leased':
      if (!isWanted('leased')) return [];
      return (rows(LEASED, at, at, token, seq, topic) as ListedLease[]).map((row) =>
        found(row, leasedRecord(row), { at: row.exactEnd, token: row.token, seq: row.key }),
      );
    case 'waiting':
      if (!isWanted('delayed')) return [];
      return rows(WAIT, topic, seq).map((row) => found(row, waitingRecord(row), {}));
    case 'dead':
      if (!isWanted('dead')) return [];
      return (rows(BURIED, topic, seq) as DeadRow[]).map((row) => found(row, deadRecord(row), {}));
  }
}

/** What LINE is asked for behind a place: of jobs whose place has come, and of those whose has not. */
function lineRange(
  { phase, at, seq }: Place,
  isWanted: (state: JobState) => boolean,
  now: number,
): [at: string, seq: string, until: number, expiresAfter: number, expiresUntil: number] | undefined {
  if (phase === 'delayed') {
    if (!isWanted('delayed')) return undefined;
    const [from, behind] = Number(at) > now ? [at, seq] : [`${now}`, LAST_NUMBER];
    return [from, behind, Infinity, -Infinity, Infinity];
  }
  const [ready, expired] = [isWanted('ready'), isWanted('expired')];
  return ready || expired ? [at, seq, now, expired ? -Infinity : now, ready ? Infinity : now] : undefined;
}

/** With its body and what is noted of it; nothing when another process has taken the job meanwhile. */
function complete(connection: Connection, found: Found): Found[] {
  const row = connection.get(BODY, found.seq) as { body: Uint8Array } | undefined;
  if (!row) return [];
  return [{ ...found, job: withNote(connection, found, { ...found.job, body: bytesOf(row.body) }) }];
}

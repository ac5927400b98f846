import type { JobState } from '../../core/job.js';
import type { JobToTake } from '../../core/store.js';
import type { Connection } from './connection.js';
import { findLeased, type LeasedId } from './lease.js';
import { boundedTime, DEAD, DUE_AT, expiryDate, IN_LINE, stateInLine, WAITING } from './rows.js';

const COLUMNS = `
seq, state, topic, place, ${boundedTime(DUE_AT)} AS dueAt, expires_at AS expiresAt, has_extras IS 1 AS hasExtras`;
const BY_ID = `
SELECT ${COLUMNS}, NULL AS failedAt FROM job WHERE id = ?1 AND state = ${IN_LINE}
UNION ALL SELECT ${COLUMNS}, failed_at FROM job LEFT JOIN dead USING (seq) WHERE id = ?1 AND state > 1 AND state <= ${DEAD}`;

/** A job that is not leased, as operators look at it. */
export interface KnownRow {
  readonly seq: number;
  /** As the file has it. */
  readonly state: number;
  /** What that means now. */
  readonly is: JobState;
  readonly topic: Uint8Array;
  readonly place: number;
  readonly dueAt: number;
  readonly expiresAt: number;
  readonly hasExtras: 0 | 1;
  /** Of a dead letter. */
  readonly failedAt: number | null;
}

/** The job in line that has this id, then those that wait for it and dead letters. Leased ones are not looked for. */
export function rowsOf(connection: Connection, id: Buffer, now: number): KnownRow[] {
  const rows = connection.all(BY_ID, id) as Omit<KnownRow, 'is'>[];
  return rows.map((row) => ({ ...row, is: stateOf(row, now) }));
}

function stateOf(row: Omit<KnownRow, 'is'>, now: number): JobState {
  if (row.state === IN_LINE) return stateInLine(row, now);
  return row.state === DEAD ? 'dead' : 'delayed';
}

/** Looks for leased jobs among these ids, all of them at once and only when one is asked for: no index has them. */
export function leasedFinder(connection: Connection, ids: readonly Buffer[]): (id: Buffer) => LeasedId[] {
  let leased: Map<string, LeasedId[]> | undefined;
  return (id) => {
    leased ??= findLeased(connection, ids);
    return leased.get(id.toString('latin1')) ?? [];
  };
}

const HAS_CONTENT = `
SELECT 1 FROM job WHERE seq = ?1 AND (?2 IS NULL OR topic = ?2) AND (?3 IS NULL OR body = ?3)`;

/** Is this what is believed of a leased job? */
export const isMeantLease = (connection: Connection, guard: JobToTake, job: LeasedId): boolean =>
  guard.states.includes('leased') && guard.isWaiting !== true && isSame(connection, guard, job);

/** Is this what is believed of a job that is not leased? */
export function isMeantRow(connection: Connection, guard: JobToTake, row: KnownRow): boolean {
  const { states, failedAt, isWaiting, expiresAt } = guard;
  const isMeant =
    states.includes(row.is) &&
    (failedAt === undefined || row.state !== DEAD || row.failedAt === failedAt.getTime()) &&
    (isWaiting === undefined || isWaiting === (row.state === WAITING)) &&
    (expiresAt === undefined || row.state !== IN_LINE || isTime(expiresAt, expiryDate(row.expiresAt)));
  return isMeant && isSame(connection, guard, row);
}

const isTime = (time: Date, found: Date | undefined): boolean => time.getTime() === found?.getTime();

function isSame(
  connection: Connection,
  { dueAt, topic, body }: JobToTake,
  job: { readonly seq: number; readonly dueAt: number },
): boolean {
  if (dueAt !== undefined && job.dueAt !== dueAt.getTime()) return false;
  if (topic === undefined && body === undefined) return true;
  return connection.get(HAS_CONTENT, job.seq, topic ?? null, body ?? null) !== undefined;
}

import type { JobRecord } from '../../../core/job.js';
import type { Connection } from '../connection.js';
import { DEAD_COLUMNS } from '../dead.js';
import { readPauses } from '../pause.js';
import { LEASE_COLUMNS, LEASED_JOBS } from '../lease.js';
import { bytesOf, DEAD, EXACT_VALUE } from '../rows.js';
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

const COLUMNS = `${JOB_COLUMNS}, body`;
const IN_LINE = `SELECT ${COLUMNS} FROM job WHERE id = ? AND state = 0`;
const LEASED = `SELECT ${COLUMNS}, ${LEASE_COLUMNS} FROM ${LEASED_JOBS} WHERE job.id = ? ORDER BY ends_at`;
const ASIDE = `
SELECT ${COLUMNS}, state, ${DEAD_COLUMNS} FROM job LEFT JOIN dead USING (seq)
WHERE id = ? AND state > 1 AND state <= ${DEAD} ORDER BY job.state, failed_at DESC, job.seq DESC`;
const AHEAD = `
SELECT count(*) AS jobs FROM job WHERE state = 0 AND topic = ? AND place <= ${EXACT_VALUE} AND (place, seq) < (${EXACT_VALUE}, ${EXACT_VALUE})`;
/** The plus makes SQLite use the index of expiries, because few jobs have expired. */
const EXPIRED_AHEAD = `
SELECT count(*) AS jobs FROM job
WHERE state = 0 AND expires_at <= ? AND +topic = ? AND (place, seq) < (${EXACT_VALUE}, ${EXACT_VALUE})`;

interface Body {
  readonly body: Uint8Array;
}

/**
 * Every job of an id: the one in line, then leased ones, those that wait for it, and dead letters, the latest first.
 */
export async function find(connection: Connection, { id }: { readonly id: Buffer }): Promise<JobRecord[]> {
  return connection.read((now) => {
    const complete = (job: JobRecord, row: JobRow & Body): JobRecord =>
      withExtras(connection, row, { ...job, body: bytesOf(row.body) });
    const inLine = (connection.all(IN_LINE, id) as (JobRow & Body)[]).map((row): JobRecord => {
      const job = complete(lineRecord(row, now), row);
      return job.state === 'ready' ? { ...job, readyAhead: readyAhead(connection, row, now) } : job;
    });
    const leased = (connection.all(LEASED, id) as (LeasedRow & Body)[]).map((row) =>
      complete(leasedRecord(row), row),
    );
    const aside = (connection.all(ASIDE, id) as (DeadRow & Body & { state: number })[]).map((row) =>
      complete(row.state === DEAD ? deadRecord(row) : waitingRecord(row), row),
    );
    return [...withPauses(connection, inLine, now), ...leased, ...aside];
  });
}

function withPauses(connection: Connection, jobs: readonly JobRecord[], now: number): JobRecord[] {
  const pauses = readPauses(connection, now);
  return jobs.map((job) => {
    const pause = pauses.find(({ topic }) => job.topic?.equals(topic) === true);
    return pause ? { ...job, pausedUntilMs: pause.until } : job;
  });
}

function readyAhead(connection: Connection, { topic, exactPlace: place, seq }: JobRow, now: number): number {
  const ahead = connection.get(AHEAD, topic, place, place, seq) as { jobs: number };
  const expired = connection.get(EXPIRED_AHEAD, now, topic, place, seq) as { jobs: number };
  return ahead.jobs - expired.jobs;
}

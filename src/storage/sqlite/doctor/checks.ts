import type { FaultKind } from '../../../core/faults.js';
import { MAX_LEASE_MS } from '../../../core/job.js';
import { LOCK_MS } from '../../../core/lease.js';
import { MAX_TIMESTAMP_MS } from '../../../core/timestamp.js';
import { IS_BROKEN, outOfBounds, UNLISTED, UNWAITED } from '../inspect/strange.js';
import { BOUNDS, KNOWN_STATE, LAST_SEQ } from '../bound-numbers.js';
import { HOLD } from '../policy.js';
import { exact, FIRST_PLACE, LAST_TIME_MS } from '../rows.js';

/** What can be wrong with a row, as conditions in SQL. `?1` is the time, `?2` the time a minute before. */

/** Checks of a job, in order; only the first that is true is reported. */
export const JOB_CHECKS: readonly { readonly kind: FaultKind; readonly is: string }[] = [
  { kind: 'state_unknown', is: `NOT ${KNOWN_STATE}` },
  { kind: 'name_empty', is: 'length(id) = 0 OR length(topic) = 0' },
  { kind: 'number_strange', is: `seq < 1 OR seq > ${LAST_SEQ}` },
  {
    kind: 'due_out_of_range',
    is: `place > ${MAX_TIMESTAMP_MS}`,
  },
  {
    kind: 'number_strange',
    is: `place < ${FIRST_PLACE} OR (place < 0 AND due_at IS NULL) OR ${outOfBounds('job', ['attempts', 'due_at', 'expires_at', 'ttl_ms'])}`,
  },
  { kind: 'job_unheld', is: `(${UNLISTED}) OR (${UNWAITED})` },
  { kind: 'dead_unexplained', is: 'state = 3 AND seq NOT IN (SELECT seq FROM dead)' },
  { kind: 'expires_before_due', is: 'state = 0 AND place > ?1 AND expires_at < place' },
  { kind: 'jobs_expired', is: 'state = 0 AND place <= ?1 AND expires_at <= ?1 - 3600000' },
];

export const IS_ARRAY = "json_type(iif(json_valid(seqs), seqs, '1')) = 'array'";
/** Does the lease that names the job count it as still leased? */
const HOLDS = `EXISTS (
  SELECT 1 FROM json_each(iif(json_valid(lease.seqs), lease.seqs, '[]')) AS held CROSS JOIN job ON job.seq = held.value
  WHERE held.type = 'integer' AND job.state = 1)`;
const NO_JOB = (table: string, state: number) =>
  `NOT EXISTS (SELECT 1 FROM job WHERE job.seq = ${table}.seq AND job.state = ${state})`;

export interface TableCheck {
  readonly kind: FaultKind;
  readonly table: string;
  /** The name of a row, as text. */
  readonly key: string;
  readonly is: string;
  /** How many jobs a row stands for; 1 when absent. */
  readonly count?: string;
  /** Mends the row with the key `?3`; absent when the kind is mended in another way. */
  readonly mend?: string;
}

const clamped = (table: string): string =>
  Object.entries(BOUNDS[table] ?? {})
    // The last time itself counts as wrong, because wrong times are set to it.
    .map(([column, [least, most]]) => `${column} = max(${least}, min(${column}, ${most - 1}))`)
    .join(', ');

const SEQ = exact('seq');
const ROW = 'seq = CAST(?3 AS INTEGER)';
const NAMED = 'hex(name)';
const LEASE_TOO_LONG = `${IS_ARRAY} AND ends_at > ?1 + ${MAX_LEASE_MS}`;
const IS_POLICY = `(policy IS NULL OR policy = '${HOLD}' OR json_valid(policy))`;
const LEASE_STRANGE = `${IS_ARRAY} AND ends_at <= ?1 + ${MAX_LEASE_MS} AND (${outOfBounds('lease')} OR NOT ${IS_POLICY})`;
const IMPORT_STRANGE = `line < 0 OR line > ${Number.MAX_SAFE_INTEGER} OR at < 0 OR at >= ${LAST_TIME_MS}`;
const CLOCK_STRANGE = ['at_ms', 'trusted_ms', 'monotonic_ms', 'uptime_ms']
  .map((column) => `${column} < 0 OR ${column} >= ${LAST_TIME_MS}`)
  .join(' OR ');

/** Checks of the other tables. After a row is mended, the same condition is tested again. */
export const TABLE_CHECKS: readonly TableCheck[] = [
  {
    ...{ kind: 'lease_unreadable', table: 'lease', key: 'token', is: `NOT ${IS_ARRAY}` },
    mend: 'DELETE FROM lease WHERE token = ?3',
  },
  {
    ...{ kind: 'lease_too_long', table: 'lease', key: 'token', is: LEASE_TOO_LONG },
    // Restores the end with which it was made, if that is possible.
    mend: `UPDATE lease SET ends_at = iif(deadline BETWEEN ?1 AND ?1 + ${MAX_LEASE_MS}, deadline, ?1) WHERE token = ?3`,
  },
  {
    ...{ kind: 'number_strange', table: 'lease', key: 'token', is: LEASE_STRANGE },
    mend: `UPDATE lease SET ${clamped('lease')}, policy = iif(${IS_POLICY}, policy, NULL) WHERE token = ?3`,
  },
  {
    ...{ kind: 'lease_of_nothing', table: 'lease', key: 'token', is: `${IS_ARRAY} AND NOT ${HOLDS}` },
    mend: 'DELETE FROM lease WHERE token = ?3',
  },
  {
    ...{
      kind: 'leases_ended',
      table: 'lease',
      key: 'token',
      is: `${IS_ARRAY} AND ends_at BETWEEN 0 AND ?2 AND ${HOLDS}`,
    },
    count: 'json_array_length(seqs)',
  },
  {
    kind: 'waiting_overdue',
    table: 'waiting',
    key: SEQ,
    is: `again_at BETWEEN 0 AND ?2 AND NOT ${NO_JOB('waiting', 2)}`,
  },
  {
    ...{ kind: 'number_strange', table: 'waiting', key: SEQ, is: outOfBounds('waiting') },
    mend: `UPDATE waiting SET ${clamped('waiting')}, again_at = ?1 WHERE ${ROW}`,
  },
  {
    ...{ kind: 'row_left', table: 'waiting', key: SEQ, is: NO_JOB('waiting', 2) },
    mend: `DELETE FROM waiting WHERE ${ROW}`,
  },
  {
    ...{ kind: 'number_strange', table: 'dead', key: SEQ, is: outOfBounds('dead') },
    // Better kept for ever than deleted because of a number that nobody wrote.
    mend: `UPDATE dead SET failed_at = iif(failed_at BETWEEN 0 AND ?1, failed_at, ?1),
      dead_until = iif(dead_until BETWEEN 0 AND ${LAST_TIME_MS - 1}, dead_until, NULL) WHERE ${ROW}`,
  },
  {
    ...{ kind: 'row_left', table: 'dead', key: SEQ, is: NO_JOB('dead', 3) },
    mend: `DELETE FROM dead WHERE ${ROW}`,
  },
  {
    kind: 'dead_past',
    table: 'dead',
    key: SEQ,
    is: `dead_until BETWEEN 0 AND ?2 AND NOT ${NO_JOB('dead', 3)}`,
  },
  {
    ...{ kind: 'settings_broken', table: 'extras', key: SEQ, is: IS_BROKEN },
    mend: `UPDATE extras SET retries = NULL, first_ms = NULL, last_ms = NULL,
      history = iif(json_valid(history), history, NULL) WHERE ${ROW}`,
  },
  {
    kind: 'extras_unused',
    table: 'extras',
    key: SEQ,
    is: 'NOT EXISTS (SELECT 1 FROM job WHERE job.seq = extras.seq AND job.has_extras = 1)',
    mend: `DELETE FROM extras WHERE ${ROW}`,
  },
  {
    ...{ kind: 'number_strange', table: 'pause', key: 'hex(topic)', is: outOfBounds('pause') },
    // A pause whose end cannot be read lasts until it is resumed.
    mend: 'UPDATE pause SET until_at = NULL WHERE hex(topic) = ?3',
  },
  {
    ...{ kind: 'lock_endless', table: 'lock', key: NAMED, is: `until_at < 0 OR until_at > ?1 + ${LOCK_MS}` },
    mend: `UPDATE lock SET until_at = ?1 + ${LOCK_MS} WHERE ${NAMED} = ?3`,
  },
  {
    ...{ kind: 'number_strange', table: 'imported', key: 'file', is: IMPORT_STRANGE },
    mend: 'DELETE FROM imported WHERE file = ?3',
  },
  {
    ...{ kind: 'number_strange', table: 'clock', key: exact('one'), is: CLOCK_STRANGE },
    mend: 'DELETE FROM clock WHERE one = CAST(?3 AS INTEGER)',
  },
];

import { type Attempt, MAX_HISTORY, type OwnRetry } from '../../core/job.js';
import type { NewJob } from '../../core/new-job.js';
import { MAX_RETRIES } from '../../core/retry-policy.js';
import { MAX_DURATION_MS } from '../../core/duration.js';
import { chunks } from '../../core/chunks.js';
import type { Connection } from './connection.js';
import type { Value } from './driver.js';
import { bounded, changeJobs, dateOf } from './rows.js';

/** For a SELECT of jobs with {@link EXTRAS_OF_JOB} beside them. */
export const EXTRAS_COLUMNS = `
${bounded('extras.retries')} AS retries, ${bounded('extras.first_ms')} AS firstMs, ${bounded('extras.last_ms')} AS lastMs,
extras.key AS extrasKey, extras.history`;
export const EXTRAS_OF_JOB = 'LEFT JOIN extras ON job.has_extras = 1 AND extras.seq = job.seq';

/** All null when the job has no extras. */
export interface ExtrasRow {
  readonly retries: number | null;
  readonly firstMs: number | null;
  readonly lastMs: number | null;
  readonly extrasKey: string | null;
  readonly history: string | null;
}

export const NO_EXTRAS: ExtrasRow = {
  retries: null,
  firstMs: null,
  lastMs: null,
  extrasKey: null,
  history: null,
};

/** An attempt as it stands in the JSON of `history`. */
export type PastAttempt = Omit<Attempt, 'startedAt' | 'endedAt'> & {
  readonly startedAt?: number | undefined;
  readonly endedAt: number;
};

const READ = `
SELECT asked.value AS seq, ${EXTRAS_COLUMNS} FROM json_each(?) AS asked CROSS JOIN extras ON extras.seq = asked.value`;
/** How many rows one statement writes; a statement for each takes twice as long. */
const ROWS = 25;
/** Replaces what another job with the same number has left. */
const INTO = 'INSERT OR REPLACE INTO extras (seq, retries, first_ms, last_ms, key, history) VALUES';
const VALUES = '(?, ?, ?, ?, ?, ?)';
const WRITE = `${INTO} ${VALUES}`;
const WRITE_ROWS = `${INTO} ${Array(ROWS).fill(VALUES).join(', ')}`;
const DROP = 'DELETE FROM extras';
/** Replaces what another job with the same number has left. */
const MOVE = 'UPDATE OR REPLACE extras SET seq = ? WHERE seq = ?';

const NO_SETTINGS: OwnRetry = {};
const OUTCOMES: readonly unknown[] = ['retried', 'dead', 'lease_ended'] satisfies Attempt['outcome'][];

/** Within a transaction: the extras of jobs that have has_extras set, by number. */
export function readExtras(connection: Connection, seqs: readonly number[]): Map<number, ExtrasRow> {
  const rows = connection.all(READ, JSON.stringify(seqs)) as (ExtrasRow & { seq: number })[];
  return new Map(rows.map((row) => [row.seq, row]));
}

/** Within a transaction that has just pushed a job with has_extras set. */
export function keepSettings(connection: Connection, seq: number, { retries, backoff }: NewJob): void {
  const { firstMs = null, lastMs = null } = backoff ?? {};
  connection.run(WRITE, seq, retries ?? null, firstMs, lastMs, null, null);
}

/**
 * Within a transaction: writes the extras of jobs that have has_extras set, or get it in this transaction.
 */
export function writeExtras(
  connection: Connection,
  rows: readonly { readonly seq: number; readonly extras: ExtrasRow }[],
): void {
  for (const some of chunks(rows, ROWS)) {
    const values: Value[] = [];
    for (const { seq, extras } of some)
      values.push(seq, extras.retries, extras.firstMs, extras.lastMs, extras.extrasKey, extras.history);
    if (some.length === ROWS) connection.run(WRITE_ROWS, ...values);
    else for (let i = 0; i < values.length; i += 6) connection.run(WRITE, ...values.slice(i, i + 6));
  }
}

/**
 * Within a transaction: deletes the extras of jobs that are gone. Jobs without extras cost a lookup each.
 */
export function dropExtras(connection: Connection, seqs: readonly number[]): void {
  changeJobs(connection, DROP, seqs);
}

/** Within a transaction: moves the extras of a job that has got another number. */
export function moveExtras(connection: Connection, from: number, to: number): void {
  connection.run(MOVE, to, from);
}

/**
 * A job's own retry settings.
 * @returns `flaw`: why the settings cannot be used, because no delayer wrote them; then there are none
 */
export function settingsOf(extras: ExtrasRow | undefined): {
  readonly own: OwnRetry;
  readonly flaw?: string;
} {
  if (!extras) return { own: NO_SETTINGS };
  const { retries, firstMs, lastMs } = extras;
  if (retries === null && firstMs === null && lastMs === null) return { own: NO_SETTINGS };
  const flaw = flawOf(extras);
  if (flaw !== undefined) return { own: NO_SETTINGS, flaw: `its retry settings are broken: ${flaw}` };
  return {
    own: {
      ...(retries !== null && { retries }),
      ...(firstMs !== null && lastMs !== null && { backoff: { firstMs, lastMs } }),
    },
  };
}

/** The same text as on Redis: redis/lua/lib/extras.lua. */
function flawOf({ retries, firstMs, lastMs }: ExtrasRow): string | undefined {
  if (retries !== null && !isWithin(retries, MAX_RETRIES)) return 'the number of retries is not valid';
  if (firstMs === null && lastMs === null) return undefined;
  if (!isWithin(firstMs, MAX_DURATION_MS) || !isWithin(lastMs, MAX_DURATION_MS))
    return 'a pause of the backoff is not valid';
  return firstMs > lastMs ? 'the first pause of the backoff is longer than the last' : undefined;
}

const isWithin = (value: number | null, most: number): value is number =>
  value !== null && Number.isInteger(value) && value >= 0 && value <= most;

/** The history in extras, for adding an attempt. A value that is not a list of attempts counts as empty. */
export function pastOf(history: string | null): PastAttempt[] {
  if (history === null) return [];
  try {
    const past: unknown = JSON.parse(history);
    return Array.isArray(past) ? past.filter(isPast).slice(-MAX_HISTORY) : [];
  } catch {
    return [];
  }
}

/** The last attempts, as extras store them. */
export function formatPast(past: readonly PastAttempt[]): string {
  return JSON.stringify(past.slice(-MAX_HISTORY));
}

/** The history as a job record has it; undefined when it is empty. */
export function historyOf(extras: ExtrasRow): readonly Attempt[] | undefined {
  const past = pastOf(extras.history);
  if (past.length === 0) return undefined;
  return past.map(({ startedAt, endedAt, ...attempt }) => ({
    ...attempt,
    startedAt: startedAt === undefined ? undefined : dateOf(startedAt),
    endedAt: dateOf(endedAt),
  }));
}

/** Checked, because other programs may have written into the file. */
function isPast(value: unknown): value is PastAttempt {
  if (typeof value !== 'object' || value === null) return false;
  const { attempt, startedAt, endedAt, outcome, exitCode, signal, reason } = value as Record<string, unknown>;
  return (
    Number.isSafeInteger(attempt) &&
    (startedAt === undefined || Number.isFinite(startedAt)) &&
    Number.isFinite(endedAt) &&
    OUTCOMES.includes(outcome) &&
    (exitCode === undefined || Number.isSafeInteger(exitCode)) &&
    (signal === undefined || typeof signal === 'string') &&
    (reason === undefined || typeof reason === 'string')
  );
}

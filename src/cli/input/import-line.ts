import type { Attempt, JobState } from '../../core/job.js';
import { MAX_DURATION_MS } from '../../core/duration.js';
import { DelayerError } from '../../core/errors.js';
import type { ImportRequest } from '../../core/requests.js';
import {
  bytesField,
  contentOf,
  durationField,
  type Fields,
  millisecondsField,
  parseFields,
  retryFields,
  timestampField,
} from './ndjson.js';

/**
 * Reads one job from a line of an export, as it is to be in its new store: due time, expiry, attempts, key, history
 * and death as they were. A line that was written by hand may leave out all but id, topic and body: without an expiry
 * and a ready lifetime such a job has a week.
 * @returns nothing for a blank line
 * @throws DelayerError `usage`
 */
export function parseImportLine(bytes: Buffer | undefined): ImportRequest | undefined {
  const fields = parseFields(bytes);
  if (fields === undefined) return undefined;
  const id = bytesField(fields, 'id');
  if (id === undefined) throw new DelayerError('usage', 'the id is missing');
  const state = textField(fields, 'state') as JobState | undefined;
  return {
    ...{ id, ...contentOf(fields), state, ...timesOf(fields, state), ...retryFields(fields) },
    attempts: numberField(fields, 'attempts'),
    key: textField(fields, 'key'),
    history: historyOf(fields),
    ...(isWaiting(fields) && { isWaiting: true }),
    ...(state === 'dead' && {
      reason: textField(fields, 'reason'),
      failedAt: timestampField(fields, 'failedAt'),
      deadUntil: timestampField(fields, 'deadUntil'),
    }),
  };
}

const WEEK_MS = 604_800_000;

function timesOf(fields: Fields, state: JobState | undefined) {
  const dueAt = timestampField(fields, 'dueAt') ?? timestampField(fields, 'at');
  if (fields.delay !== undefined)
    throw new DelayerError('usage', 'a job of an export has no delay', {
      hint: 'Write a due time: "dueAt".',
    });
  const expiresAt = timestampField(fields, 'expiresAt');
  // Null is for a job that never expires.
  const hasExpiry = 'expiresAt' in fields || state === 'dead';
  const given =
    durationField(fields, 'ttl') ??
    (isLifetimeOfOthers(fields.ttlMs, hasExpiry) ? undefined : millisecondsField(fields, 'ttlMs'));
  const isUnsaid = given === undefined && !hasExpiry;
  return {
    ...{ dueAt, expiresAt, ttlMs: isUnsaid ? WEEK_MS : given },
    ...(state === 'leased' && { leasedAt: timestampField(fields, 'leasedAt') }),
  };
}

/**
 * A ready lifetime as only other clients push it: with an expiry before the due time, or longer than delayer allows.
 * The expiry says how long the job lasts.
 */
function isLifetimeOfOthers(ttlMs: unknown, hasExpiry: boolean): boolean {
  return typeof ttlMs === 'number' && (ttlMs <= 0 || (hasExpiry && ttlMs > MAX_DURATION_MS));
}

function isWaiting({ blockedBy }: Fields): boolean {
  return (blockedBy as { type?: unknown } | null | undefined)?.type === 'duplicate_id';
}

function historyOf(fields: Fields): Attempt[] | undefined {
  const history = fields.history ?? undefined;
  if (history === undefined) return undefined;
  if (!Array.isArray(history)) throw new DelayerError('usage', 'the history is not an array');
  return history.map((given: unknown) => {
    if (typeof given !== 'object' || given === null)
      throw new DelayerError('usage', 'an attempt of the history is not an object');
    const attempt = given as Fields;
    const times = {
      startedAt: timestampField(attempt, 'startedAt'),
      endedAt: timestampField(attempt, 'endedAt'),
    };
    return { ...attempt, ...times } as unknown as Attempt;
  });
}

function textField(fields: Fields, name: string): string | undefined {
  const value = fields[name] ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  throw new DelayerError('usage', `the ${name} is not a string`);
}

function numberField(fields: Fields, name: string): number | undefined {
  const value = fields[name] ?? undefined;
  if (value === undefined || typeof value === 'number') return value;
  throw new DelayerError('usage', `${name} is not a number`);
}

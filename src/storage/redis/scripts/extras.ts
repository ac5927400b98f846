import type { Attempt, JobRecord, OwnRetry } from '../../../core/job.js';
import { MAX_RETRIES, type RetryPolicy } from '../../../core/retry-policy.js';
import type { Burial } from '../../../core/results.js';
import { packArray, unpackArray } from '../msgpack.js';
import { toArray, toBuffer, toDate, toRows, toText, type Value } from './run.js';

/** What scripts keep of a job beside its content (lua/lib/extras.lua), and the policy of a lease (lua/lib/policy.lua). */

const ATTEMPT = 7;

type Field = Buffer | number;

const isTime = (value: unknown): value is number => typeof value === 'number' && value >= 0;

/** Extras as views show them; without values that no version wrote. */
export function readExtras(
  value: Value | undefined,
): Pick<JobRecord, 'retries' | 'backoff' | 'key' | 'history'> {
  const extras = toBuffer(value);
  if (extras.length === 0) return {};
  const [key, retries, first, last, packed, ...more] = unpackArray(extras) ?? [];
  if (packed === undefined || more.length > 0) return {};
  const history = Buffer.isBuffer(packed) ? readHistory(packed) : undefined;
  const hasKey = Buffer.isBuffer(key) && key.length > 0;
  return {
    ...toOwnRetry(retries, first, last),
    ...(hasKey && { key: key.toString() }),
    ...(history && { history }),
  };
}

/** A job's own settings as a script returns them; '' stands for an absent one. */
export function toOwnRetry(retries: unknown, first: unknown, last: unknown): OwnRetry {
  const isCount = Number.isInteger(retries) && Number(retries) >= 0 && Number(retries) <= MAX_RETRIES;
  return {
    ...(isCount && { retries: Number(retries) }),
    ...(isTime(first) && isTime(last) && { backoff: { firstMs: first, lastMs: last } }),
  };
}

function readHistory(packed: Buffer): Attempt[] | undefined {
  const fields = packed.length === 0 ? [] : (unpackArray(packed) ?? []);
  if (fields.length === 0 || fields.length % ATTEMPT !== 0) return undefined;
  const attempts = [...toRows(fields, 0, ATTEMPT)].flatMap((row) => toAttempt(row as Field[]) ?? []);
  return attempts.length > 0 ? attempts : undefined;
}

function toAttempt(row: readonly Field[]): Attempt | undefined {
  const [attempt, startedAt, endedAt, outcome, exitCode, signal, reason] = row;
  const word = toText(outcome);
  if (typeof attempt !== 'number' || !isTime(endedAt)) return undefined;
  if (word !== 'retried' && word !== 'dead' && word !== 'lease_ended') return undefined;
  return {
    attempt,
    ...(isTime(startedAt) && { startedAt: toDate(startedAt) }),
    endedAt: toDate(endedAt) ?? new Date(0),
    outcome: word,
    ...(typeof exitCode === 'number' && { exitCode }),
    ...(toText(signal) !== '' && { signal: toText(signal) }),
    ...(toText(reason) !== '' && { reason: toText(reason) }),
  };
}

/** The head of a record; '' when there is no policy. */
export function packPolicy(policy: RetryPolicy | undefined): Buffer | '' {
  if (!policy) return '';
  const { retries, backoff, deadTtlMs } = policy;
  return packArray([retries, backoff.firstMs, backoff.lastMs, deadTtlMs]);
}

/** Jobs that a script has buried: id, topic and reason of each. */
export function toBurials(value: Value | undefined): Burial[] {
  return [...toRows(toArray(value), 0, 3)].map(([id, topic, reason]) => ({
    id: toBuffer(id),
    topic: toBuffer(topic),
    reason: toText(reason),
  }));
}

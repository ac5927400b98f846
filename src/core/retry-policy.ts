import { assertFields, assertObject, toCount, usageError } from './check.js';
import { checkDuration } from './duration.js';
import { type Backoff, DEFAULT_DEAD_TTL_MS, type OwnRetry } from './job.js';

/**
 * What becomes of a job that fails, or whose lease ends. It is written into the lease, so that any process that ends
 * the lease does the same. A job's own `retries` and `backoff` override it.
 */
export interface RetryPolicy {
  readonly retries: number;
  readonly backoff: Backoff;
  /** How long a job that failed for good is kept (ms); 0: for ever. */
  readonly deadTtlMs: number;
}

/** What a consumer may say; 3 retries, 1 s to 10 minutes, and 30 days when it leaves them out. */
export interface RetryOptions extends OwnRetry {
  readonly deadTtlMs?: number | undefined;
}

export const DEFAULT_RETRY: RetryPolicy = {
  retries: 3,
  backoff: { firstMs: 1000, lastMs: 600_000 },
  deadTtlMs: DEFAULT_DEAD_TTL_MS,
};

/** More than any job is tried, and few enough that the count of attempts stays exact. */
export const MAX_RETRIES = 1_000_000;

/**
 * A pause varies by this part of the backoff, so that jobs that failed together come back at different times.
 */
export const BACKOFF_JITTER = 0.25;

/**
 * How long (ms) to wait after failed attempt `attempt`, from 1.
 * @param jitter from -1 to 1, at random: what part of {@link BACKOFF_JITTER} the pause is longer
 */
export function pauseAfter(attempt: number, { firstMs, lastMs }: Backoff, jitter: number): number {
  const pause = Math.min(lastMs, firstMs * 2 ** Math.min(attempt - 1, 60));
  return Math.round(pause * (1 + jitter * BACKOFF_JITTER));
}

/** Is a job to be tried again after failed attempt `attempt`, from 1? */
export function hasRetryLeft(attempt: number, retries: number): boolean {
  return attempt <= retries;
}

/** @throws DelayerError `usage` */
export function toRetryPolicy(given: RetryOptions): RetryPolicy {
  assertFields(given, ['retries', 'backoff', 'deadTtlMs'], 'retry option');
  const { retries, backoff } = toOwnRetry(given);
  const { deadTtlMs = DEFAULT_RETRY.deadTtlMs } = given;
  return {
    retries: retries ?? DEFAULT_RETRY.retries,
    backoff: backoff ?? DEFAULT_RETRY.backoff,
    deadTtlMs: toDeadTtl(deadTtlMs),
  };
}

/**
 * @returns milliseconds; 0 means for ever, so nothing else is rounded to it
 * @throws DelayerError `usage`
 */
export function toDeadTtl(given: number): number {
  const ttlMs = checkDuration(given, 'the dead ttl');
  if (ttlMs > 0 || given === 0) return ttlMs;
  throw usageError(
    'the dead ttl is shorter than 1 ms',
    'Write 1 ms or more, or 0 to keep dead letters for ever.',
  );
}

/** @throws DelayerError `usage` */
export function toOwnRetry({ retries, backoff }: OwnRetry): OwnRetry {
  return {
    retries: retries === undefined ? undefined : toRetries(retries),
    backoff: backoff === undefined ? undefined : toBackoff(backoff),
  };
}

function toRetries(retries: number): number {
  if (retries === 0) return 0;
  if (typeof retries === 'number' && retries < 0)
    throw usageError('retries must not be negative', 'Write 0 for a single attempt.');
  return toCount(retries, 'number of retries', MAX_RETRIES);
}

function toBackoff(backoff: Backoff): Backoff {
  assertObject(backoff, 'backoff');
  assertFields(backoff, ['firstMs', 'lastMs'], 'field of a backoff');
  const firstMs = checkDuration(backoff.firstMs, 'the first pause of the backoff');
  const lastMs = checkDuration(backoff.lastMs, 'the last pause of the backoff');
  if (firstMs > lastMs)
    throw usageError(
      'the first pause of the backoff is longer than the last',
      'Write the shorter one first.',
    );
  return { firstMs, lastMs };
}

import { usageError } from './check.js';
import { exactDuration, parseDuration } from './duration.js';
import type { Backoff } from './job.js';
import { toOwnRetry } from './retry-policy.js';

/** A backoff as users write it and JSON shows it: the first and the last pause, `1s..10m`. */

const RANGE = /^(.+?)\.\.(.+)$/;

/**
 * @param what its name in errors: `--backoff`
 * @throws DelayerError `usage` unless it is two durations, the shorter one first
 */
export function parseBackoff(text: string, what: string): Backoff {
  const [, first, last] = RANGE.exec(text) ?? [];
  if (first === undefined || last === undefined)
    throw usageError(
      `invalid value for ${what}: ${JSON.stringify(text)}`,
      'Write the first and the longest pause: 1s..10m; 30s..30s is always 30 seconds.',
    );
  const backoff = { firstMs: parseDuration(first, what), lastMs: parseDuration(last, what) };
  toOwnRetry({ backoff });
  return backoff;
}

export function formatBackoff({ firstMs, lastMs }: Backoff): string {
  return `${exactDuration(firstMs)}..${exactDuration(lastMs)}`;
}

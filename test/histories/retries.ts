import type { Attempt, ModelJob, ModelLease, Policy } from './job.js';

/** Whether and when a job that failed is retried. Times are ms. */

/** The policy of a consumer that gives none. */
export const DEFAULT_POLICY: Policy = {
  retries: 3,
  backoff: { firstMs: 1000, lastMs: 600_000 },
  deadTtlMs: 30 * 86_400_000,
};

/** The number of attempts that the history of a job keeps. */
const KEPT_ATTEMPTS = 10;
/** A pause may be shorter or longer by this fraction. */
const JITTER = 0.25;

/**
 * A job has at most `retries` + 1 attempts. Its own number takes precedence over that of its lease; without a policy
 * there is no limit.
 */
export function hasRetryLeft({ attempts, own }: ModelJob, policy: Policy | undefined): boolean {
  return policy === undefined || attempts <= (own.retries ?? policy.retries);
}

/** The shortest and the longest pause after the last attempt: first × 2^(n-1), at most last, with jitter. */
export function pausesAfter(
  { attempts, own }: ModelJob,
  policy: Policy | undefined,
): { readonly least: number; readonly most: number } {
  const { firstMs, lastMs } = own.backoff ?? (policy ?? DEFAULT_POLICY).backoff;
  const pause = Math.min(lastMs, firstMs * 2 ** (attempts - 1));
  return { least: Math.round(pause * (1 - JITTER)), most: Math.round(pause * (1 + JITTER)) };
}

/** Writes the attempt of a lease into the history of its job. */
export function endAttempt({ job, since }: ModelLease, end: Omit<Attempt, 'attempt' | 'startedAt'>): void {
  const attempt = { attempt: job.attempts, startedAt: since, ...end };
  job.history = [...job.history, attempt].slice(-KEPT_ATTEMPTS);
}

/** The reason of a dead letter whose last lease has ended. */
export function lossesOf({ history }: ModelJob): string {
  const times = history.filter(({ outcome }) => outcome === 'lease_ended').length;
  return `its lease ended ${times === 1 ? 'once' : `${times} times`}`;
}

import type { Attempt, ModelJob, ModelLease, Policy } from './job.js';

/** Whether and when a job that failed is tried again: the retries of semantics.md. Times are ms. */

/** Of a consumer that gives none. */
export const DEFAULT_POLICY: Policy = {
  retries: 3,
  backoff: { firstMs: 1000, lastMs: 600_000 },
  deadTtlMs: 30 * 86_400_000,
};

/** So many attempts stay with a job. */
const KEPT_ATTEMPTS = 10;
/** A pause may be shorter or longer by this part of it. */
const JITTER = 0.25;

/**
 * At most `retries` + 1 attempts. The job's own number comes before that of its lease; a lease without a policy
 * lets it be tried without end.
 */
export function hasRetryLeft({ attempts, own }: ModelJob, policy: Policy | undefined): boolean {
  return policy === undefined || attempts <= (own.retries ?? policy.retries);
}

/** The shortest and the longest pause after the attempt that has just failed: first × 2^(n-1), and last at most. */
export function pausesAfter(
  { attempts, own }: ModelJob,
  policy: Policy | undefined,
): { readonly least: number; readonly most: number } {
  const { firstMs, lastMs } = own.backoff ?? (policy ?? DEFAULT_POLICY).backoff;
  const pause = Math.min(lastMs, firstMs * 2 ** (attempts - 1));
  return { least: Math.round(pause * (1 - JITTER)), most: Math.round(pause * (1 + JITTER)) };
}

/** Writes the attempt that a lease was into the history of its job. */
export function endAttempt({ job, since }: ModelLease, end: Omit<Attempt, 'attempt' | 'startedAt'>): void {
  const attempt = { attempt: job.attempts, startedAt: since, ...end };
  job.history = [...job.history, attempt].slice(-KEPT_ATTEMPTS);
}

/** Why a job is dead whose last lease has ended. */
export function lossesOf({ history }: ModelJob): string {
  const times = history.filter(({ outcome }) => outcome === 'lease_ended').length;
  return `its lease ended ${times === 1 ? 'once' : `${times} times`}`;
}

import { type RetryPolicy, toRetryPolicy } from '../../core/retry-policy.js';

/** In place of a policy: the jobs are held for an operator, and are what they were when the lease ends. */
export const HOLD = 'hold';

/** A policy as it stands in a lease. */
export function formatPolicy(policy: RetryPolicy | typeof HOLD): string {
  if (policy === HOLD) return HOLD;
  const { retries, backoff, deadTtlMs } = policy;
  return JSON.stringify([retries, backoff.firstMs, backoff.lastMs, deadTtlMs]);
}

/** The policy of a lease; nothing when it has none, or one that no delayer wrote. */
export function policyOf({ policy }: { readonly policy: string | null }): RetryPolicy | undefined {
  if (policy === null || policy === HOLD) return undefined;
  try {
    const [retries, firstMs, lastMs, deadTtlMs] = JSON.parse(policy) as number[];
    return toRetryPolicy({ retries, backoff: { firstMs, lastMs } as RetryPolicy['backoff'], deadTtlMs });
  } catch {
    return undefined;
  }
}

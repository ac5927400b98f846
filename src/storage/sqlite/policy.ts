import { type RetryPolicy, toRetryPolicy } from '../../core/retry-policy.js';

/** A policy as it stands in a lease. */
export function formatPolicy({ retries, backoff, deadTtlMs }: RetryPolicy): string {
  return JSON.stringify([retries, backoff.firstMs, backoff.lastMs, deadTtlMs]);
}

/** The policy of a lease; nothing when it has none, or one that no delayer wrote. */
export function policyOf({ policy }: { readonly policy: string | null }): RetryPolicy | undefined {
  if (policy === null) return undefined;
  try {
    const [retries, firstMs, lastMs, deadTtlMs] = JSON.parse(policy) as number[];
    return toRetryPolicy({ retries, backoff: { firstMs, lastMs } as RetryPolicy['backoff'], deadTtlMs });
  } catch {
    return undefined;
  }
}

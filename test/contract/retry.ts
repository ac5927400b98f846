import type { LeasedJob } from '../../src/core/job.js';
import type { Queue } from '../../src/core/queue.js';
import type { NackResult } from '../../src/core/results.js';
import type { RetryOptions } from '../../src/core/retry-policy.js';
import type { Failure, Store } from '../../src/core/store.js';
import { DAY_MS, LONG_MS, only, SECOND_MS } from '../support/jobs.js';

/** Two retries; pauses of 10 s, 20 s, 25 s, 25 s and so on. */
export const POLICY = {
  retries: 2,
  backoff: { firstMs: 10 * SECOND_MS, lastMs: 25 * SECOND_MS },
  deadTtlMs: DAY_MS,
} satisfies RetryOptions;

/** Reserves the one job that is ready, under a policy, or under none. */
export async function leaseOne(
  queue: Queue,
  topic: string,
  retry: RetryOptions | false = POLICY,
  leaseMs = LONG_MS,
): Promise<LeasedJob> {
  return only((await queue.reserve({ topics: topic, limit: 10, leaseMs, retry })).jobs);
}

/** Nacks a job, by default with the exact pause of its backoff, without jitter. */
export async function fail(
  store: Store,
  job: { readonly lease: string },
  failure: Partial<Failure> = {},
  jitter = 0,
): Promise<NackResult> {
  return only(await store.nack({ leases: [job.lease], failure: { isDead: false, ...failure }, jitter }));
}

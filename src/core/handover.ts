import { v7 as uuid } from 'uuid';
import { DelayerError } from './errors.js';
import type { Job, LeasedJob } from './job.js';
import type { Popped, Store } from './store.js';

/**
 * How long (ms) a job is held between its taking and its handing over. A process that dies in between
 * costs a job so long a wait, and not the job.
 */
export const HANDOVER_LEASE_MS = 10_000;

/**
 * Pops from a store whose answers can be lost on their way: jobs are leased first, and confirmed when
 * they are here. Some whose lease was lost meanwhile are not among them.
 * @throws DelayerError with the jobs in hand, when nobody knows whether they were confirmed
 */
export async function popByLease(
  store: Pick<Store, 'take' | 'confirm'>,
  topic: Buffer,
  limit: number,
): Promise<Popped> {
  for (;;) {
    const request = { topic, limit, leaseMs: HANDOVER_LEASE_MS, token: leaseToken() };
    const { jobs: leased, nextInMs } = await store.take(request);
    if (leased.length === 0) return { jobs: [], nextInMs };
    const held = await store.confirm(leased).catch((error: unknown) => {
      if (!(error instanceof DelayerError)) throw error;
      throw new DelayerError(
        error.code,
        `${error.message}; ${leased.length} jobs were in hand, and may be gone from the queue or come back`,
        {
          hint: 'They are given with this error; look for each with `delayer inspect --id ID`.',
          cause: error,
          jobs: leased.map(withoutLease),
        },
      );
    });
    const jobs = leased.filter((_, i) => held[i] === true).map(withoutLease);
    if (jobs.length > 0) return { jobs };
  }
}

/** Random bytes for every request would take a tenth of a pop. */
const PROCESS = uuid().replaceAll('-', '');
let requests = 0;

/** Unique to one request, so that the request can be repeated when its answer was lost. */
export function leaseToken(): string {
  requests += 1;
  return `${PROCESS}-${requests.toString(16).padStart(8, '0')}`;
}

/** The job as it is handed over: ready, and no longer anyone's lease. */
export function withoutLease({ id, topic, body, dueAt, expiresAt, attempts }: LeasedJob): Job {
  return { id, topic, body, state: 'ready', dueAt, expiresAt, attempts };
}

import { DelayerError } from '../../core/errors.js';
import { jobCount } from '../../core/job.js';
import { DELIVERY_LEASE_MS, newToken, withoutLease } from '../../core/lease.js';
import type { Consumer, PopParams } from '../../core/store.js';
import { isTimeOver } from '../../core/timer.js';
import type { Burial, Popped } from '../../core/results.js';

/**
 * Pops jobs over a connection on which answers can be lost: it reserves them, and acknowledges them when they have
 * arrived. Jobs whose lease was lost meanwhile are left out.
 * @throws DelayerError with the jobs in hand, when it is unknown whether they were acknowledged
 */
export async function popByLease(
  store: Pick<Consumer, 'reserve' | 'ack'>,
  params: PopParams,
): Promise<Popped> {
  const buried: Burial[] = [];
  const { topics, limit, untilMs, signal } = params;
  const told = (popped: Popped): Popped => (buried.length === 0 ? popped : { ...popped, buried });
  for (;;) {
    // Field by field: copying the parameters with a spread takes a twentieth of a pop.
    const asked = { topics, limit, untilMs, signal, leaseMs: DELIVERY_LEASE_MS, token: newToken() };
    const reserved = await store.reserve(asked);
    buried.push(...(reserved.buried ?? []));
    if (reserved.jobs.length === 0) return told(reserved);
    const leases = reserved.jobs.map(({ lease }) => lease);
    const held = await store.ack({ leases, untilMs, signal }).catch((error: unknown) => {
      if (!(error instanceof DelayerError)) throw error;
      throw new DelayerError(
        error.code,
        `${error.message}; ${jobCount(leases.length)} already taken may be gone from the queue or come back`,
        {
          hint: 'They are given with this error; look for each by its id.',
          cause: error,
          jobs: reserved.jobs.map(withoutLease),
        },
      );
    });
    const jobs = reserved.jobs.filter((_, i) => held[i] === true).map(withoutLease);
    if (jobs.length > 0 || isTimeOver(params)) return told({ jobs });
  }
}

import type { JobRecord } from '../core/job.js';
import { distance } from './explain-flaws.js';
import { firstLine } from './reason.js';

/** Sentences about failed attempts. */

/** How the last attempt of a job that will be tried again ended; undefined when none is known. */
export function lastAttempt({ history, retries, dueAt, state }: JobRecord, now: Date): string[] {
  const last = history?.at(-1);
  if (last === undefined || last.outcome === 'dead') return [];
  const { attempt, endedAt, outcome, reason } = last;
  const number = retries === undefined ? `${attempt}` : `${attempt} of ${retries + 1}`;
  const ago = `${distance(endedAt, now)} ago`;
  const line = firstLine(reason ?? '');
  const why = line === '' ? '' : `: ${line}`;
  const again = state === 'delayed' && dueAt ? [`It is tried again at ${dueAt.toISOString()}.`] : [];
  if (outcome === 'lease_ended')
    return [`Attempt ${number} ended ${ago} with its lease: its consumer was killed, cut off or too slow.`];
  return [`Attempt ${number} failed ${ago}${why}.`, ...again];
}

/** Why a job is dead, as far as its attempts show. */
export function deadFor({ history, retries, attempts }: JobRecord): string[] {
  const last = history?.at(-1);
  const usedUp =
    retries !== undefined && attempts > retries ? [`No retry was left: it was pushed with ${retries}.`] : [];
  if (last?.outcome !== 'lease_ended') return usedUp;
  return [...usedUp, 'Its last consumer was killed, cut off or too slow: nobody ended the lease.'];
}

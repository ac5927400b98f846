import type { Bytes, JobRecord } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import type { RemoveRequest } from '../core/requests.js';
import type { RemoveResult } from '../core/results.js';
import type { Act, Outcome } from './sweep.js';

/** What the verbs of an operator do with jobs as they were seen: a job that is not so any more is left alone. */

/** Where jobs are kept before they are removed. */
export interface Archive {
  /** Rejects where they cannot be kept; then they are not removed. */
  keep(jobs: readonly JobRecord[]): Promise<void>;
  /** Is told, in order, which of those that were kept last were removed. */
  confirm(removed: readonly boolean[]): Promise<void>;
}

const toOutcome = (isDone: boolean): Outcome => (isDone ? 'done' : 'changed');

export function removing(queue: Queue, archive?: Archive): Act {
  return async (jobs) => {
    await archive?.keep(jobs);
    const removed = (await queue.removeMany(jobs.map(toRemoveRequest))).map((result) => result.removed);
    await archive?.confirm(removed);
    return removed.map(toOutcome);
  };
}

function toRemoveRequest({ id, state, dueAt, failedAt }: JobRecord): RemoveRequest {
  return { id, states: [state], ...(state === 'dead' ? { failedAt } : { dueAt }) };
}

export function promoting(queue: Queue): Act {
  return async (jobs) => {
    const results = await queue.promote(jobs.map(({ id, dueAt }) => ({ id, dueAt })));
    return results.map(({ promoted }) => toOutcome(promoted));
  };
}

/**
 * Removes the jobs of ids in any state, and keeps those that are there.
 * @returns for each id, in order, whether one was removed, and what it was
 */
export async function removeAnyState(
  queue: Queue,
  ids: readonly Bytes[],
  archive: Archive | undefined,
): Promise<RemoveResult[]> {
  if (archive === undefined) return queue.removeMany(ids, { states: 'any' });
  const found = await Promise.all(ids.map((id) => queue.find(id)));
  const jobs = found.flat();
  await archive.keep(jobs);
  const results = await queue.removeMany(jobs.map(toRemoveRequest));
  await archive.confirm(results.map(({ removed }) => removed));
  let next = 0;
  return found.map((ofId) => {
    const own = results.slice(next, (next += ofId.length));
    return own.find(({ removed }) => removed) ?? { removed: false, state: own[0]?.state ?? ofId[0]?.state };
  });
}

import type { DelayerError } from '../../core/errors.js';
import type { JobRecord } from '../../core/job.js';
import type { NewJob } from '../../core/new-job.js';
import type { OnExisting, PushResult } from '../../core/results.js';
import type { PushParams } from '../../core/store.js';

/**
 * What became of a push whose answer was lost. A job that is there with the same content has arrived; of
 * the rest, and of replacements, nobody knows. Looking never pushes twice.
 * @throws DelayerError `lost` when the store cannot be asked
 */
export async function findWhatArrived(
  find: (id: Buffer) => Promise<JobRecord[]>,
  { jobs, onExisting }: PushParams,
  lost: DelayerError,
): Promise<PushResult[]> {
  try {
    return await Promise.all(jobs.map(async (job) => resultOf(job, await find(job.id), onExisting)));
  } catch {
    throw lost;
  }
}

function resultOf({ topic, body }: NewJob, found: readonly JobRecord[], onExisting: OnExisting): PushResult {
  if (onExisting === 'replace') return { outcome: 'unknown' };
  // Leased, waiting, expired and dead jobs of that id keep no other out: they were there before.
  const living = found.filter(
    ({ state, blockedBy }) =>
      ['delayed', 'due', 'ready'].includes(state) && blockedBy?.type !== 'duplicate_id',
  );
  const same = living.find((job) => job.topic?.equals(topic) === true && job.body?.equals(body) === true);
  if (same) return { outcome: 'pushed', dueAt: same.dueAt };
  // Other content is no proof of a conflict: the job may have been pushed and popped, and its id pushed again
  // by somebody else. Where any job of that id will do, there is one.
  return { outcome: onExisting === 'keep' && living.length > 0 ? 'kept' : 'unknown' };
}

import type { DelayerError } from '../../core/errors.js';
import type { JobRecord } from '../../core/job.js';
import type { NewJob } from '../../core/new-job.js';
import type { OnExisting, PushResult } from '../../core/results.js';
import type { PushParams } from '../../core/store.js';

/**
 * Finds out what became of a push whose answer was lost. A job that is there with the same content has arrived; of
 * other jobs, and of replacements, it is unknown. Nothing is pushed here.
 * @param findQueued finds the job of an id; leased, waiting and dead ones do not matter, because they keep no other
 *   out
 * @throws DelayerError `lost` when the store cannot be asked
 */
export async function findWhatArrived(
  findQueued: (id: Buffer) => Promise<JobRecord | undefined>,
  { jobs, onExisting }: PushParams,
  lost: DelayerError,
): Promise<PushResult[]> {
  const look = async (job: NewJob) => resultOf(job, await findQueued(job.id), onExisting);
  try {
    // Only the first job, until Redis answers: while Redis is away or loads, each request is repeated, and a
    // restarted Redis has forgotten the script, whose text would be sent for each job.
    const first = await Promise.all(jobs.slice(0, 1).map(look));
    return [...first, ...(await Promise.all(jobs.slice(1).map(look)))];
  } catch {
    throw lost;
  }
}

function resultOf({ topic, body }: NewJob, found: JobRecord | undefined, onExisting: OnExisting): PushResult {
  if (onExisting === 'replace') return { outcome: 'unknown' };
  // An expired job keeps no other out either.
  const living = found !== undefined && found.state !== 'expired' ? found : undefined;
  if (living?.topic?.equals(topic) === true && living.body?.equals(body) === true)
    return { outcome: 'pushed', dueAt: living.dueAt };
  // Other content does not prove a conflict: the job may have been pushed and popped, and then its id pushed again
  // by somebody else. But with `keep`, any job of that id will do.
  return { outcome: onExisting === 'keep' && living !== undefined ? 'kept' : 'unknown' };
}

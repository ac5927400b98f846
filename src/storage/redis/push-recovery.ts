import type { DelayerError } from '../../core/errors.js';
import type { JobRecord } from '../../core/job.js';
import type { NewJob } from '../../core/new-job.js';
import type { OnExisting, PushResult } from '../../core/results.js';
import type { PushParams } from '../../core/store.js';

/**
 * What became of a push whose answer was lost. A job that is there with the same content has arrived; of
 * the rest, and of replacements, nobody knows. Looking never pushes twice.
 * @param findQueued leased, waiting and dead jobs of an id need not be found: they keep no other out
 * @throws DelayerError `lost` when the store cannot be asked
 */
export async function findWhatArrived(
  findQueued: (id: Buffer) => Promise<JobRecord | undefined>,
  { jobs, onExisting }: PushParams,
  lost: DelayerError,
): Promise<PushResult[]> {
  const look = async (job: NewJob) => resultOf(job, await findQueued(job.id), onExisting);
  try {
    // The first job alone, until Redis answers: each question is asked again and again while Redis is away or loads,
    // and one that was restarted has forgotten the script, whose text would be sent for each job.
    const first = await Promise.all(jobs.slice(0, 1).map(look));
    return [...first, ...(await Promise.all(jobs.slice(1).map(look)))];
  } catch {
    throw lost;
  }
}

function resultOf({ topic, body }: NewJob, found: JobRecord | undefined, onExisting: OnExisting): PushResult {
  if (onExisting === 'replace') return { outcome: 'unknown' };
  // One that has expired keeps no other out either.
  const living = found !== undefined && found.state !== 'expired' ? found : undefined;
  if (living?.topic?.equals(topic) === true && living.body?.equals(body) === true)
    return { outcome: 'pushed', dueAt: living.dueAt };
  // Other content is no proof of a conflict: the job may have been pushed and popped, and its id pushed again
  // by somebody else. Where any job of that id will do, there is one.
  return { outcome: onExisting === 'keep' && living !== undefined ? 'kept' : 'unknown' };
}

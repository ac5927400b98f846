import type { JobRecord } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import type { ImportRequest } from '../core/requests.js';

/**
 * Of jobs that a process was about to remove when it was killed: which are gone from the store? One that is there in
 * any state, or was taken and failed since, was not removed.
 * @returns for each, in order
 */
export async function goneFrom(queue: Queue, jobs: readonly ImportRequest[]): Promise<boolean[]> {
  const found = await Promise.all(jobs.map(({ id }) => queue.find(id)));
  return jobs.map((job, i) => !(found[i] ?? []).some((there) => isSame(job, there)));
}

function isSame(job: ImportRequest, there: JobRecord): boolean {
  if (job.key !== undefined && job.key === there.key) return true;
  const isOfTopic = there.topic?.equals(Buffer.from(job.topic)) === true;
  if (job.state === 'dead')
    return there.state === 'dead' && isOfTopic && sameTime(job.failedAt, there.failedAt);
  return isOfTopic && there.state !== 'dead' && sameTime(job.dueAt, there.dueAt);
}

const sameTime = (a: Date | undefined, b: Date | undefined): boolean => a?.getTime() === b?.getTime();

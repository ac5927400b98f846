import type { JobRecord } from '../core/job.js';
import type { Problem, ScanPart } from '../core/views.js';

/** Jobs with an empty id or topic, as only other programs write them, cannot be named, so no verb can act on them. */
export function withoutUnnamed(jobs: readonly JobRecord[], lookedAt: number): ScanPart {
  if (jobs.every(isNamed)) return { jobs, lookedAt };
  return { jobs: jobs.filter(isNamed), lookedAt, problems: [UNNAMED] };
}

const isNamed = ({ id, topic }: JobRecord): boolean => id.length > 0 && topic?.length !== 0;

const UNNAMED: Problem = {
  code: 'name_empty',
  message: 'a job that another program has written has an empty id or topic, and is passed over',
  hint: 'Give it one; a diagnosis names the commands.',
};

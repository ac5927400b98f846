import type { JobRecord } from '../../../core/job.js';
import { listAside } from '../scripts/list.js';
import type { Read } from './read.js';

/** All jobs that were set aside, each once; usually there is none. */
export async function* asideJobs(read: Read): AsyncGenerator<JobRecord> {
  const seen = new Set<string>();
  let cursor = '0';
  do {
    const from = cursor;
    const { next, jobs } = await read((target) => listAside(target, from));
    for (const job of jobs) {
      const name = job.id.toString('latin1');
      // HSCAN may return one twice.
      if (!seen.has(name)) yield job;
      seen.add(name);
    }
    cursor = next;
  } while (cursor !== '0');
}

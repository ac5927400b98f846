import type { Bytes, JobRecord } from '../../../core/job.js';
import type { FlawedJobs } from '../../../core/views.js';
import type { Flawed } from '../scripts/count.js';
import { asideJobs } from './aside.js';
import { poolParts, readyParts } from './count-parts.js';
import { placesIn, readyLists } from './entries.js';
import { find } from './find.js';
import type { Finder } from './find-queued.js';

const nameOf = (id: Bytes): string => id.toString('latin1');

/** Up to `limit` jobs with a flaw, each looked up by its id. */
export async function findFlawed(finder: Finder, limit: number): Promise<FlawedJobs> {
  const flawed: JobRecord[] = [];
  const seen = new Set<string>();
  for await (const { id, listedIn } of flawedIds(finder)) {
    if (seen.has(nameOf(id))) continue;
    seen.add(nameOf(id));
    const jobs = await find(finder, Buffer.from(id));
    const marked = listedIn ? await withOldEntry(finder, jobs, listedIn) : jobs;
    // The flaw may be mended by now.
    const found = marked.filter(
      ({ flaw, blockedBy }) => flaw !== undefined || blockedBy?.type === 'wrong_type',
    );
    for (const job of found) {
      if (flawed.length === limit) return { jobs: flawed, more: true };
      flawed.push(job);
    }
  }
  return { jobs: flawed, more: false };
}

/** A job that is ready in its own list may have an entry in that of another topic, where no look at it alone finds it. */
async function withOldEntry(
  { read, keys }: Finder,
  jobs: readonly JobRecord[],
  listedIn: Buffer,
): Promise<readonly JobRecord[]> {
  const [job] = jobs;
  if (job?.state !== 'ready' || job.flaw || job.topic?.equals(listedIn) !== false) return jobs;
  const isThere = (await placesIn(read, keys.ready(listedIn), Buffer.from(job.id))).length > 0;
  return isThere ? [{ ...job, flaw: { type: 'old_entry', listedIn } }, ...jobs.slice(1)] : jobs;
}

interface FlawedId {
  readonly id: Bytes;
  /** The topic of the ready list in which it was seen. */
  readonly listedIn?: Buffer;
}

async function* flawedIds({ read, keys }: Finder): AsyncGenerator<FlawedId> {
  const type = await read(({ redis }) => redis.type(keys.pool));
  if (type === 'zset') {
    for await (const { bodiless } of poolParts(read))
      for (const { id, what } of bodiless) if (what !== 'expired') yield { id };
  }
  for await (const { id } of asideJobs(read)) yield { id };
  for await (const { topic, type } of readyLists(read, keys)) {
    if (type !== 'list') continue;
    const ready = new Set<string>();
    for await (const { alive, flawed } of readyParts(read, topic)) {
      yield* flawed.map(({ id }: Flawed) => ({ id, listedIn: topic }));
      for (const name of alive) {
        if (ready.has(name)) yield { id: Buffer.from(name, 'latin1') };
        ready.add(name);
      }
    }
  }
}

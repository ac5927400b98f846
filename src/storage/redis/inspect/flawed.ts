import type { Bytes } from '../../../core/job.js';
import type { FlawedJobs } from '../../../core/views.js';
import type { Flawed } from '../scripts/count.js';
import { asideJobs } from './aside.js';
import { poolParts, readyParts } from './count-parts.js';
import { readyLists } from './entries.js';
import { find } from './find.js';
import type { Finder } from './find-queued.js';

const nameOf = (id: Bytes): string => id.toString('latin1');

/** Up to `limit` jobs with a flaw, each looked up by its id. */
export async function findFlawed(finder: Finder, limit: number): Promise<FlawedJobs> {
  const jobs: FlawedJobs['jobs'] = [];
  const seen = new Set<string>();
  for await (const id of flawedIds(finder)) {
    if (seen.has(nameOf(id))) continue;
    seen.add(nameOf(id));
    // The flaw may be mended by now.
    const found = (await find(finder, Buffer.from(id))).filter(
      ({ flaw, blockedBy }) => flaw !== undefined || blockedBy?.type === 'wrong_type',
    );
    for (const job of found) {
      if (jobs.length === limit) return { jobs, more: true };
      jobs.push(job);
    }
  }
  return { jobs, more: false };
}

async function* flawedIds({ read, keys }: Finder): AsyncGenerator<Bytes> {
  const type = await read(({ redis }) => redis.type(keys.pool));
  if (type === 'zset') {
    for await (const { bodiless } of poolParts(read))
      for (const { id, what } of bodiless) if (what !== 'expired') yield id;
  }
  for await (const { id } of asideJobs(read)) yield id;
  for await (const { topic, type } of readyLists(read, keys)) {
    if (type !== 'list') continue;
    const ready = new Set<string>();
    for await (const { alive, flawed } of readyParts(read, topic)) {
      yield* flawed.map(({ id }: Flawed) => id);
      for (const name of alive) {
        if (ready.has(name)) yield Buffer.from(name, 'latin1');
        ready.add(name);
      }
    }
  }
}

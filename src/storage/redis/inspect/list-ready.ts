import type { JobRecord } from '../../../core/job.js';
import { listReady } from '../scripts/list.js';
import type { Read } from './read.js';

/**
 * Entries before and behind those that are listed among which other entries of the same jobs are looked for:
 * two original daemons leave them no further apart than one of their ticks is large.
 */
const AROUND = 2000;

/** A part of a ready list in the order of popping. A job that is in it twice is listed once, where it is delivered. */
export async function listReadyPart(read: Read, topic: Buffer, skip: number, limit: number) {
  const part = await read((target) => listReady(target, topic, skip, limit));
  if (part.jobs.length === 0) return part;
  const [first, last] = [Math.max(0, skip - AROUND), skip + part.lookedAt + AROUND];
  const names = await namesBetween(read, topic, first, last);
  const entries = new Map<string, number>();
  for (const name of names) entries.set(name, (entries.get(name) ?? 0) + 1);
  const listed = new Set(names.slice(0, skip - first));
  const jobs = part.jobs.flatMap((job): JobRecord[] => {
    const name = job.id.toString('latin1');
    if (listed.has(name)) return [];
    listed.add(name);
    const count = entries.get(name) ?? 1;
    return [count > 1 ? { ...job, flaw: { type: 'doubled_entry', entries: count } } : job];
  });
  return { ...part, jobs };
}

/** Ids as latin1 in the order of popping, from one place in it to another. */
async function namesBetween(read: Read, topic: Buffer, first: number, last: number): Promise<string[]> {
  const names: string[] = [];
  for (let from = first; from < last; from += 1000) {
    const to = Math.min(from + 1000, last);
    const ids = await read(({ redis, keys }) => redis.lrangeBuffer(keys.ready(topic), -to, -from - 1));
    for (const id of ids.reverse()) names.push(id.toString('latin1'));
    if (ids.length < to - from) break;
  }
  return names;
}

import type { Bytes } from '../../../core/job.js';
import type { FlawedJobs } from '../../../core/results.js';
import { countPool, countReady, type Flawed } from '../scripts/count.js';
import { SET_START, type SetPlace } from '../scripts/list.js';
import { asideJobs } from './aside.js';
import { readyLists } from './entries.js';
import { find } from './find.js';
import type { Finder } from './living.js';
import { type Read, WINDOW } from './read.js';

const nameOf = (id: Bytes): string => id.toString('latin1');

/** Up to `limit` jobs that something is wrong with, each as it is found by its id. */
export async function findFlawed(finder: Finder, limit: number): Promise<FlawedJobs> {
  const jobs: FlawedJobs['jobs'] = [];
  const seen = new Set<string>();
  for await (const id of flawedIds(finder)) {
    if (seen.has(nameOf(id))) continue;
    seen.add(nameOf(id));
    // It may be mended by now.
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
  if (type === 'zset') for await (const { bodiless } of poolParts(read)) yield* bodiless.map(({ id }) => id);
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

/** The pool, counted part by part. */
export async function* poolParts(read: Read): AsyncGenerator<Awaited<ReturnType<typeof countPool>>> {
  let last: SetPlace = SET_START;
  do {
    const after = last;
    const part = await read((target) => countPool(target, after, WINDOW));
    yield part;
    last = part.last;
  } while (last.score !== '');
}

/** A ready list, counted part by part from the left. */
export async function* readyParts(
  read: Read,
  topic: Buffer,
): AsyncGenerator<Awaited<ReturnType<typeof countReady>>> {
  for (let first = 0; ; first += WINDOW) {
    const from = first;
    const part = await read((target) => countReady(target, topic, from, from + WINDOW - 1));
    yield part;
    if (part.lookedAt < WINDOW) return;
  }
}

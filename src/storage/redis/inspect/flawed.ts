import type { Bytes } from '../../../core/job.js';
import type { FlawedJobs } from '../../../core/results.js';
import { countPool, countReady, type Flawed } from '../scripts/count.js';
import { SET_START, type SetPlace } from '../scripts/list.js';
import { asideJobs } from './aside.js';
import { readyLists } from './entries.js';
import { find } from './find.js';
import type { Finder } from './living.js';
import { COUNT_WINDOW, type Read } from './read.js';

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

/** The pool, counted part by part; the parameters are those of PoolPart. The next part is asked for while the caller is busy with this one. */
export async function* poolParts(
  read: Read,
  isPlain = false,
  beyondMs?: number,
): AsyncGenerator<Awaited<ReturnType<typeof countPool>>> {
  const ask = (after: SetPlace) =>
    read((target) => countPool(target, after, { limit: COUNT_WINDOW, isPlain, beyondMs }));
  for (let next: ReturnType<typeof ask> | undefined = ask(SET_START); next;) {
    const part: Awaited<ReturnType<typeof ask>> = await next;
    next = part.last.score === '' ? undefined : ahead(ask(part.last));
    yield part;
  }
}

/** A ready list, counted part by part from the left, in the same way. */
export async function* readyParts(
  read: Read,
  topic: Buffer,
  isPlain = false,
): AsyncGenerator<Awaited<ReturnType<typeof countReady>>> {
  const part = { limit: COUNT_WINDOW, isPlain };
  const ask = (from: number) => read((target) => countReady(target, topic, from, part));
  let next: ReturnType<typeof ask> | undefined = ask(0);
  for (let first = COUNT_WINDOW; next; first += COUNT_WINDOW) {
    const counted: Awaited<ReturnType<typeof ask>> = await next;
    next = counted.lookedAt < COUNT_WINDOW ? undefined : ahead(ask(first));
    yield counted;
  }
}

/** Where the caller ends before, nobody waits for what was asked ahead. */
function ahead<T>(asked: Promise<T>): Promise<T> {
  asked.catch(() => undefined);
  return asked;
}

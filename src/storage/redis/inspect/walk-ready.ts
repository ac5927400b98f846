import type { JobRecord } from '../../../core/job.js';
import { listReady } from '../scripts/list.js';
import { type Read, WINDOW } from './read.js';

/** How many of the last entries are remembered, to find the place again when entries have left. */
const REMEMBERED = 2 * WINDOW;
/** Entries that one call reads while it looks for the place. */
const READ_AT_ONCE = 1000;

/**
 * How often it looks for the place again, since others may take entries all the time. After that some entries may be
 * seen twice.
 */
const MOST_MISSES = 5;

interface Place {
  /** How many entries from the head have been walked. */
  readonly skip: number;
  /** The last of these entries. */
  readonly behind?: Buffer | undefined;
}

/**
 * The jobs of a ready list in the order of popping, part by part, while entries leave it anywhere and return to its
 * head. An entry that stays is seen once, as long as its place among the last {@link REMEMBERED} is known.
 */
export async function* walkReady(
  read: Read,
  topic: Buffer,
): AsyncGenerator<{ readonly jobs: readonly JobRecord[]; readonly lookedAt: number }> {
  let place: Place = { skip: 0 };
  let seen: Buffer[] = [];
  for (let misses = 0; ;) {
    const from = misses < MOST_MISSES ? place : { skip: Math.max(0, place.skip - WINDOW) };
    const part = await read((target) => listReady(target, topic, { ...from, limit: WINDOW }));
    if (!part) {
      misses += 1;
      place = await placeBehind(read, topic, place.skip, seen);
      continue;
    }
    misses = 0;
    const names = new Set(seen.map(nameOf));
    // An original daemon may have inserted a job twice.
    const jobs = part.jobs.filter(({ id }) => {
      const name = id.toString('latin1');
      return !names.has(name) && names.add(name);
    });
    place = { skip: from.skip + part.lookedAt, behind: part.ids.at(-1) };
    seen = [...seen, ...part.ids].slice(-REMEMBERED);
    yield { jobs, lookedAt: part.lookedAt };
    if (part.atEnd) return;
  }
}

const nameOf = (id: Buffer): string => id.toString('latin1');

/** Where the walk continues: after the last of the remembered entries, or at the head when none is left. */
async function placeBehind(read: Read, topic: Buffer, skip: number, seen: readonly Buffer[]): Promise<Place> {
  const names = new Set(seen.map(nameOf));
  for (let from = skip; from > 0; from -= READ_AT_ONCE) {
    const [first, last] = [from, Math.max(0, from - READ_AT_ONCE)];
    const ids = await read(({ redis, keys }) => redis.lrangeBuffer(keys.ready(topic), -first, -last - 1));
    // The list may have become shorter.
    const start = last + ids.length;
    const at = ids.findIndex((id) => names.has(nameOf(id)));
    if (at >= 0) return { skip: start - at, behind: ids[at] };
  }
  return { skip: 0 };
}

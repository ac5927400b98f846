import { countDead, countPool, type Counted, countReady, type DeadPlace } from '../scripts/count.js';
import { SET_START, type SetPlace } from '../scripts/list.js';
import type { Read } from './read.js';

/** How long (ms) a counting call may block Redis; then others have their turn. */
const AIMED_MS = 3;
/**
 * How many jobs such a call looks at. Two calls are under way at once, and Redis may run one right after the other.
 */
const WINDOW = { first: 500, least: 100, most: 3000 };
const UNDER_WAY = 2;

/** Decides how many jobs the next call looks at, by how long earlier calls took. */
class Window {
  jobs = WINDOW.first;

  adapt({ lookedAt, tookMs }: Counted): void {
    if (lookedAt === 0) return;
    const wanted = tookMs > 0 ? (lookedAt * AIMED_MS) / tookMs : Infinity;
    this.jobs = Math.round(Math.max(WINDOW.least, Math.min(WINDOW.most, 2 * this.jobs, wanted)));
  }
}

export type PoolCount = Awaited<ReturnType<typeof countPool>>;
export type ReadyCount = Awaited<ReturnType<typeof countReady>>;

/**
 * Counts the pool part by part; the parameters are those of PoolPart. The next part is requested while the caller
 * works on this one.
 */
export async function* poolParts(read: Read, isPlain = false, beyondMs?: number): AsyncGenerator<PoolCount> {
  const window = new Window();
  const ask = (after: SetPlace) =>
    read((target) => countPool(target, after, { limit: window.jobs, isPlain, beyondMs }));
  for (let next: Promise<PoolCount> | undefined = ask(SET_START); next;) {
    const part: PoolCount = await next;
    window.adapt(part);
    next = part.last.score === '' ? undefined : ahead(ask(part.last));
    yield part;
  }
}

/**
 * Counts a ready list part by part from the left. It misses no entry, because pushes only move entries to the right.
 * @param entries its length, as far as it is known: parts within it are requested before others are answered
 */
export async function* readyParts(
  read: Read,
  topic: Buffer,
  { isPlain = false, entries = 0 } = {},
): AsyncGenerator<ReadyCount> {
  const window = new Window();
  const asked: { readonly limit: number; readonly part: Promise<ReadyCount> }[] = [];
  for (let first = 0; ;) {
    while (asked.length === 0 || (asked.length < UNDER_WAY && first < entries)) {
      const [from, limit] = [first, window.jobs];
      asked.push({
        limit,
        part: ahead(read((target) => countReady(target, topic, from, { limit, isPlain }))),
      });
      first += limit;
    }
    const next = asked.shift();
    if (!next) return;
    const part = await next.part;
    window.adapt(part);
    yield part;
    if (part.lookedAt < next.limit) return;
  }
}

/** Ids of dead letters that one call looks at. */
const DEAD_WINDOW = 50;

/** Counts the dead letters part by part. */
export async function* deadParts(read: Read): AsyncGenerator<Awaited<ReturnType<typeof countDead>>> {
  for (let place: DeadPlace | undefined = { rank: 0, older: 0 }; place;) {
    const from: DeadPlace = place;
    const part = await read((target) => countDead(target, from, DEAD_WINDOW));
    yield part;
    place = part.next;
  }
}

/** When the caller stops early, nobody waits for what was requested ahead. */
function ahead<T>(asked: Promise<T>): Promise<T> {
  asked.catch(() => undefined);
  return asked;
}

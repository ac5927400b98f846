import { countPool, type Counted, countReady } from '../scripts/count.js';
import { SET_START, type SetPlace } from '../scripts/list.js';
import type { Read } from './read.js';

/** So long (ms) a call that counts may hold Redis: others have their turn after it. */
const AIMED_MS = 3;
/** Jobs that such a call looks at. Two are under way at once, which Redis may run one after the other. */
const WINDOW = { first: 500, least: 100, most: 3000 };
const UNDER_WAY = 2;

/** How many jobs the next call looks at, by the time that those before it took. */
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
 * The pool, counted part by part; the parameters are those of PoolPart. The next part is asked for while the caller is
 * busy with this one.
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
 * A ready list, counted part by part from the left. None is missed: what is pushed meanwhile moves the others on.
 * @param entries how many it has, as far as that is known: parts within it are asked for before others are answered
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

/** Where the caller ends before, nobody waits for what was asked ahead. */
function ahead<T>(asked: Promise<T>): Promise<T> {
  asked.catch(() => undefined);
  return asked;
}

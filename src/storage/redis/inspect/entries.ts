import { monotonicMs } from '../../../core/timer.js';
import type { Keys } from '../keys.js';
import { type Read, SCAN_WINDOW } from './read.js';

/** Entries of a ready list, and bytes of ids, that are read at once; more would block Redis for too long. */
const MOST_ENTRIES = 1000;
const MOST_BYTES = 256 * 1024;
const FIRST_WINDOW = 100;
/** Entries by which the next part may have moved to the left meanwhile; and how often to begin anew when it is more. */
const OVERLAP = 100;
const MOST_BEGINNINGS = 3;

/**
 * A search through all ready lists is not made when the database has more keys, or the lists more entries, than
 * this.
 */
const SEARCHED_KEYS = 200_000;
const SEARCHED_ENTRIES = 100_000;
/**
 * If reading the names of lists took so long (ms), they are reused for ten times that time, in a database of more
 * than so many keys. In a smaller one the network or the machine was slow, and reading again finds new lists.
 */
const SLOW_SCAN_MS = 50;
const FEW_KEYS = 10_000;

export interface ReadyList {
  readonly topic: Buffer;
  readonly key: Buffer;
  readonly type: string;
}

const nameOf = (id: Buffer): string => id.toString('latin1');

/**
 * The entries of a ready list from the left, part by part, each after the last entry of the part before: pushes move
 * entries to the right, and what others take out moves them to the left. When that entry is not near any more, it begins
 * anew with a part at 0.
 */
async function* readEntries(
  read: Read,
  key: Buffer,
  last = Infinity,
): AsyncGenerator<{ readonly at: number; readonly ids: readonly Buffer[] }> {
  let window = FIRST_WINDOW;
  let before: Buffer | undefined;
  let beginnings = 1;
  for (let at = 0; at <= last;) {
    const [from, to] = [before ? Math.max(0, at - OVERLAP) : at, Math.min(at + window - 1, last)];
    const ids = await read(({ redis }) => redis.lrangeBuffer(key, from, to));
    const isBefore = (id: Buffer | undefined) => before !== undefined && id?.equals(before) === true;
    const place = isBefore(ids[at - 1 - from]) ? at - 1 - from : ids.findIndex(isBefore);
    if (before && place < 0 && beginnings < MOST_BEGINNINGS) {
      [at, before, beginnings] = [0, undefined, beginnings + 1];
      continue;
    }
    const part = place < 0 ? ids.slice(at - from) : ids.slice(place + 1);
    at = from + ids.length - part.length;
    yield { at, ids: part };
    if (ids.length < to - from + 1) return;
    before = ids.at(-1);
    at = from + ids.length;
    const bytes = ids.reduce((sum, id) => sum + id.length, 0) / ids.length;
    window = Math.max(1, Math.min(MOST_ENTRIES, Math.floor(MOST_BYTES / Math.max(1, bytes))));
  }
}

/** The index of an id in a ready list, from the left; undefined when the key is not a list. */
export async function placesIn(read: Read, key: Buffer, id: Buffer): Promise<number[]> {
  if ((await read(({ redis }) => redis.type(key))) !== 'list') return [];
  const places: number[] = [];
  for await (const { at, ids } of readEntries(read, key)) {
    if (at === 0) places.length = 0;
    for (const [i, one] of ids.entries()) if (one.equals(id)) places.push(at + i);
  }
  return places;
}

/** The ready keys of this prefix, each once, with their types. */
export async function* readyLists(read: Read, keys: Keys): AsyncGenerator<ReadyList> {
  const stemBytes = Buffer.byteLength(keys.readyStem);
  const seen = new Set<string>();
  let cursor = '0';
  do {
    const from = cursor;
    const [next, names] = (await read(({ redis }) =>
      redis.callBuffer('SCAN', from, 'MATCH', keys.readyPattern, 'COUNT', SCAN_WINDOW),
    )) as [Buffer, Buffer[]];
    cursor = next.toString();
    // SCAN may return a key twice.
    const fresh = names.filter((key) => !seen.has(nameOf(key)));
    for (const key of fresh) seen.add(nameOf(key));
    if (fresh.length === 0) continue;
    const types = await read(({ redis }) => Promise.all(fresh.map((key) => redis.type(key))));
    for (const [i, key] of fresh.entries()) {
      const type = types[i] ?? 'none';
      if (type !== 'none') yield { topic: Buffer.from(key.subarray(stemBytes)), key, type };
    }
  } while (cursor !== '0');
}

/**
 * Searches the ready lists of all topics for ids, because an original daemon does not note where it puts a job, and
 * the body that names the topic is gone. In a store that is too large it finds nothing.
 */
export class EntrySearch {
  private lists: readonly ReadyList[] = [];
  private listsUntil = -Infinity;

  constructor(
    private readonly read: Read,
    private readonly keys: Keys,
  ) {}

  /** By id (as latin1), the topic in whose ready list it stands. */
  async find(ids: readonly Buffer[]): Promise<Map<string, Buffer>> {
    const found = new Map<string, Buffer>();
    if (ids.length === 0) return found;
    const wanted = new Set(ids.map(nameOf));
    let entriesLeft = SEARCHED_ENTRIES;
    for (const { topic, key } of await this.allLists()) {
      const entries = await this.read(({ redis }) => redis.llen(key).catch(() => 0));
      entriesLeft -= entries;
      if (entriesLeft < 0) break;
      if (entries === 0) continue;
      for await (const part of readEntries(this.read, key, entries - 1)) {
        for (const id of part.ids) if (wanted.has(nameOf(id))) found.set(nameOf(id), topic);
      }
    }
    return found;
  }

  private async allLists(): Promise<readonly ReadyList[]> {
    const began = monotonicMs();
    if (began < this.listsUntil) return this.lists;
    const keys = await this.read(({ redis }) => redis.dbsize());
    if (keys > SEARCHED_KEYS) return [];
    const lists: ReadyList[] = [];
    for await (const list of readyLists(this.read, this.keys)) if (list.type === 'list') lists.push(list);
    const tookMs = monotonicMs() - began;
    this.lists = lists;
    const isLarge = keys > FEW_KEYS && tookMs >= SLOW_SCAN_MS;
    this.listsUntil = isLarge ? monotonicMs() + 10 * tookMs : -Infinity;
    return lists;
  }
}

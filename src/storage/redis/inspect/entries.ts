import { monotonicMs } from '../../../core/timer.js';
import type { Keys } from '../keys.js';
import { type Read, SCAN_WINDOW } from './read.js';

/** Entries of a ready list that are read at once, and bytes of ids: more would hold Redis for too long. */
const MOST_ENTRIES = 1000;
const MOST_BYTES = 256 * 1024;
const FIRST_WINDOW = 100;

/** A search through all ready lists gives up beyond so many keys of the database, and entries of lists. */
const SEARCHED_KEYS = 200_000;
const SEARCHED_ENTRIES = 100_000;
/**
 * Names of lists that took so long (ms) to be read are used for ten times as long, in a database of more than so many
 * keys: in a smaller one it was the line or the machine that was slow, and a list that is new meanwhile is found.
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
 * The entries of a ready list from the left, part by part. None is missed: what is pushed meanwhile moves
 * them on, and never back.
 */
export async function* readEntries(
  read: Read,
  key: Buffer,
  first = 0,
  last = Infinity,
): AsyncGenerator<{ readonly at: number; readonly ids: readonly Buffer[] }> {
  let window = FIRST_WINDOW;
  for (let at = first; at <= last;) {
    const [from, to] = [at, Math.min(at + window - 1, last)];
    const ids = await read(({ redis }) => redis.lrangeBuffer(key, from, to));
    yield { at, ids };
    if (ids.length < window) return;
    at += ids.length;
    const bytes = ids.reduce((sum, id) => sum + id.length, 0) / ids.length;
    window = Math.max(1, Math.min(MOST_ENTRIES, Math.floor(MOST_BYTES / Math.max(1, bytes))));
  }
}

/** Where an id stands in a ready list, from the left; none when the key is no list. */
export async function placesIn(read: Read, key: Buffer, id: Buffer): Promise<number[]> {
  if ((await read(({ redis }) => redis.type(key))) !== 'list') return [];
  const places: number[] = [];
  for await (const { at, ids } of readEntries(read, key)) {
    for (const [i, one] of ids.entries()) if (one.equals(id)) places.push(at + i);
  }
  return places;
}

/** The ready keys of this prefix, each once, with what they hold. */
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
    // SCAN may name a key twice.
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
 * Looks for ids in the ready lists of all topics: an original daemon leaves no note of where it put a job
 * whose body is gone by now. Of a store that is too large for that it answers nothing.
 */
export class EntrySearch {
  private lists: readonly ReadyList[] = [];
  private listsUntil = -Infinity;

  constructor(
    private readonly read: Read,
    private readonly keys: Keys,
  ) {}

  /** By id (as latin1), the topic in whose list it stands. */
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
      for await (const part of readEntries(this.read, key, 0, entries - 1)) {
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

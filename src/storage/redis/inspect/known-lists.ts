import { chunks } from '../../../core/chunks.js';
import type { Keys } from '../keys.js';
import { topicsOfAllKeys } from '../scripts/count.js';
import { type ReadyList, readyLists } from './entries.js';
import type { Read } from './read.js';
import { listTopics, type Sizes } from './sizes.js';

/** Of no more topics the lists are looked at in one call. */
const MOST_TOPICS = 1000;
/** Keys whose types are asked for at once. */
const TYPES_AT_ONCE = 1000;

const nameOf = (topic: Buffer): string => topic.toString('latin1');

/**
 * The ready lists, told without a look at the names of all keys: those of the topics that were seen, where all keys of
 * the database are accounted for by them. That takes an entry for a key: where one is found that has none (an expired
 * or doubled job), there may be another list all the same.
 * @returns nothing where there may be others
 */
export async function knownLists(read: Read, keys: Keys): Promise<ReadyList[] | undefined> {
  const topics = await read((target) => topicsOfAllKeys(target, MOST_TOPICS));
  return topics?.map((topic) => ({ topic, key: keys.ready(topic), type: 'list' }));
}

/** The same by the names of all keys. */
export async function allLists(read: Read, keys: Keys): Promise<ReadyList[]> {
  const all: ReadyList[] = [];
  for await (const list of readyLists(read, keys)) all.push(list);
  return all;
}

/** The ready lists of all keys but those. */
export async function otherLists(read: Read, keys: Keys, lists: readonly ReadyList[]): Promise<ReadyList[]> {
  const known = new Set(lists.map(({ topic }) => nameOf(topic)));
  return (await allLists(read, keys)).filter(({ topic }) => !known.has(nameOf(topic)));
}

/** A job that was promoted into a new list before its part of the pool was counted is in none of those that were found. */
export async function listsMadeMeanwhile(
  read: Read,
  keys: Keys,
  sizes: Sizes,
  lists: readonly ReadyList[],
): Promise<ReadyList[]> {
  const found = new Set(lists.map(({ topic }) => nameOf(topic)));
  const others = (await listTopics(read, keys, sizes.allKeys)).filter((topic) => !found.has(nameOf(topic)));
  const made: ReadyList[] = [];
  for (const some of chunks(others, TYPES_AT_ONCE)) {
    const types = await read(({ redis }) =>
      Promise.all(
        some.map(async (topic) => {
          const key = keys.ready(topic);
          return { topic, key, type: await redis.type(key) };
        }),
      ),
    );
    made.push(...types.filter(({ type }) => type !== 'none'));
  }
  return made;
}

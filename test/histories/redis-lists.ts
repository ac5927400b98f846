import { Difference } from './difference.js';
import { type Ground, PREFIX } from './ground.js';
import type { RedisLine } from './redis-line.js';
import { TOPICS } from './operations.js';

/** The ready lists by topic, as original clients pop them: the next one first. None of another store. */
export async function readyLists({ redis }: Ground): Promise<Map<string, string[]>> {
  const lists = new Map<string, string[]>();
  if (!redis) return lists;
  const pipeline = redis.raw.pipeline();
  for (const topic of TOPICS) pipeline.lrange(`${PREFIX}:ready_queue:${topic}`, 0, -1);
  const answers = (await pipeline.exec()) ?? [];
  for (const [i, topic] of TOPICS.entries()) {
    const [error, ids] = answers[i] ?? [];
    // Popped at the right. A key of a wrong type has none.
    lists.set(topic, error ? [] : (ids as string[]).reverse());
  }
  return lists;
}

/**
 * Holds the ready lists beside the model. Entries that stand for no job may be cleared away at any time, and
 * where a job came back among entries whose places nobody knows, any place of it is right: these the model
 * learns from the store.
 */
export function adoptLists(
  lists: ReadonlyMap<string, readonly string[]>,
  line: RedisLine,
  now: number,
): void {
  for (const topic of TOPICS) {
    const seen = lists.get(topic) ?? [];
    const expected = line.list(topic);
    const isLoose = (id: string) => line.loose.has(id);
    const fits =
      isWithout(expected, seen, (id) => !line.counts(id, topic, now)) ||
      (expected.some(isLoose) &&
        isWithout(
          expected.filter((id) => !isLoose(id)),
          seen.filter((id) => !isLoose(id)),
          (id) => !line.counts(id, topic, now),
        ) &&
        expected.filter(isLoose).sort().join() === seen.filter(isLoose).sort().join());
    if (!fits) throw new Difference(`the ready list of ${topic}`, expected.join(' '), seen.join(' '));
    line.lists.set(topic, [...seen]);
  }
  line.loose.clear();
}

/** Is `seen` what is left of `expected` without some items of which `mayGo` is true? */
function isWithout(
  expected: readonly string[],
  seen: readonly string[],
  mayGo: (id: string) => boolean,
): boolean {
  let at = 0;
  const isLast = (id: string, i: number) => !expected.includes(id, i + 1);
  for (const [i, id] of expected.entries()) {
    if (seen[at] === id) at += 1;
    // Of an id that stands in the list twice, one entry may go.
    else if (!mayGo(id) && isLast(id, i) && !expected.slice(0, i).includes(id)) return false;
  }
  return at === seen.length;
}

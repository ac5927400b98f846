import { Difference } from './difference.js';
import { type Ground, PREFIX } from './ground.js';
import type { RedisLine } from './redis-line.js';
import { TOPICS } from './operations.js';

/** The ready lists of Redis by topic, the next entry to pop first; empty on SQLite. */
export async function readyLists({ redis }: Ground): Promise<Map<string, string[]>> {
  const lists = new Map<string, string[]>();
  if (!redis) return lists;
  const pipeline = redis.raw.pipeline();
  for (const topic of TOPICS) pipeline.lrange(`${PREFIX}:ready_queue:${topic}`, 0, -1);
  const answers = (await pipeline.exec()) ?? [];
  for (const [i, topic] of TOPICS.entries()) {
    const [error, ids] = answers[i] ?? [];
    // Entries are popped from the right. A key of a wrong type has none.
    lists.set(topic, error ? [] : (ids as string[]).reverse());
  }
  return lists;
}

/**
 * Compares the ready lists with the model. The model learns from the store which entries without a job were cleared
 * away, and the place of a job that came back among entries of unknown places.
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

/** Whether `seen` is `expected` without some items for which `mayGo` is true. */
function isWithout(
  expected: readonly string[],
  seen: readonly string[],
  mayGo: (id: string) => boolean,
): boolean {
  let at = 0;
  const isLast = (id: string, i: number) => !expected.includes(id, i + 1);
  for (const [i, id] of expected.entries()) {
    if (seen[at] === id) at += 1;
    // One of two entries of an id may go.
    else if (!mayGo(id) && isLast(id, i) && !expected.slice(0, i).includes(id)) return false;
  }
  return at === seen.length;
}

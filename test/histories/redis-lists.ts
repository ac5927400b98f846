import type { Redis } from 'ioredis';
import { Difference } from './difference.js';
import { PREFIX } from './ground.js';
import type { RedisLine } from './redis-line.js';
import { TOPICS } from './operations.js';

/**
 * Holds the ready lists, as original clients pop them, beside the model. Entries that stand for no job may be
 * cleared away at any time, and where a job came back among entries whose places nobody knows, any place of it
 * is right: these the model learns from the store.
 */
export async function adoptLists(raw: Redis, line: RedisLine, now: number): Promise<void> {
  const lists = await Promise.all(
    TOPICS.map((topic) => raw.lrange(`${PREFIX}:ready_queue:${topic}`, 0, -1).catch(() => [])),
  );
  for (const [i, topic] of TOPICS.entries()) {
    // Popped at the right.
    const seen = (lists[i] ?? []).reverse();
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
    line.lists.set(topic, seen);
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

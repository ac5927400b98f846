import { expect } from 'chai';
import type { Queue } from '../../src/core/queue.js';

/** Ids of jobs by what the commands reported of them. */
export interface Fates {
  readonly pushed: Iterable<string>;
  readonly delivered?: Iterable<string>;
  readonly removed?: Iterable<string>;
}

/** The ids of all jobs of a topic, in any state. */
export async function idsInQueue(queue: Queue, topic: string): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await queue.list(topic, { limit: 5000, cursor });
    ids.push(...page.jobs.map(({ id }) => id.toString()));
    ({ cursor } = page);
  } while (cursor !== undefined);
  return ids;
}

/**
 * Expects after a fault, for each job: pushed = delivered + removed + in the queue. No job is missing, in two places
 * or delivered twice.
 */
export async function expectAllAccountedFor(queue: Queue, topic: string, fates: Fates): Promise<void> {
  const places = [...(fates.delivered ?? []), ...(fates.removed ?? []), ...(await idsInQueue(queue, topic))];
  const seen = new Set<string>();
  const twice = places.filter((id) => seen.size === seen.add(id).size);
  const missing = [...fates.pushed].filter((id) => !seen.has(id));
  const say = (ids: readonly string[]) => `${ids.length}: ${ids.slice(0, 20).join(' ')}`;
  expect(`twice ${say(twice)}, missing ${say(missing)}`).to.equal('twice 0: , missing 0: ');
}

export const numbered = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, i) => `${from + i}`);

/** Pushes jobs with these ids. */
export async function pushAll(
  queue: Queue,
  topic: string,
  ids: readonly string[],
  delayMs = 0,
): Promise<void> {
  for (let i = 0; i < ids.length; i += 2000) {
    const chunk = ids.slice(i, i + 2000);
    await queue.pushMany(chunk.map((id) => ({ id, topic, body: `body of ${id}`, delayMs })));
  }
}

/** NDJSON for push --batch. */
export function batchOf(topic: string, ids: readonly string[], delay = 0): string {
  return ids.map((id) => `${JSON.stringify({ id, topic, body: `body of ${id}`, delay })}\n`).join('');
}

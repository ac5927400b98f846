import type { DueCounts } from '../../../core/views.js';
import { estimate } from '../../../core/estimate.js';
import type { DueCountsParams } from '../../../core/store.js';
import { chunks } from '../../../core/chunks.js';
import type { Keys } from '../keys.js';
import { sampleDue } from '../scripts/look.js';
import { type Read, WINDOW } from './read.js';

/** Queries that are sent together. */
const STEPS_AT_ONCE = 500;
/** For topics, a sample of so many jobs is counted; if there are fewer, all are. */
const SAMPLE = 20_000;

/** How many jobs are due in each step: two queries of O(log n), or for topics an estimate. */
export async function dueCounts(read: Read, keys: Keys, params: DueCountsParams): Promise<DueCounts> {
  const { stepMs, steps, topics } = params;
  const nowMs = await read(async ({ redis }) => {
    const [seconds, micros] = await redis.time();
    return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
  });
  const now = new Date(nowMs);
  if (topics !== undefined)
    return { now, ...(await countOfTopics(read, keys, nowMs, { ...params, topics })) };
  const ends = Array.from({ length: steps + 1 }, (_, i) => nowMs + i * stepMs);
  const dueBy: number[] = [];
  for (const some of chunks(ends, STEPS_AT_ONCE)) {
    const counts = await read(({ redis }) =>
      Promise.all(some.map((ms) => redis.zcount(keys.pool, '-inf', `(${scoreBehind(ms)}`))),
    );
    dueBy.push(...counts);
  }
  const counts = dueBy.slice(1).map((count, i) => Math.max(0, count - (dueBy[i] ?? 0)));
  return { now, counts };
}

/** A job due within a millisecond counts for that millisecond; lower digits only order jobs. */
export function scoreBehind(ms: number): string {
  return ((ms + 1) / 1000).toFixed(3);
}

async function countOfTopics(
  read: Read,
  keys: Keys,
  nowMs: number,
  { topics, stepMs, steps }: DueCountsParams & { readonly topics: readonly Buffer[] },
): Promise<Omit<DueCounts, 'now'>> {
  const total = await read(({ redis }) => redis.zcard(keys.pool));
  const isAll = total <= SAMPLE;
  const counts = Array<number>(steps).fill(0);
  let sampled = 0;
  while (sampled < Math.min(total, SAMPLE)) {
    const part = { limit: WINDOW, first: isAll ? sampled : undefined, afterMs: nowMs };
    const found = await read((target) => sampleDue(target, topics, part));
    if (found.sampled === 0) break;
    sampled += found.sampled;
    for (const dueMs of found.dueMs) {
      const step = Math.ceil((dueMs - nowMs) / stepMs) - 1;
      if (step < steps) counts[step] = (counts[step] ?? 0) + 1;
    }
  }
  if (isAll) return { counts };
  const estimates = counts.map((count) => estimate(count, sampled, total));
  return { counts: estimates.map(({ count }) => count), errors: estimates.map(({ error }) => error) };
}

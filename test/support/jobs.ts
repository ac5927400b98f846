import type { Bytes, LeasedJob } from '../../src/core/job.js';
import type { Queue } from '../../src/core/queue.js';
import type { NackResult } from '../../src/core/results.js';
import type { Topics } from '../../src/core/requests.js';
import { eventually } from './eventually.js';

/** A queue or a store. */
type Maintainer = Pick<Queue, 'maintain'>;
type Clock = Pick<Queue, 'now'>;

export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Longer than any test runs; only a moved clock reaches its end. */
export const LONG_MS = HOUR_MS;

/** Longer than a store pauses between two tries to bring back a job that waits for a duplicate. */
export const RETRY_MS = 2 * SECOND_MS;

/** Returns a value; throws if it is undefined. */
export function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('undefined where a value was expected');
  return value;
}

/** Returns the one item of a list; throws if there is none or more. */
export function only<T>(items: readonly T[]): T {
  const [item] = items;
  if (items.length !== 1 || item === undefined) throw new Error(`${items.length} items instead of one`);
  return item;
}

/** Maintains until there is no more to do: all due jobs are ready, all expired ones cleared. */
export async function maintainAll(queue: Maintainer): Promise<void> {
  while ((await queue.maintain()).more);
}

/** The time that is `ms` from now by the store's clock. */
export async function soon(queue: Clock, ms: number): Promise<Date> {
  return new Date((await queue.now()).getTime() + ms);
}

/** Waits until the store's clock has passed a time, where a test cannot move the clock. */
export async function untilPast(queue: Clock, time: Date | number): Promise<void> {
  await eventually(async () => (await queue.now()).getTime() > Number(time));
}

/** Whether each lease was still held when it was nacked. */
export function areHeld(results: readonly NackResult[]): boolean[] {
  return results.map(({ outcome }) => outcome !== 'not_held');
}

/** Reserves jobs without a retry policy, by default one, for LONG_MS. */
export async function reserve(
  queue: Queue,
  topics: Topics,
  limit = 1,
  leaseMs = LONG_MS,
): Promise<LeasedJob[]> {
  return (await queue.reserve({ topics, limit, leaseMs, retry: false })).jobs;
}

/** Pops all due jobs, in order. */
export async function drain(queue: Queue, topics: Topics, batch = 100) {
  const jobs = [];
  for (;;) {
    const some = await queue.popMany(topics, batch);
    if (some.length === 0) return jobs;
    jobs.push(...some);
  }
}

/** Jobs to push, with bodies `body 0`, `body 1`, … */
export const jobsOf = (topic: string, count: number, more: { delayMs?: number; ttlMs?: number } = {}) =>
  Array.from({ length: count }, (_, i) => ({ topic, body: `body ${i}`, ...more }));

export const textOf = (job: { body?: Bytes | undefined } | undefined): string | undefined =>
  job?.body?.toString();

export const idsOf = (jobs: readonly { id: Bytes }[]): string[] => jobs.map(({ id }) => id.toString());

export const statesOf = (jobs: readonly { state: string }[]): string[] => jobs.map(({ state }) => state);

/** Shuffles items, in the same way in each run. */
export function shuffled<T>(items: readonly T[]): T[] {
  const result = [...items];
  let seed = 42;
  for (let i = result.length - 1; i > 0; i -= 1) {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    const j = seed % (i + 1);
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}

import type { Store } from '../../src/core/store.js';
import { Queue } from '../../src/core/queue.js';
import { eventually } from '../support/eventually.js';

/** A store under test: the same data, opened twice, to act as two processes. */
export interface StoreUnderTest {
  readonly a: Store;
  readonly b: Store;
  /** A name that nobody used before, for a topic or an id. */
  readonly name: (stem?: string) => string;
  close(): Promise<void>;
}

/** What the cases work with: fresh for each test. */
export interface World {
  readonly a: Store;
  readonly b: Store;
  readonly qa: Queue;
  readonly qb: Queue;
  readonly name: (stem?: string) => string;
}

/** A duration that no test lives to see the end of. */
export const LONG_MS = 3_600_000;

/** The answer is there, or the test has failed. */
export function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('there is nothing, where something was expected');
  return value;
}

/** Moves on all that is due by now. */
export async function promoteAll(store: Store): Promise<void> {
  while ((await store.promote()).more);
}

/** Waits until the store's clock has passed a moment. */
export async function untilPast(store: Store, moment: Date | number): Promise<void> {
  await eventually(async () => (await store.now()).getTime() > Number(moment));
}

/** A moment of the store's clock, some ms from now. */
export async function soon(store: Store, ms: number): Promise<Date> {
  return new Date((await store.now()).getTime() + ms);
}

/** Takes all that is ready, for good, in order. */
export async function drain(queue: Queue, topic: string | Uint8Array, batch = 100) {
  const jobs = [];
  for (;;) {
    const some = await queue.popMany(topic, batch);
    if (some.length === 0) return jobs;
    jobs.push(...some);
  }
}

export const textOf = (job: { body?: Buffer | undefined } | undefined): string | undefined =>
  job?.body?.toString();

export const idsOf = (jobs: readonly { id: Buffer }[]): string[] => jobs.map(({ id }) => id.toString());

/** An order that is neither that of the items nor that of their names, and the same in every run. */
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

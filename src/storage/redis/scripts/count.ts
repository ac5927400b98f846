import { unpackNames } from '../msgpack.js';
import { SCRIPTS } from '../scripts.generated.js';
import type { SetPlace } from './list.js';
import { runScript, type Target, toArray, toBuffer, toDate, toRows, toText, type Value } from './run.js';

/** An id with something wrong, as the word of the script. */
export interface Flawed {
  readonly id: Buffer;
  readonly what: string;
}

const toFlawed = (value: Value | undefined): Flawed[] =>
  [...toRows(toArray(value), 0, 2)].map(([id, what]) => ({ id: toBuffer(id), what: toText(what) }));

/** What one call counts. */
export interface CountPart {
  readonly limit: number;
  /** True: a job with a topic counts as whole, which takes half the time. */
  readonly isPlain: boolean;
}

/** What one call has counted. */
export interface Counted {
  readonly lookedAt: number;
  /** How long (ms) it has blocked Redis, by its own clock. */
  readonly tookMs: number;
}

/** The same for the pool, where jobs due later than a time may be counted separately. */
export interface PoolPart extends CountPart {
  readonly beyondMs?: number | undefined;
}

/** lua/count_pool.lua */
export async function countPool(target: Target, after: SetPlace, { limit, isPlain, beyondMs }: PoolPart) {
  const answer = await runScript(
    target,
    SCRIPTS.countPool,
    ...[after.score, after.id],
    ...[limit, isPlain ? 1 : 0, beyondMs ?? ''],
  );
  return {
    last: { score: toText(answer[0]), id: toBuffer(answer[1]) },
    lookedAt: Number(answer[2]),
    tookMs: Number(answer[3]) / 1000,
    bodiless: toFlawed(answer[4]),
    topics: [...toRows(answer, 5, 6)].map(([topic, delayed, due, expired, first, beyond]) => ({
      topic: toBuffer(topic),
      delayed: Number(delayed),
      due: Number(due),
      expired: Number(expired),
      firstDueAt: toDate(first),
      beyond: Number(beyond),
    })),
  };
}

/** lua/count_ready.lua */
export async function countReady(
  target: Target,
  topic: Buffer,
  first: number,
  { limit, isPlain }: CountPart,
) {
  const [lookedAt, tookUs, alive, expired, flawed] = await runScript(
    target,
    SCRIPTS.countReady,
    ...[topic, first, limit, isPlain ? 1 : 0],
  );
  return {
    lookedAt: Number(lookedAt),
    tookMs: Number(tookUs) / 1000,
    /** Ids as latin1. */
    alive: unpackNames(toBuffer(alive)),
    expired: unpackNames(toBuffer(expired)),
    flawed: toFlawed(flawed),
  };
}

/** lua/count_leased.lua */
export async function countLeased(target: Target, first: number) {
  const [lookedAt, gone, ...counts] = await runScript(target, SCRIPTS.countLeased, first);
  return {
    lookedAt: Number(lookedAt),
    /** Members whose record is gone or cannot be read. */
    gone: toArray(gone).map(toText),
    topics: [...toRows(counts, 0, 3)].map(([topic, leased, waiting]) => ({
      topic: toBuffer(topic),
      leased: Number(leased),
      waiting: Number(waiting),
    })),
  };
}

/** lua/find_strange.lua */
export async function findStrange(target: Target, limit: number) {
  const answer = await runScript(target, SCRIPTS.findStrange, limit);
  return [...toRows(answer, 0, 3)].map(([key, found, field]) => ({
    key: toText(key),
    found: Number(found),
    field: toBuffer(field),
  }));
}

/** The rank of an id, and how many of its dead letters, the oldest, are still to be counted; 0 for all. */
export interface DeadPlace {
  readonly rank: number;
  readonly older: number;
}

/** lua/count_dead.lua */
export async function countDead(target: Target, from: DeadPlace, limit: number) {
  const answer = await runScript(target, SCRIPTS.countDead, from.rank, from.older, limit);
  const [lookedAt, gone, older, ...topics] = answer;
  const next = { rank: from.rank + Number(lookedAt), older: Number(older) };
  return {
    /** Ids. */
    lookedAt: Number(lookedAt),
    /** Absent at the end. */
    next: Number(lookedAt) > 0 || next.older > 0 ? next : undefined,
    /** Ids whose dead letters are gone or cannot be read. */
    gone: toArray(gone).map(toBuffer),
    topics: topics.map(toBuffer),
  };
}

/**
 * lua/count_keys.lua
 * @returns the topics that have a ready list; nothing where there may be lists of others
 */
export async function topicsOfAllKeys(target: Target, most: number): Promise<Buffer[] | undefined> {
  const [isAll, ...topics] = await runScript(target, SCRIPTS.countKeys, most);
  return isAll === 1 ? topics.map(toBuffer) : undefined;
}

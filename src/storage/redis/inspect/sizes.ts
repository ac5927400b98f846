import type { Problem } from '../../../core/views.js';
import type { Keys } from '../keys.js';
import { dueMsOf } from '../score.js';
import type { ListHead } from '../scripts/look.js';
import { scoreBehind } from './due-counts.js';
import { readyLists } from './entries.js';
import { headsOf } from './heads.js';
import { wrongTypeProblem } from './problems.js';
import type { Read } from './read.js';

/**
 * Up to so many keys, all names are read to find the ready lists, which takes some 20 ms. lua/lib/topics.lua begins
 * to note topics earlier.
 */
const SCANNED_KEYS = 50_000;
/** Names of topics that one call reads. */
const TOPICS_AT_ONCE = 2000;
/** Names of leases that one call reads, in a few ms. */
const LEASES_AT_ONCE = 10_000;

/**
 * Sizes from commands that cost O(log n), but for the ended leases, which are few while anyone maintains the store; 0
 * for a key with a wrong type.
 */
export interface Sizes {
  readonly pool: number;
  /** Of the pool. */
  readonly due: number;
  /** In the pool: due later than the time in question. */
  readonly beyond: number | undefined;
  /** Reservations, and ids for which jobs wait. */
  readonly reserved: number;
  /** Reservations past their deadline. */
  readonly endedLeases: number;
  /** Ids of dead letters. */
  readonly dead: number;
  /** Keys of the whole database. */
  readonly allKeys: number;
  /** Jobs in ready lists: all lists of a small database, else those of the topics that delayer has seen. */
  readonly heads: readonly ListHead[];
  readonly overdueSince: Date | undefined;
  /** Keys with a wrong type in the place of ready lists. */
  readonly problems: readonly Problem[];
}

export async function sizesOf(read: Read, keys: Keys, beyondMs?: number): Promise<Sizes> {
  const { ended, ...counts } = await read(async ({ redis }) => {
    const [seconds, micros] = await redis.time();
    const now = `${seconds}.${String(micros).padStart(6, '0')}`;
    const none = () => 0;
    const [pool, due, reserved, dead, ended, allKeys, first, beyond] = await Promise.all([
      redis.zcard(keys.pool).catch(none),
      redis.zcount(keys.pool, '-inf', now).catch(none),
      redis.zcard(keys.reserved).catch(none),
      redis.zcard(keys.dead).catch(none),
      redis.zcount(keys.reserved, '-inf', now).catch(none),
      redis.dbsize(),
      redis.zrange(keys.pool, '0', '0', 'WITHSCORES').catch((): string[] => []),
      beyondMs === undefined ? undefined : redis.zcount(keys.pool, scoreBehind(beyondMs), '+inf').catch(none),
    ]);
    const overdueSince = due > 0 && first[1] !== undefined ? new Date(dueMsOf(first[1])) : undefined;
    return { pool, due, reserved, dead, ended, allKeys, overdueSince, beyond };
  });
  const endedLeases = await countLeases(read, keys, ended);
  const topics = await listTopics(read, keys, counts.allKeys);
  const heads = await headsOf(read, topics);
  const wrong = heads.filter(({ entries }) => entries === undefined).map(({ topic }) => keys.ready(topic));
  const types = await read(({ redis }) => Promise.all(wrong.map((key) => redis.type(key))));
  const problems = wrong.map((key, i) => wrongTypeProblem(key.toString(), types[i] ?? 'none', 'list'));
  return { ...counts, endedLeases, heads, problems };
}

/** Of the first members, those that are no ids for which jobs wait: those contain a colon. */
async function countLeases(read: Read, keys: Keys, members: number): Promise<number> {
  let leases = 0;
  for (let first = 0; first < members; first += LEASES_AT_ONCE) {
    const [from, to] = [first, Math.min(first + LEASES_AT_ONCE, members) - 1];
    const names = await read(({ redis }) =>
      redis.zrange(keys.reserved, `${from}`, `${to}`).catch((): string[] => []),
    );
    leases += names.filter((name) => !name.includes(':')).length;
  }
  return leases;
}

/**
 * The topics that have a ready list; where reading all keys would take too long, those that delayer has seen.
 */
export async function listTopics(read: Read, keys: Keys, allKeys: number): Promise<Buffer[]> {
  return allKeys > SCANNED_KEYS ? seenTopics(read, keys) : listedTopics(read, keys);
}

async function listedTopics(read: Read, keys: Keys): Promise<Buffer[]> {
  const topics: Buffer[] = [];
  for await (const { topic } of readyLists(read, keys)) topics.push(topic);
  return topics;
}

/** The topics that delayer has seen. */
async function seenTopics(read: Read, keys: Keys): Promise<Buffer[]> {
  const topics: Buffer[] = [];
  for (let first = 0; ; first += TOPICS_AT_ONCE) {
    const from = first;
    const some = await read(({ redis }) =>
      redis.zrangeBuffer(keys.topics, `${from}`, `${from + TOPICS_AT_ONCE - 1}`).catch((): Buffer[] => []),
    );
    topics.push(...some);
    if (some.length < TOPICS_AT_ONCE) return topics;
  }
}

/** How many jobs a reservation is assumed to have when it is not read. */
export const JOBS_OF_LEASE = 50;

/** The approximate number of jobs. */
export const jobsIn = ({ pool, reserved, dead, heads }: Sizes): number =>
  pool + reserved * JOBS_OF_LEASE + dead + heads.reduce((sum, { entries = 0 }) => sum + entries, 0);

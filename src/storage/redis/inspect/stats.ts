import type { Stats } from '../../../core/results.js';
import type { StatsParams } from '../../../core/store.js';
import { TopicCounter } from '../../../core/topic-counter.js';
import type { Keys } from '../keys.js';
import { toPauseEnd } from '../scripts/list.js';
import { countDead, countLeased, type Flawed } from '../scripts/count.js';
import { asideJobs } from './aside.js';
import { readyLists } from './entries.js';
import { poolParts, readyParts } from './flawed.js';
import { jobProblems } from './problems.js';
import type { Read } from './read.js';

/** Ids whose dead letters one call looks at. */
const DEAD_WINDOW = 50;

/** Counts jobs in bounded steps. A key of the wrong type counts as empty; `health` names it. */
export async function stats(read: Read, keys: Keys, { exact }: StatsParams): Promise<Stats> {
  if (!exact) return cheapTotals(read, keys);
  const counter = new TopicCounter();
  const types = await typesOf(read, [keys.pool, keys.reserved, keys.dead, keys.readyDue]);
  const isUsable = (key: string, type: string) => ['none', type].includes(types.get(key) ?? 'none');
  const bodiless = isUsable(keys.pool, 'zset') ? await countPoolJobs(read, counter) : [];
  const leases = isUsable(keys.reserved, 'zset') ? await countLeasedJobs(read, counter) : [];
  const letters = isUsable(keys.dead, 'zset') ? await countDeadJobs(read, keys, counter) : [];
  const { flawed, doubled } = await countReadyJobs(read, keys, counter);
  flawed.push(...(await countAsideJobs(read, counter)));
  await addPauses(read, keys, counter);
  const problems = jobProblems({ bodiless, flawed, doubled, goneRecords: [...leases, ...letters] });
  return { ...counter.stats(), problems };
}

/** Totals that cost O(log n): of ready and leased jobs there is none. */
async function cheapTotals(read: Read, keys: Keys): Promise<Stats> {
  const types = await typesOf(read, [keys.pool]);
  if (!['none', 'zset'].includes(types.get(keys.pool) ?? 'none')) return { totals: {} };
  return read(async ({ redis }) => {
    const [seconds, micros] = await redis.time();
    const now = `${seconds}.${String(micros).padStart(6, '0')}`;
    const [due, all] = await Promise.all([redis.zcount(keys.pool, '-inf', now), redis.zcard(keys.pool)]);
    return { totals: { due, delayed: all - due } };
  });
}

async function typesOf(read: Read, keys: readonly string[]): Promise<Map<string, string>> {
  return read(async ({ redis }) => {
    const types = await Promise.all(keys.map((key) => redis.type(key)));
    return new Map(keys.map((key, i) => [key, types[i] ?? 'none']));
  });
}

/** @returns the jobs of the pool without a body, which belong to no topic */
async function countPoolJobs(read: Read, counter: TopicCounter): Promise<Flawed[]> {
  const bodiless: Flawed[] = [];
  for await (const part of poolParts(read)) {
    bodiless.push(...part.bodiless);
    for (const { topic, delayed, due, expired, firstDueAt } of part.topics) {
      const counts = counter.of(topic);
      counts.delayed += delayed;
      counts.due += due;
      counts.expired += expired;
      counts.nextDueAt ??= firstDueAt;
    }
  }
  return bodiless;
}

/** @returns the keys of records that are gone or of a wrong type */
async function countLeasedJobs(read: Read, counter: TopicCounter): Promise<string[]> {
  const gone: string[] = [];
  for (let first = 0; ;) {
    const from = first;
    const part = await read((target) => countLeased(target, from));
    for (const { topic, leased, waiting } of part.topics) {
      const counts = counter.of(topic);
      counts.leased += leased;
      counts.delayed += waiting;
    }
    gone.push(...part.gone);
    if (part.lookedAt === 0) return gone;
    first += part.lookedAt;
  }
}

/** @returns the keys of dead letters that are gone or of a wrong type */
async function countDeadJobs(read: Read, keys: Keys, counter: TopicCounter): Promise<string[]> {
  const gone: string[] = [];
  for (let first = 0; ;) {
    const from = first;
    const part = await read((target) => countDead(target, from, DEAD_WINDOW));
    for (const topic of part.topics) counter.of(topic).dead += 1;
    gone.push(...part.gone.map((id) => `${keys.deadLetterStem}${id.toString()}`));
    if (part.lookedAt === 0) return gone;
    first += part.lookedAt;
  }
}

/** A job that is in its list twice is counted once. @returns what is wrong with the entries */
async function countReadyJobs(
  read: Read,
  keys: Keys,
  counter: TopicCounter,
): Promise<{ flawed: Flawed[]; doubled: number }> {
  const flawed: Flawed[] = [];
  let doubled = 0;
  for await (const { topic, type } of readyLists(read, keys)) {
    if (type !== 'list') continue;
    const counts = counter.of(topic);
    const [ready, expired, twice] = [new Set<string>(), new Set<string>(), new Set<string>()];
    for await (const part of readyParts(read, topic)) {
      for (const name of part.alive) {
        if (ready.has(name)) twice.add(name);
        ready.add(name);
      }
      for (const name of part.expired) expired.add(name);
      flawed.push(...part.flawed);
    }
    counts.ready += ready.size;
    counts.expired += expired.size;
    doubled += twice.size;
  }
  return { flawed, doubled };
}

/** @returns the jobs whose body has a key of the wrong type in its place */
async function countAsideJobs(read: Read, counter: TopicCounter): Promise<Flawed[]> {
  const flawed: Flawed[] = [];
  for await (const { id, topic, blockedBy } of asideJobs(read)) {
    counter.of(Buffer.from(topic ?? '')).expired += 1;
    const what = blockedBy?.type === 'wrong_type' ? blockedBy.found : 'none';
    flawed.push({ id: Buffer.from(id), what });
  }
  return flawed;
}

async function addPauses(read: Read, keys: Keys, counter: TopicCounter): Promise<void> {
  const { pauses, nowMs } = await read(async ({ redis }) => {
    const [pauses, time] = await Promise.all([
      // A key of the wrong type pauses nothing.
      redis.callBuffer('HGETALL', keys.paused).catch(() => []) as Promise<Buffer[]>,
      redis.time(),
    ]);
    return { pauses, nowMs: Number(time[0]) * 1000 + Math.floor(Number(time[1]) / 1000) };
  });
  for (let i = 0; i < pauses.length; i += 2) {
    const [topic, untilMs] = [pauses[i], toPauseEnd(String(pauses[i + 1]))];
    if (topic && untilMs !== undefined && untilMs > nowMs) counter.of(topic).pausedUntilMs = untilMs;
  }
}

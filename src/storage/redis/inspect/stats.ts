import type { Problem, Stats } from '../../../core/results.js';
import type { StatsParams } from '../../../core/store.js';
import { TopicCounter } from '../../../core/topic-counter.js';
import type { Keys } from '../keys.js';
import { countDead, countLeased, countPool, countReady } from '../scripts/count.js';
import type { PoolPlace } from '../scripts/list.js';
import { type Read, WINDOW } from './read.js';

/** Keys of one SCAN step, which looks at names alone. */
const SCAN_WINDOW = 2000;
/** Ids whose dead letters one call looks at. */
const DEAD_WINDOW = 50;

/** Counts jobs in bounded steps. A key of the wrong type counts as empty; `health` names it. */
export async function stats(read: Read, keys: Keys, { exact }: StatsParams): Promise<Stats> {
  if (!exact) return cheapTotals(read, keys);
  const counter = new TopicCounter();
  const types = await typesOf(read, [keys.pool, keys.reserved, keys.dead, keys.readyDue]);
  const isUsable = (key: string, type: string) => ['none', type].includes(types.get(key) ?? 'none');
  const problems = isUsable(keys.pool, 'zset') ? await countPoolJobs(read, keys, counter) : [];
  if (isUsable(keys.reserved, 'zset')) await countLeasedJobs(read, counter);
  if (isUsable(keys.dead, 'zset')) await countDeadJobs(read, counter);
  await countReadyJobs(read, keys, counter);
  await addPauses(read, keys, counter);
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

/** @returns what is wrong with jobs that belong to no topic */
async function countPoolJobs(read: Read, keys: Keys, counter: TopicCounter): Promise<Problem[]> {
  let last: PoolPlace = { score: '', id: Buffer.alloc(0) };
  let [gone, wrongType] = [0, 0];
  do {
    const after = last;
    const part = await read((target) => countPool(target, after, WINDOW));
    last = part.last;
    gone += part.bodiless;
    wrongType += part.wrongType;
    for (const { topic, delayed, due, firstDueAt } of part.topics) {
      const counts = counter.of(topic);
      counts.delayed += delayed;
      counts.due += due;
      counts.nextDueAt ??= firstDueAt;
    }
  } while (last.score !== '');
  return bodyProblems(keys, gone, wrongType);
}

function bodyProblems(keys: Keys, gone: number, wrongType: number): Problem[] {
  const jobs = (count: number) => `${count} ${count === 1 ? 'job has' : 'jobs have'}`;
  const problems: Problem[] = [];
  if (gone > 0) {
    problems.push({
      code: 'bodies_gone',
      message: `${jobs(gone)} lost the body and will never be delivered`,
      hint: 'They expired, or were evicted; the daemon clears them away when they are due.',
    });
  }
  if (wrongType > 0) {
    problems.push({
      code: 'wrong_type',
      message: `${jobs(wrongType)} a key of the wrong type in place of the body`,
      hint: `Look at the keys ${keys.bucketStem}ID; delayer leaves them alone.`,
    });
  }
  return problems;
}

async function countLeasedJobs(read: Read, counter: TopicCounter): Promise<void> {
  for (let first = 0; ;) {
    const from = first;
    const part = await read((target) => countLeased(target, from));
    for (const { topic, leased, waiting } of part.topics) {
      const counts = counter.of(topic);
      counts.leased += leased;
      counts.delayed += waiting;
    }
    if (part.lookedAt === 0) return;
    first += part.lookedAt;
  }
}

async function countDeadJobs(read: Read, counter: TopicCounter): Promise<void> {
  for (let first = 0; ;) {
    const from = first;
    const part = await read((target) => countDead(target, from, DEAD_WINDOW));
    for (const topic of part.topics) counter.of(topic).dead += 1;
    if (part.lookedAt === 0) return;
    first += part.lookedAt;
  }
}

async function countReadyJobs(read: Read, keys: Keys, counter: TopicCounter): Promise<void> {
  for await (const { topic, type } of readyLists(read, keys)) {
    if (type !== 'list') continue;
    const counts = counter.of(topic);
    for (let first = 0; ; first += WINDOW) {
      const from = first;
      const part = await read((target) => countReady(target, topic, from, from + WINDOW - 1));
      counts.ready += part.ready;
      counts.expired += part.expired;
      if (part.ready + part.expired + part.stale < WINDOW) break;
    }
  }
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
    const [topic, end] = [pauses[i], String(pauses[i + 1])];
    const untilMs = end === 'inf' ? Infinity : Number(end);
    if (topic && untilMs > nowMs) counter.of(topic).pausedUntilMs = untilMs;
  }
}

/** The ready keys of this prefix, each once, with what they hold. */
export async function* readyLists(
  read: Read,
  keys: Keys,
): AsyncGenerator<{ topic: Buffer; key: Buffer; type: string }> {
  const stemBytes = Buffer.byteLength(keys.readyStem);
  const seen = new Set<string>();
  let cursor = '0';
  do {
    const from = cursor;
    const [next, names] = (await read(({ redis }) =>
      redis.callBuffer('SCAN', from, 'MATCH', keys.readyPattern, 'COUNT', SCAN_WINDOW),
    )) as [Buffer, Buffer[]];
    cursor = next.toString();
    for (const key of names) {
      // SCAN may name a key twice.
      const name = key.toString('latin1');
      if (seen.has(name)) continue;
      seen.add(name);
      const type = await read(({ redis }) => redis.type(key));
      if (type !== 'none') yield { topic: Buffer.from(key.subarray(stemBytes)), key, type };
    }
  } while (cursor !== '0');
}

import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { openQueue } from '../../src/storage/open.js';
import type { RedisServer } from '../../test/support/redis-server.js';
import { load, longestCall, serverTime, topicOf, watchSlowCalls } from '../redis.js';
import { type Bench, delayer, type Figure, makeJobs, median, runTimed, withFolder } from '../support.js';

const TOPICS = 10;
const BATCH = 500;
const DAY_MS = 86_400_000;

/** Commands that read, each run as a whole process, with its limit (s). */
const LOOKS = [
  { args: ['inspect', '--json'], seconds: 0.3 },
  { args: ['inspect', '--json', '--exact'], seconds: 2 },
  // Loaded jobs have no daemon.
  { args: ['check', '--warn', 'daemons=off', '--warn', 'oldest=off', '--crit', 'oldest=off'], seconds: 0.3 },
  { args: ['forecast', '--json', '--until', '48h'], seconds: 3 },
  { args: ['forecast', 'orders', '--json', '--until', '48h'], seconds: 3 },
] as const;

/** Half of the jobs are ready and half delayed. */
export async function looksOnRedis(
  bench: Bench,
  server: RedisServer,
  redis: Redis,
  count: number,
): Promise<Figure[]> {
  bench.progress('loading');
  const later = (await serverTime(redis)) + DAY_MS / 1000;
  await load(redis, { count: count / 2, stem: 'ready', topics: TOPICS });
  await load(redis, { count: count / 2, stem: 'delayed', topics: TOPICS, dueAt: (n) => later + n / 1000 });
  // Jobs that are written directly into Redis are in no list of topics, so write that list as a daemon does.
  const day = Math.floor(later / (DAY_MS / 1000));
  for (let topic = 0; topic < TOPICS; topic += 1) await redis.zadd('delayer:topics', day, topicOf(topic));
  const figures = await looks(bench, 'Redis', server.url, count, {
    before: () => watchSlowCalls(redis),
    after: () => longestCall(redis),
  });
  await redis.flushall();
  return figures;
}

export async function looksOnSqlite(bench: Bench, count: number): Promise<Figure[]> {
  return withFolder(async (folder) => {
    const url = `sqlite:${join(folder, 'queue.db')}`;
    bench.progress('loading SQLite');
    const queue = await openQueue(url);
    for (let first = 0; first < count; first += BATCH) {
      const delayMs = first < count / 2 ? 0 : DAY_MS;
      await queue.pushMany(makeJobs(BATCH, `job-${first}`, topicOf((first / BATCH) % TOPICS), delayMs));
    }
    await queue.close();
    return looks(bench, 'SQLite', url, count);
  });
}

/** Measures the calls of a command on the side of the server. */
interface Watch {
  readonly before: () => Promise<void>;
  /** The longest call (ms). */
  readonly after: () => Promise<number>;
}

async function looks(
  bench: Bench,
  store: string,
  url: string,
  count: number,
  watch?: Watch,
): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { args, seconds } of LOOKS) {
    const took: number[] = [];
    const longest: number[] = [];
    for (let round = 0; round < Math.min(3, bench.rounds); round += 1) {
      bench.progress(`${store}: ${args.join(' ')}, round ${round + 1}`);
      await watch?.before();
      took.push((await runTimed(delayer(...args, '--store', url))) / 1000);
      if (watch) longest.push(await watch.after());
    }
    const what = `${store}: ${args.filter((arg) => !/[=\d]|json|warn|crit|until/.test(arg)).join(' ')} of ${count}`;
    figures.push({ what, value: median(took), unit: 's', goal: { atMost: seconds } });
    if (watch)
      figures.push({
        what: `${what}, longest call`,
        value: median(longest),
        unit: 'ms',
        goal: { atMost: 10 },
      });
  }
  return figures;
}

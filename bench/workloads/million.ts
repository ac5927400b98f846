import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { RedisServer } from '../../test/support/redis-server.js';
import { load, longestCall, processorTimeOf, watchSlowCalls, withQueue } from '../redis.js';
import {
  type Bench,
  delayer,
  end,
  type Figure,
  median,
  procLine,
  start,
  withRedis,
  type Workload,
} from '../support.js';
import { looksOnRedis, looksOnSqlite } from './million-looks.js';

const TOPICS = 10;
const KIB = 1024;

export const million: Workload = {
  name: 'million',
  about:
    '`inspect`, `inspect --exact`, `check` and `forecast` of 1,000,000 jobs on both stores; `serve` when all are due; the longest Redis call of each',
  run: (bench) =>
    withRedis(async (server) => {
      const redis = server.client();
      const count = bench.small ? 50_000 : 1_000_000;
      return [
        ...(await looksOnRedis(bench, server, redis, count)),
        ...(await looksOnSqlite(bench, count)),
        ...(await serve(bench, server, redis, count)),
        ...(await steps(bench, server, redis, count)),
      ];
    }),
};

async function serve(bench: Bench, server: RedisServer, redis: Redis, count: number): Promise<Figure[]> {
  const longest: number[] = [];
  const resident: number[] = [];
  for (let round = 0; round < rounds(bench); round += 1) {
    bench.progress(`serve, round ${round + 1}`);
    await load(redis, { count, stem: 'due', topics: TOPICS, dueAt: (n) => 1 + n / 1000 });
    await watchSlowCalls(redis);
    const daemon = start(delayer('serve', '--store', server.url));
    try {
      while ((await redis.zcard('delayer:job_pool')) > 0) await sleep(20);
      longest.push(await longestCall(redis));
      resident.push(Number(procLine(daemon.pid, 'status', /^VmHWM:\s+(\d+) kB/m) ?? Number.NaN) / KIB);
    } finally {
      await end(daemon);
    }
    await redis.flushall();
  }
  return [
    { what: `serve, ${count} due, longest call`, value: median(longest), unit: 'ms', goal: { atMost: 10 } },
    {
      what: `serve, ${count} due, resident memory`,
      value: median(resident),
      unit: 'MiB',
      goal: { atMost: 120 },
    },
  ];
}

/**
 * Measures each step of a daemon by the processor time of Redis, because on a busy machine the slow log includes the
 * time that Redis waits for a processor.
 */
async function steps(bench: Bench, server: RedisServer, redis: Redis, count: number): Promise<Figure[]> {
  bench.progress('steps of maintain');
  await load(redis, { count, stem: 'due', topics: TOPICS, dueAt: (n) => 1 + n / 1000 });
  const processorMs = await processorTimeOf(redis);
  const took: number[] = [];
  await withQueue(server, async (queue) => {
    for (let more = true; more;) {
      const before = processorMs();
      ({ more } = await queue.maintain());
      took.push(processorMs() - before);
    }
  });
  await redis.flushall();
  const what = `${count} due, a step of maintain by Redis's processor time`;
  return [
    { what: `${what}: median`, value: median(took), unit: 'ms' },
    { what: `${what}: longest`, value: Math.max(...took), unit: 'ms', goal: { atMost: 10 } },
  ];
}

/**
 * At most three, because loading takes longer than what is measured; more than one, because the scheduler may cause
 * the longest call of a round.
 */
const rounds = (bench: Bench): number => Math.min(3, bench.rounds);

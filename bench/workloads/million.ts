import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { RedisServer } from '../../test/support/redis-server.js';
import { load, longestCall, watchSlowCalls } from '../redis.js';
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
    '1,000,000 jobs on both stores: `inspect`, `inspect --exact`, `check` and `forecast`; `serve` when all are due; how long any call holds Redis',
  run: (bench) =>
    withRedis(async (server) => {
      const redis = server.client();
      const count = bench.small ? 50_000 : 1_000_000;
      return [
        ...(await looksOnRedis(bench, server, redis, count)),
        ...(await looksOnSqlite(bench, count)),
        ...(await serve(bench, server, redis, count)),
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

/** To load takes longer than what is measured. The longest call of one round may be the scheduler's doing. */
const rounds = (bench: Bench): number => Math.min(3, bench.rounds);

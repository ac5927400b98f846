import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { RedisServer } from '../../test/support/redis-server.js';
import { load, serverTime, withQueue } from '../redis.js';
import {
  delayer,
  end,
  type Figure,
  inTurns,
  paired,
  perSecond,
  start,
  timed,
  withRedis,
  type Bench,
  type Workload,
} from '../support.js';

/** The bare loop: each call moves up to 500 jobs, as many as one run of delayer's script. */
const BARE = `
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, 500)
for _, id in ipairs(ids) do
  local topic = redis.call('HGET', 'delayer:job_bucket:' .. id, 'topic')
  redis.call('ZREM', KEYS[1], id)
  redis.call('LPUSH', 'delayer:ready_queue:' .. topic, id)
end
return #ids`;

const POOL = 'delayer:job_pool';
/** All jobs are due this time (s) after loading begins: enough to load them and for the daemon to sleep again. */
const loadingTime = (count: number) => 1 + count / 40_000;

export const promote: Workload = {
  name: 'promote',
  about:
    'promotion of jobs that are all due at once, by `serve` and by maintain(), compared with a bare Lua loop',
  run: (bench) => withRedis((server) => measure(bench, server)),
};

async function measure(bench: Bench, server: RedisServer): Promise<Figure[]> {
  const count = bench.small ? 2000 : 100_000;
  const redis = server.client();
  const clear = () => redis.flushall();
  const served = await inTurns(
    bench,
    'serve',
    () => byServe(server, redis, count).finally(clear),
    () => byBareLoop(redis, count).finally(clear),
  );
  const called = await inTurns(
    bench,
    'maintain()',
    () => byQueue(server, redis, count).finally(clear),
    () => byBareLoop(redis, count).finally(clear),
  );
  return [
    paired(`${count} due at once, by serve`, 'jobs/s', served, 'bare Lua loop', { atLeast: 0.7, now: 0.5 }),
    paired(`${count} due at once, by maintain()`, 'jobs/s', called, 'bare Lua loop'),
  ];
}

/** Measures from the due time of all jobs, at which the daemon sleeps, until the pool is empty. */
async function byServe(server: RedisServer, redis: Redis, count: number): Promise<number> {
  const daemon = start(delayer('serve', '--store', server.url));
  try {
    const due = Math.ceil((await serverTime(redis)) + loadingTime(count));
    await load(redis, { count, stem: 'job', dueAt: () => due });
    const left = due - (await serverTime(redis));
    if (left < 0.2) throw new Error('the jobs fell due while they were being loaded');
    await sleep(left * 1000);
    while ((await redis.zcard(POOL)) > 0) await sleep(2);
    return perSecond(count, ((await serverTime(redis)) - due) * 1000);
  } finally {
    await end(daemon);
  }
}

async function byQueue(server: RedisServer, redis: Redis, count: number): Promise<number> {
  await load(redis, { count, stem: 'job', dueAt: () => 1 });
  return withQueue(server, async (queue) => {
    await queue.now();
    return perSecond(
      count,
      await timed(async () => {
        while ((await queue.maintain()).more);
      }),
    );
  });
}

async function byBareLoop(redis: Redis, count: number): Promise<number> {
  await load(redis, { count, stem: 'job', dueAt: () => 1 });
  const sha = String(await redis.script('LOAD', BARE));
  const due = await serverTime(redis);
  return perSecond(
    count,
    await timed(async () => {
      while (Number(await redis.evalsha(sha, 1, POOL, due)) > 0);
    }),
  );
}

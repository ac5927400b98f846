import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { withQueue } from '../redis.js';
import {
  delayer,
  end,
  runTimed,
  start,
  withFolder,
  withRedis,
  writeNdjson,
  type Workload,
} from '../support.js';

/** A daemon is killed after 100 ms, which it needs to start, and up to this time (ms) more, at random. */
const LIFE_MS = 600;
const LONGEST_DELAY_MS = 5000;
const PAGE = 10_000;

export const killServe: Workload = {
  name: 'kill-serve',
  about:
    'lost and doubled jobs when the daemon is killed by SIGKILL 50 times while 1,000,000 jobs are pushed and promoted',
  long: true,
  run: (bench) =>
    withFolder((folder) =>
      withRedis(async (server) => {
        const [count, kills] = bench.small ? [20_000, 5] : [1_000_000, 50];
        const [file, out] = [join(folder, 'jobs.ndjson'), join(folder, 'ids')];
        const redis = server.client();
        await writeNdjson(file, count, 'job', () => Math.floor(Math.random() * LONGEST_DELAY_MS) / 1000);
        const pushing = runTimed(delayer('push', '--batch', file, '--store', server.url), out);
        const serve = () => start(delayer('serve', '--store', server.url));
        for (let kill = 1; kill <= kills; kill += 1) {
          bench.progress(`kill ${kill} of ${kills}`);
          const daemon = serve();
          await sleep(100 + Math.random() * LIFE_MS);
          await end(daemon, 'SIGKILL');
        }
        await pushing;
        const last = serve();
        while ((await redis.zcard('delayer:job_pool')) > 0) await sleep(50);
        await end(last);
        bench.progress('counting');
        const acknowledged = readFileSync(out, 'utf8').split('\n').filter(Boolean);
        const entries = await readyEntries(redis);
        const lost = acknowledged.filter((id) => !entries.has(id)).length;
        const twice = [...entries.values()].filter((times) => times > 1).length;
        const alive = await withQueue(server, async (queue) => (await queue.stats()).totals.ready ?? 0);
        return [
          { what: `${kills} kills, jobs acknowledged`, value: acknowledged.length, unit: 'jobs' },
          { what: 'ready with their bodies', value: alive, unit: 'jobs', goal: { atLeast: count } },
          { what: 'acknowledged and lost', value: lost, unit: 'jobs', goal: { atMost: 0 } },
          { what: 'ready twice', value: twice, unit: 'jobs', goal: { atMost: 0 } },
        ];
      }),
    ),
};

/** The number of entries of each id in the ready list. */
async function readyEntries(redis: Redis): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  for (let first = 0; ; first += PAGE) {
    const ids = await redis.lrange('delayer:ready_queue:orders', first, first + PAGE - 1);
    for (const id of ids) times.set(id, (times.get(id) ?? 0) + 1);
    if (ids.length < PAGE) return times;
  }
}

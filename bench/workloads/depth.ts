import { join } from 'node:path';
import type { Queue } from '../../src/core/queue.js';
import type { PushRequest } from '../../src/core/requests.js';
import { openQueue } from '../../src/storage/open.js';
import { load, serverTime } from '../redis.js';
import {
  batches,
  type Bench,
  bodyOf,
  type Figure,
  inTurns,
  makeJobs,
  paired,
  timed,
  withFolder,
  withRedis,
  type Workload,
} from '../support.js';

const FEW = 10_000;
const BATCH = 500;
/** Delayed jobs are due in random order, SOONEST to SOONEST + SPAN seconds from now; none is due during the run. */
const SOONEST = 3600;
const SPAN = 86_400;

export const depth: Workload = {
  name: 'depth',
  about: `time per job with 1,000,000 delayed jobs in the store, compared with ${FEW}`,
  async run(bench) {
    const many = bench.small ? 50_000 : 1_000_000;
    return [
      ...(await withRedis((deep) =>
        withRedis(async (shallow) => {
          for (const [server, count] of [
            [deep, many],
            [shallow, FEW],
          ] as const) {
            const redis = server.client();
            const now = await serverTime(redis);
            const dueAt = () => now + SOONEST + Math.floor(Math.random() * SPAN);
            bench.progress(`loading ${count} into Redis`);
            await load(redis, { count, stem: 'waiting', dueAt });
          }
          return compare(bench, 'Redis', many, deep.url, shallow.url);
        }),
      )),
      ...(await withFolder(async (folder) => {
        const [deep, shallow] = [`sqlite:${join(folder, 'deep.db')}`, `sqlite:${join(folder, 'shallow.db')}`];
        await fill(bench, deep, many);
        await fill(bench, shallow, FEW);
        return compare(bench, 'SQLite', many, deep, shallow);
      })),
    ];
  },
};

async function fill(bench: Bench, url: string, count: number): Promise<void> {
  const queue = await openQueue(url);
  for (let first = 0; first < count; first += BATCH) {
    if (first % 10_000 === 0) bench.progress(`loading ${first} of ${count} into SQLite`);
    const jobs = Array.from({ length: BATCH }, (_, n): PushRequest => ({
      id: `waiting-${first + n}`,
      topic: 'orders',
      body: bodyOf(first + n),
      delayMs: Math.round(1000 * (SOONEST + Math.random() * SPAN)),
    }));
    await queue.pushMany(jobs);
  }
  await queue.close();
}

async function compare(
  bench: Bench,
  store: string,
  many: number,
  deepUrl: string,
  shallowUrl: string,
): Promise<Figure[]> {
  const [deep, shallow] = await Promise.all([openQueue(deepUrl), openQueue(shallowUrl)]);
  const figures: Figure[] = [];
  const beside = `with ${FEW}`;
  for (const [what, cost] of Object.entries(COSTS)) {
    const turns = await inTurns(
      bench,
      `${store}, ${what}`,
      () => cost(deep, bench),
      () => cost(shallow, bench),
    );
    figures.push(paired(`${store}, ${what} with ${many}`, 'µs a job', turns, beside, { atMost: 1.3 }));
  }
  await Promise.all([deep.close(), shallow.close()]);
  return figures;
}

let round = 0;

/** Each returns µs per job, and leaves the loaded jobs in the store. */
const COSTS: Record<string, (queue: Queue, bench: Bench) => Promise<number>> = {
  async push(queue, bench) {
    const jobs = makeJobs(
      bench.small ? 200 : 2000,
      `one-${(round += 1)}`,
      'orders',
      1000 * (SOONEST + SPAN / 2),
    );
    const ms = await timed(async () => {
      for (const job of jobs) await queue.push(job);
    });
    await queue.removeMany(jobs.map(({ id }) => id ?? ''));
    return (ms * 1000) / jobs.length;
  },

  async 'push in batches'(queue, bench) {
    const jobs = makeJobs(
      bench.small ? 2000 : 20_000,
      `many-${(round += 1)}`,
      'orders',
      1000 * (SOONEST + SPAN / 2),
    );
    const ms = await timed(async () => {
      for (const batch of batches(jobs, BATCH)) await queue.pushMany(batch);
    });
    for (const batch of batches(jobs, BATCH)) await queue.removeMany(batch.map(({ id }) => id ?? ''));
    return (ms * 1000) / jobs.length;
  },

  async 'promote and pop'(queue, bench) {
    const jobs = makeJobs(bench.small ? 2000 : 20_000, `due-${(round += 1)}`, 'orders', 0);
    for (const batch of batches(jobs, BATCH)) await queue.pushMany(batch);
    const ms = await timed(async () => {
      let left = jobs.length;
      while ((await queue.maintain()).more);
      while (left > 0) left -= (await queue.popMany('orders', BATCH)).length;
    });
    return (ms * 1000) / jobs.length;
  },
};

import { join } from 'node:path';
import { load, longestCall, serverTime, watchSlowCalls } from '../redis.js';
import {
  batches,
  type Bench,
  delayer,
  type Figure,
  makeJobs,
  median,
  perSecond,
  runTimed,
  withFolder,
  withRedis,
  type Workload,
} from '../support.js';
import { openQueue } from '../../src/storage/open.js';

const TOPICS = 10;
const BATCH = 1000;

export const moving: Workload = {
  name: 'moving',
  about:
    'rate and longest Redis call of `export` of 1,000,000 jobs to a file and `import` into an empty store, as whole processes',
  run: (bench) =>
    withFolder(async (folder) => {
      const count = bench.small ? 20_000 : 1_000_000;
      return [...(await onRedis(bench, folder, count)), ...(await onSqlite(bench, folder, count))];
    }),
};

/** At most three, because a round with a million jobs takes long. */
const rounds = (bench: Bench): number => Math.min(3, bench.rounds);

function onRedis(bench: Bench, folder: string, count: number): Promise<Figure[]> {
  return withRedis(async (server) => {
    const redis = server.client();
    const file = join(folder, 'redis.ndjson');
    const later = (await serverTime(redis)) + 3600;
    await load(redis, { count, stem: 'job', topics: TOPICS, dueAt: (n) => later + n / 1000 });
    const [exports, imports, longest]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < rounds(bench); round += 1) {
      bench.progress(`Redis, round ${round + 1}`);
      await watchSlowCalls(redis);
      exports.push(await runTimed(delayer('export', '--output-file', file, '--store', server.url)));
      const exporting = await longestCall(redis);
      await redis.flushall();
      await watchSlowCalls(redis);
      imports.push(await runTimed(delayer('import', file, '--store', server.url)));
      longest.push(Math.max(exporting, await longestCall(redis)));
      const arrived = await redis.zcard('delayer:job_pool');
      if (arrived !== count) throw new Error(`${arrived} of ${count} jobs arrived`);
    }
    return [
      rate('Redis, export', count, exports, 50_000),
      rate('Redis, import', count, imports, 50_000),
      { what: 'Redis, longest call', value: median(longest), unit: 'ms', goal: { atMost: 10 } },
    ];
  });
}

async function onSqlite(bench: Bench, folder: string, count: number): Promise<Figure[]> {
  const file = join(folder, 'sqlite.ndjson');
  const stores = Array.from({ length: rounds(bench) + 1 }, (_, i) => `sqlite:${join(folder, `${i}.db`)}`);
  const [first = '', ...others] = stores;
  const queue = await openQueue(first);
  for (const batch of batches(makeJobs(count, 'job'), BATCH)) await queue.pushMany(batch);
  await queue.close();
  const [exports, imports]: [number[], number[]] = [[], []];
  for (const [i, store] of others.entries()) {
    bench.progress(`SQLite, round ${i + 1}`);
    exports.push(await runTimed(delayer('export', '--output-file', file, '--store', stores[i] ?? '')));
    imports.push(await runTimed(delayer('import', file, '--store', store)));
  }
  return [rate('SQLite, export', count, exports), rate('SQLite, import', count, imports)];
}

const rate = (what: string, count: number, ms: readonly number[], atLeast?: number): Figure => ({
  ...{ what: `${what} of ${count}`, value: perSecond(count, median(ms)), unit: 'jobs/s' },
  ...(atLeast !== undefined && { goal: { atLeast } }),
});

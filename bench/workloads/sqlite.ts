import { join } from 'node:path';
import type { Queue } from '../../src/core/queue.js';
import { openQueue } from '../../src/storage/open.js';
import { printHandler } from '../../src/worker/handlers/print.js';
import { drainPass } from '../../src/worker/pass.js';
import { BareSqlite } from '../bare-sqlite.js';
import {
  batches,
  type Bench,
  bodyOf,
  type Figure,
  type Goal,
  inTurns,
  makeJobs,
  paired,
  perSecond,
  timed,
  withFolder,
  withRedis,
  type Workload,
} from '../support.js';

/** Jobs in a transaction, on each side: as many as `push --batch` and `drain` move at a time. */
const BATCH = 250;

/** Work through a queue and in a bare loop. Both begin and end with an empty store. */
interface Work {
  readonly what: string;
  readonly jobs: number;
  readonly goal?: Goal;
  /** @returns ms */
  readonly ours: (queue: Queue, jobs: number) => Promise<number>;
  readonly bare: (store: BareSqlite, jobs: number) => Promise<number>;
}

export const sqlite: Workload = {
  name: 'sqlite',
  about:
    'push, pop and drain on the embedded store, compared with a bare loop on the same binding and with Redis',
  run: (bench) =>
    withFolder((folder) =>
      withRedis(async (server) => {
        const embedded = await openQueue(`sqlite:${join(folder, 'queue.db')}`);
        const redis = await openQueue(server.url);
        const bare = new BareSqlite(join(folder, 'bare.db'));
        const figures: Figure[] = [];
        for (const work of WORK) figures.push(...(await compare(bench, work, embedded, bare, redis)));
        await Promise.all([embedded.close(), redis.close()]);
        bare.close();
        return figures;
      }),
    ),
};

async function compare(
  bench: Bench,
  { what, jobs, goal, ours, bare }: Work,
  embedded: Queue,
  loop: BareSqlite,
  redis: Queue,
): Promise<Figure[]> {
  const count = bench.small ? jobs / 20 : jobs;
  const rate = (work: Promise<number>) => work.then((ms) => perSecond(count, ms));
  const onSqlite = () => rate(ours(embedded, count));
  const besideBare = await inTurns(bench, `${what}, bare`, onSqlite, () => rate(bare(loop, count)));
  const besideRedis = await inTurns(bench, `${what}, Redis`, onSqlite, () => rate(ours(redis, count)));
  return [
    paired(what, 'jobs/s', besideBare, 'bare loop', goal),
    paired(what, 'jobs/s', besideRedis, 'Redis, same calls'),
  ];
}

const WORK: readonly Work[] = [
  {
    what: 'push, one by one',
    jobs: 5000,
    async ours(queue, jobs) {
      const ms = await timed(async () => {
        for (let n = 0; n < jobs; n += 1)
          await queue.push({ id: `job-${n}`, topic: 'orders', body: bodyOf(n) });
      });
      await empty(queue);
      return ms;
    },
    async bare(store, jobs) {
      const ms = await timedSync(() => {
        for (let n = 0; n < jobs; n += 1) store.push(n, Date.now());
      });
      while (store.pop(BATCH) > 0);
      return ms;
    },
  },
  {
    what: `push, ${BATCH} at a time`,
    jobs: 50_000,
    goal: { atLeast: 0.5 },
    async ours(queue, jobs) {
      const requests = makeJobs(jobs, 'job', 'orders', 0);
      const ms = await timed(async () => {
        for (const batch of batches(requests, BATCH)) await queue.pushMany(batch);
      });
      await empty(queue);
      return ms;
    },
    async bare(store, jobs) {
      const ms = await timedSync(() => fill(store, jobs));
      while (store.pop(BATCH) > 0);
      return ms;
    },
  },
  {
    what: 'pop, one by one',
    jobs: 5000,
    async ours(queue, jobs) {
      await fillQueue(queue, jobs);
      return timed(async () => {
        for (let n = 0; n < jobs; n += 1) await mustPop(queue);
      });
    },
    async bare(store, jobs) {
      fill(store, jobs);
      return timedSync(() => {
        while (store.pop(1) > 0);
      });
    },
  },
  {
    what: `drain, ${BATCH} at a time`,
    jobs: 50_000,
    goal: { atLeast: 0.5 },
    async ours(queue, jobs) {
      await fillQueue(queue, jobs);
      return timed(() => empty(queue));
    },
    async bare(store, jobs) {
      fill(store, jobs);
      return timedSync(() => {
        while (store.pop(BATCH) > 0);
      });
    },
  },
  {
    what: 'push and pop in turns',
    jobs: 5000,
    ours: (queue, jobs) =>
      timed(async () => {
        for (let n = 0; n < jobs; n += 1) {
          await queue.push({ id: `job-${n}`, topic: 'orders', body: bodyOf(n) });
          await mustPop(queue);
        }
      }),
    bare: (store, jobs) =>
      timedSync(() => {
        for (let n = 0; n < jobs; n += 1) {
          store.push(n, Date.now());
          store.pop(1);
        }
      }),
  },
];

const timedSync = (work: () => void): Promise<number> =>
  timed(() => {
    work();
    return Promise.resolve();
  });

function fill(store: BareSqlite, jobs: number): void {
  for (let n = 0; n < jobs; n += BATCH) store.pushMany(n, Math.min(BATCH, jobs - n), Date.now());
}

async function fillQueue(queue: Queue, jobs: number): Promise<void> {
  for (const batch of batches(makeJobs(jobs, 'job', 'orders', 0), BATCH)) await queue.pushMany(batch);
  while ((await queue.maintain()).more);
}

async function mustPop(queue: Queue): Promise<void> {
  if (!(await queue.pop('orders'))) throw new Error('a job was missed');
}

/** Drains as `delayer drain` does, and discards the jobs. */
async function empty(queue: Queue): Promise<void> {
  const handler = printHandler((jobs) => Promise.resolve(jobs.length));
  const { signal } = new AbortController();
  await drainPass(queue, { topics: [Buffer.from('orders')], handler, signal });
}

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
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
  inTurns,
  makeJobs,
  paired,
  type Workload,
} from '../support.js';

/** Jobs in a transaction, on both sides: as many as `push --batch` and `drain` move at a time. */
const BATCH = 250;
/** Where Linux has files in memory. */
const MEMORY = '/dev/shm';
/** The first calls of a process, before V8 has optimized what they run, say little. */
const WARM_UP = 3000;

/** A kind of work, through a queue and bare. What is pushed is taken by the next one, on both sides. */
interface Work {
  readonly what: string;
  readonly jobs: number;
  readonly ours: (queue: Queue, jobs: number) => Promise<unknown>;
  readonly bare: (store: BareSqlite, jobs: number) => void;
}

export const sqliteCpu: Workload = {
  name: 'sqlite-cpu',
  about: 'processor time of a job in the embedded store, on a file in memory, beside a bare loop',
  async run(bench) {
    const folder = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'delayer-bench-'));
    const queue = await openQueue(`sqlite:${join(folder, 'queue.db')}`);
    const bare = new BareSqlite(join(folder, 'bare.db'));
    try {
      for (const { ours } of WORK) await ours(queue, bench.small ? BATCH : WARM_UP);
      const figures: Figure[] = [];
      for (const work of WORK) figures.push(await compare(bench, work, queue, bare));
      return figures;
    } finally {
      await queue.close();
      bare.close();
      rmSync(folder, { recursive: true });
    }
  },
};

/** Each round pushes and takes: what it does not measure it does around. */
async function compare(bench: Bench, work: Work, queue: Queue, bare: BareSqlite): Promise<Figure> {
  const jobs = bench.small ? BATCH : work.jobs;
  const isPush = work.what.startsWith('push');
  const ours = async () => {
    if (!isPush) await pushBatches(queue, jobs);
    const used = await processorTime(() => work.ours(queue, jobs));
    if (isPush) await takeAll(queue);
    return used / jobs;
  };
  const theirs = async () => {
    if (!isPush) pushBareBatches(bare, jobs);
    const used = await processorTime(() => work.bare(bare, jobs));
    if (isPush) while (bare.pop(BATCH) > 0);
    return used / jobs;
  };
  return paired(work.what, 'µs a job', await inTurns(bench, work.what, ours, theirs), 'bare loop');
}

/** @returns user and system time of this process, µs */
async function processorTime(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

async function pushBatches(queue: Queue, jobs: number): Promise<void> {
  for (const batch of batches(makeJobs(jobs, 'job', 'orders', 0), BATCH)) await queue.pushMany(batch);
}

function pushBareBatches(store: BareSqlite, jobs: number): void {
  for (let n = 0; n < jobs; n += BATCH) store.pushMany(n, Math.min(BATCH, jobs - n), Date.now());
}

/** Drains as `delayer drain` does, to nowhere. */
async function takeAll(queue: Queue): Promise<void> {
  const handler = printHandler((jobs) => Promise.resolve(jobs.length));
  const { signal } = new AbortController();
  await drainPass(queue, { topics: [Buffer.from('orders')], handler, signal });
}

const WORK: readonly Work[] = [
  {
    what: 'push, one by one',
    jobs: 1500,
    async ours(queue, jobs) {
      for (let n = 0; n < jobs; n += 1)
        await queue.push({ id: `job-${n}`, topic: 'orders', body: bodyOf(n) });
    },
    bare(store, jobs) {
      for (let n = 0; n < jobs; n += 1) store.push(n, Date.now());
    },
  },
  {
    what: 'pop, one by one',
    jobs: 1500,
    async ours(queue, jobs) {
      for (let n = 0; n < jobs; n += 1) if (!(await queue.pop('orders'))) throw new Error('a job was missed');
    },
    bare(store, jobs) {
      for (let n = 0; n < jobs; n += 1) store.pop(1);
    },
  },
  { what: `push, ${BATCH} at a time`, jobs: 25_000, ours: pushBatches, bare: pushBareBatches },
  {
    what: `drain, ${BATCH} at a time`,
    jobs: 25_000,
    ours: takeAll,
    bare(store) {
      while (store.pop(BATCH) > 0);
    },
  },
];

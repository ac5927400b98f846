import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Queue } from '../src/core/queue.js';
import type * as open from '../src/storage/open.js';
import type * as print from '../src/worker/handlers/print.js';
import type * as pass from '../src/worker/pass.js';
import { batches, bodyOf, makeJobs } from './support.js';

/** Jobs in a transaction: as many as `push --batch` and `drain` move at a time. */
export const BATCH = 250;

/** A queue of any release of delayer, with the operations that all releases have. */
export interface Release {
  /** Pushes jobs of the topic `orders` one by one. */
  push(jobs: number): Promise<void>;
  /** Pushes such jobs {@link BATCH} at a time. */
  pushBatches(jobs: number): Promise<void>;
  /** Pops jobs one by one. */
  pop(jobs: number): Promise<void>;
  /** Drains all jobs as `delayer drain` does, and discards them. */
  drain(): Promise<unknown>;
  close(): Promise<void>;
}

/** The options of a drain in the first release. */
interface FirstDrainOptions {
  readonly topic: Buffer;
  readonly sink: (jobs: readonly unknown[]) => Promise<number>;
  readonly signal: AbortSignal;
}

/**
 * Opens a queue with the sources of a release: the first one, or one with the same layout as this one.
 * @param root its folder, with its dependencies installed
 */
export async function openRelease(root: string, url: string): Promise<Release> {
  const load = (file: string): Promise<unknown> => import(pathToFileURL(resolve(root, file)).href);
  const { signal } = new AbortController();
  const topic = Buffer.from('orders');
  if (existsSync(resolve(root, 'src/open-queue.ts'))) {
    const { openQueue } = (await load('src/open-queue.ts')) as typeof open;
    const { drainPass } = (await load('src/runtime/drainer.ts')) as {
      drainPass: (queue: Queue, options: FirstDrainOptions) => Promise<unknown>;
    };
    const sink = (jobs: readonly unknown[]) => Promise.resolve(jobs.length);
    return ofQueue(await openQueue(url), (queue) => drainPass(queue, { topic, sink, signal }));
  }
  const { openQueue } = (await load('src/storage/open.ts')) as typeof open;
  const { drainPass } = (await load('src/worker/pass.ts')) as typeof pass;
  const { printHandler } = (await load('src/worker/handlers/print.ts')) as typeof print;
  const handler = printHandler((jobs) => Promise.resolve(jobs.length));
  return ofQueue(await openQueue(url), (queue) => drainPass(queue, { topics: [topic], handler, signal }));
}

function ofQueue(queue: Queue, drain: (queue: Queue) => Promise<unknown>): Release {
  return {
    async push(jobs) {
      for (let n = 0; n < jobs; n += 1)
        await queue.push({ id: `job-${n}`, topic: 'orders', body: bodyOf(n) });
    },
    async pushBatches(jobs) {
      for (const batch of batches(makeJobs(jobs, 'job', 'orders', 0), BATCH)) await queue.pushMany(batch);
    },
    async pop(jobs) {
      for (let n = 0; n < jobs; n += 1) if (!(await queue.pop('orders'))) throw new Error('a job is missing');
    },
    drain: () => drain(queue),
    close: () => queue.close(),
  };
}

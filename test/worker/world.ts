import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DelayerError } from '../../src/core/errors.js';
import type { LeasedJob } from '../../src/core/job.js';
import { Queue } from '../../src/core/queue.js';
import type { Store } from '../../src/core/store.js';
import type { TopicStats } from '../../src/core/views.js';
import { SqliteStore } from '../../src/storage/sqlite/store.js';
import type { Handler, HandlerResult, Outcome } from '../../src/worker/handler.js';
import { printHandler } from '../../src/worker/handlers/print.js';
import type { DrainOptions } from '../../src/worker/options.js';
import { eventually } from '../support/eventually.js';
import { useMonotonic } from '../support/monotonic.js';

export const TOPIC = Buffer.from('topic');

export interface World {
  readonly queue: Queue;
  /** The store below the queue, to change some of its methods. */
  readonly store: Store;
  /** A queue on the same store with some methods replaced. */
  readonly queueWith: (methods: Partial<Store>) => Queue;
}

/** Gives each test a queue in a file of its own. */
export function useQueue(): World {
  let store: Store | undefined;
  let queue: Queue | undefined;
  let dir = '';
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'delayer-worker-'));
    store = await SqliteStore.open(join(dir, 'queue.db'));
    queue = new Queue(store);
  });
  afterEach(async () => {
    await queue?.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const opened = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('the queue is opened by a hook: use it inside of tests');
    return value;
  };
  return {
    get queue() {
      return opened<Queue>(queue);
    },
    get store() {
      return opened<Store>(store);
    },
    queueWith: (methods) => new Queue(changed(opened<Store>(store), methods)),
  };
}

/** The same store with some methods replaced. */
export function changed(store: Store, methods: Partial<Store>): Store {
  return new Proxy(store, {
    get(target, name) {
      const method: unknown = Reflect.get(methods, name) ?? Reflect.get(target, name);
      return typeof method === 'function' ? (method.bind(target) as unknown) : method;
    },
  });
}

export const unreachable = (): DelayerError => new DelayerError('store_unreachable', 'the store is gone');

export const fails =
  (error = unreachable()) =>
  (): Promise<never> =>
    Promise.reject(error);

export async function push(queue: Queue, ids: readonly string[], topic = TOPIC): Promise<void> {
  await queue.pushMany(ids.map((id) => ({ id, topic, body: `body of ${id}` })));
}

/** Pops all jobs; returns their ids in order. */
export async function popAll(queue: Queue, topic = TOPIC): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const jobs = await queue.popMany(topic, 500);
    if (jobs.length === 0) return ids;
    ids.push(...idsOf(jobs));
  }
}

/** The counts of the only topic; undefined when there is no job. */
export async function countsOf(queue: Queue): Promise<TopicStats | undefined> {
  return (await queue.stats()).topics[0];
}

export const idsOf = (jobs: readonly { readonly id: Uint8Array }[]): string[] =>
  jobs.map(({ id }) => Buffer.from(id).toString());

/** A handler that collects the ids of jobs in a list, and accepts no more after `room` jobs. */
export function collector(room = Infinity): { readonly ids: string[]; readonly handler: Handler } {
  const ids: string[] = [];
  const handler = printHandler((jobs) => {
    const printed = jobs.slice(0, room - ids.length);
    ids.push(...idsOf(printed));
    return Promise.resolve(printed.length);
  });
  return { ids, handler };
}

/** A handler that prints with `write`, which returns how many jobs it has printed. */
export const printing = (write: (jobs: readonly LeasedJob[]) => Promise<number> | number): Handler =>
  printHandler(async (jobs) => write(jobs));

/** Handles one job per call, in up to `concurrency` calls at once, as a handler in child processes does. */
export function oneByOne(
  concurrency: number,
  handle: (id: string, job: LeasedJob, signal: AbortSignal) => Promise<Outcome>,
): Handler {
  return {
    concurrency,
    batchSize: 1,
    prefetch: 'while short' as const,
    async handle([job], { signal }): Promise<HandlerResult> {
      if (!job) throw new Error('a call without a job');
      return { outcomes: [await handle(job.id.toString(), job, signal)] };
    },
  };
}

/** For `oneByOne`: every job has this outcome. */
export const always = (outcome: Outcome) => (): Promise<Outcome> => Promise.resolve(outcome);

/** Options for a worker on TOPIC that never ends by a signal, unless `more` says otherwise. */
export function optionsFor(handler: Handler, more: Partial<DrainOptions> = {}): DrainOptions {
  return { topics: [TOPIC], handler, signal: never(), ...more };
}

export const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`);

export const never = (): AbortSignal => new AbortController().signal;

/** Resolves when `ms` have passed since `startMs`. */
export async function untilAfter(startMs: number, ms: number): Promise<void> {
  await eventually(() => performance.now() - startMs >= ms);
}

/** Moves the monotonic clock ahead by `ms`, as if the process had been stopped for so long; undone after each test. */
export function useStandstill(): (ms: number) => void {
  let shiftMs = 0;
  useMonotonic((rightMs) => rightMs + shiftMs);
  afterEach(() => {
    shiftMs = 0;
  });
  return (ms) => {
    shiftMs += ms;
  };
}

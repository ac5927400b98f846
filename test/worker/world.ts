import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Queue } from '../../src/core/queue.js';
import type { Store } from '../../src/core/store.js';
import type { Sink } from '../../src/worker/drain.js';
import { SqliteStore } from '../../src/storage/sqlite/store.js';

export const TOPIC = Buffer.from('topic');

/** Gives each test a queue in a file of its own. */
export function useQueue(): { readonly queue: Queue } {
  let queue: Queue | undefined;
  let dir = '';
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'delayer-runtime-'));
    queue = new Queue(await SqliteStore.open(join(dir, 'queue.db')));
  });
  afterEach(async () => {
    await queue?.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return {
    get queue() {
      if (!queue) throw new Error('the queue is opened by a hook: use it inside of tests');
      return queue;
    },
  };
}

/** The same store, some of its ways changed. */
export function changed(store: Store, ways: Partial<Store>): Store {
  return new Proxy(store, {
    get(target, name) {
      const way: unknown = Reflect.get(ways, name) ?? Reflect.get(target, name);
      return typeof way === 'function' ? (way.bind(target) as unknown) : way;
    },
  });
}

export async function push(queue: Queue, ids: readonly string[]): Promise<void> {
  await queue.pushMany(ids.map((id) => ({ id, topic: TOPIC, body: `body of ${id}` })));
}

/** Ids of what can be taken, in order; they are taken. */
export async function takeAll(queue: Queue): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const jobs = await queue.popMany(TOPIC, 500);
    if (jobs.length === 0) return ids;
    ids.push(...jobs.map(({ id }) => id.toString()));
  }
}

/** A sink that keeps what it is given, up to `room` jobs. */
export function collector(room = Infinity): { readonly ids: string[]; readonly sink: Sink } {
  const ids: string[] = [];
  const sink: Sink = (jobs) => {
    const taken = jobs.slice(0, room - ids.length);
    ids.push(...taken.map(({ id }) => id.toString()));
    return Promise.resolve(taken.length);
  };
  return { ids, sink };
}

export const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`);

export const never = (): AbortSignal => new AbortController().signal;

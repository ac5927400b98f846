import { CLOSE_MS, Queue as CoreQueue } from './core/queue.js';
import type { Topics } from './core/requests.js';
import type { Store } from './core/store.js';
import { sleep } from './core/timer.js';
import { type OpenOptions, openStore } from './storage/open.js';
import type { WorkResult } from './worker/result.js';
import { type JobHandler, work, type WorkOptions } from './worker/work.js';

/** A queue as the library gives it: with workers of its own, which core does not know. */
export class Queue extends CoreQueue {
  readonly #store: Store;
  readonly #ending = new AbortController();
  readonly #works = new Set<Promise<WorkResult>>();

  /** @internal */
  constructor(store: Store) {
    super(store);
    this.#store = store;
  }

  /**
   * Does the jobs of topics by a function, until the signal aborts. A job is done when the function has returned,
   * is tried again with growing pauses when it threw, and is a dead letter when no retry is left. Its lease is
   * renewed meanwhile; when the process dies, the job comes back as its lease ends. Closing the queue ends the work
   * as the signal does.
   * @returns what was done, in jobs
   * @throws DelayerError when the first contact with the store fails, or `usage`
   */
  async work(topics: Topics, handler: JobHandler, options: WorkOptions = {}): Promise<WorkResult> {
    this.assertOpen();
    // A queue of its own, because the jobs in hand are acknowledged while this one is being closed.
    const working = work(new CoreQueue(this.#store), topics, handler, options, this.#ending.signal);
    this.#works.add(working);
    try {
      return await working;
    } finally {
      this.#works.delete(working);
    }
  }

  /**
   * Closes the store, after the calls that are under way have ended; they have two seconds for that, and are
   * rejected then. Waiting calls and later ones are rejected at once (`usage`). Workers take no more jobs and finish
   * those in hand, however long that takes: this waits two seconds for them, and the store is closed when the last job
   * is acknowledged. Closing again does nothing.
   */
  override async close(): Promise<void> {
    this.#ending.abort();
    const closed = super.close();
    closed.catch(() => undefined);
    if (this.#works.size === 0) return closed;
    // Not longer: a function may have called this, and its job is in hand until it has returned.
    await sleep(CLOSE_MS, undefined, (wake) => void closed.then(wake, wake));
  }

  /** @internal */
  protected override async lastWork(): Promise<void> {
    await Promise.allSettled(this.#works);
  }
}

/**
 * Opens the queue that a store URL names; only that store's driver is loaded. Redis is not asked before
 * the first call; an SQLite file is opened when it is there, and else created by the first push, import or pause.
 *
 * @param url `redis://[user[:password]@]host[:port][/db]`, `rediss://…`, `redis+unix:///path[?db=0]`
 *   or `sqlite:PATH`
 * @throws DelayerError `usage` for an unknown option, `config_invalid` when the URL is none of these, or
 *   what the store answers
 */
export async function openQueue(url: string, options: OpenOptions = {}): Promise<Queue> {
  return new Queue(await openStore(url, options));
}

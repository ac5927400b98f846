import { Queue as CoreQueue } from './core/queue.js';
import type { Topics } from './core/requests.js';
import { type OpenOptions, openStore } from './storage/open.js';
import type { WorkResult } from './worker/result.js';
import { type JobHandler, work, type WorkOptions } from './worker/work.js';

/** A queue as the library gives it: with a worker of its own, which core does not know. */
export class Queue extends CoreQueue {
  /**
   * Does the jobs of topics by a function, until the signal aborts. A job is done when the function has returned,
   * is tried again with growing pauses when it threw, and is a dead letter when no retry is left. Its lease is
   * renewed meanwhile; when the process dies, the job comes back as its lease ends.
   * @returns what was done, in jobs
   * @throws DelayerError when the first contact with the store fails, or `usage`
   */
  work(topics: Topics, handler: JobHandler, options: WorkOptions = {}): Promise<WorkResult> {
    return work(this, topics, handler, options);
  }
}

/**
 * Opens the queue that a store URL names; only that store's driver is loaded. Redis is not asked before
 * the first call; an SQLite file is opened when it is there, and else created by the first push.
 *
 * @param url `redis://[user[:password]@]host[:port][/db]`, `rediss://…`, `redis+unix:///path[?db=0]`
 *   or `sqlite:PATH`
 * @throws DelayerError `usage` for an unknown option, `config_invalid` when the URL is none of these, or
 *   what the store answers
 */
export async function openQueue(url: string, options: OpenOptions = {}): Promise<Queue> {
  return new Queue(await openStore(url, options));
}

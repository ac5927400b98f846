import type { Queue } from '../core/queue.js';
import { underLock } from './lock.js';
import { type DrainOptions, type DrainResult, toResult } from './options.js';
import { Worker } from './worker.js';

/**
 * Handles ready jobs until none is left: each is leased, handled, and only then acknowledged. When another owner has
 * the lock, it ends at once.
 * @throws DelayerError when the store fails; `outcome_unknown` when jobs were handled and could not be acknowledged.
 *   An error of the handler is thrown as it is. Jobs in hand are released, or come back when their lease ends.
 */
export async function drainPass(queue: Queue, options: DrainOptions): Promise<DrainResult> {
  return underLock(queue, options.lockName, async (lock) => {
    const worker = new Worker(queue, { ...options, lock });
    await worker.run();
    return { ...toResult(worker.counts, worker), nextInMs: worker.nextInMs };
  });
}

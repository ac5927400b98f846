import { backoffMs } from '../core/backoff.js';
import { DelayerError, isLasting } from '../core/errors.js';
import type { Queue } from '../core/queue.js';
import type { Reserved } from '../core/results.js';
import { type AbortSignalLike, sleep } from '../core/timer.js';
import type { KeepGoing, StoreCall } from './keep-going.js';
import { underLock } from './lock.js';
import { type DrainOptions, type DrainResult, toResult } from './options.js';
import { Worker } from './worker.js';

/**
 * Drains, waits for more jobs, and so on, until aborted, until `max` jobs are handled, or until the handler accepts
 * no more. An outage of the store is waited out, and so is a lock that another owner has; only the first contact has
 * to succeed.
 * @throws DelayerError when the first contact fails; what the handler is rejected with
 */
export async function drainFollow(queue: Queue, options: DrainOptions): Promise<DrainResult> {
  return underLock(queue, options.lockName, async (lock) => {
    const keepGoing = new Follower(queue, options);
    const worker = new Worker(queue, { ...options, keepGoing, lock, waitsForLock: true });
    await worker.run();
    return toResult(worker.counts, worker);
  });
}

class Follower implements KeepGoing {
  private hasAnswered = false;
  private failures = 0;
  /** The call that failed last, during an outage. */
  private lost: StoreCall | undefined;

  constructor(
    private readonly queue: Queue,
    private readonly options: DrainOptions,
  ) {}

  async waitForMore({ nextInMs, revision }: Reserved, signal: AbortSignalLike): Promise<void> {
    await this.queue.waitForReady(this.options.topics, { timeoutMs: nextInMs, signal, since: revision });
  }

  async waitForRetry(error: unknown, call: StoreCall, signal: AbortSignalLike): Promise<boolean> {
    if (!this.hasAnswered || !(error instanceof DelayerError) || isLasting(error)) return false;
    if (this.lost === undefined)
      this.options.onEvent?.({ type: 'store_lost', store: this.queue.label, error });
    this.lost = call;
    this.failures += 1;
    await sleep(backoffMs(this.failures - 1), signal);
    return true;
  }

  onAnswer(call: 'reserve' | 'ack', jobs: number): void {
    this.hasAnswered = true;
    if (this.lost === undefined) return;
    // An outage has ended when the call that failed works again. After a failed ack, a reserve that brings jobs does
    // not show that; one that finds none does, because then there may be nothing to acknowledge for long.
    if (this.lost === 'reserve' && call !== 'reserve') return;
    if (this.lost === 'ack' && call !== 'ack' && jobs > 0) return;
    this.lost = undefined;
    this.failures = 0;
    this.options.onEvent?.({ type: 'store_back', store: this.queue.label });
  }
}

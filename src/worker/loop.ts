import { DelayerError } from '../core/errors.js';
import type { Queue } from '../core/queue.js';
import { monotonicMs, sleep } from '../core/timer.js';
import { newCounts } from './counts.js';
import { type LockKeeper, underLock } from './lock.js';
import { type DrainOptions, type DrainResult, toResult } from './options.js';
import { StartLimiter } from './rate.js';
import { Worker } from './worker.js';

export interface LoopOptions extends DrainOptions {
  /** From the start of a pass to the next. */
  readonly stepMs: number;
  /** The window: after it nothing is reserved or given to a handler. */
  readonly forMs: number;
}

/**
 * The cron loop: a pass at 0, step, 2 × step … until `forMs` are over. Passes keep to these times; after a pass that
 * takes longer than a step, the next time that is still to come counts. A pass that fails is reported as an event,
 * and the next one tries again. When another owner has its lock, it waits for the lock within its window, and then
 * keeps it from pass to pass.
 * @returns the sum of the passes
 * @throws DelayerError of the last pass, if that failed
 */
export async function drainLoop(queue: Queue, options: LoopOptions): Promise<DrainResult> {
  return underLock(queue, options.lockName, (lock) => loop(queue, options, lock));
}

async function loop(queue: Queue, options: LoopOptions, lock: LockKeeper | undefined): Promise<DrainResult> {
  const { stepMs, forMs, signal, rate, onEvent } = options;
  const startMs = monotonicMs();
  const counts = newCounts();
  const limiter = rate && new StartLimiter(rate);
  let ended = { isClosed: false, isHalted: false };
  let failure: DelayerError | undefined;
  for (let atMs = 0; atMs < forMs && !ended.isClosed && !ended.isHalted;) {
    await sleep(startMs + atMs - monotonicMs(), signal);
    // A pass that would begin after the window would do nothing, and would hide how the last one ended.
    if (signal.aborted || monotonicMs() - startMs >= forMs) break;
    const worker = new Worker(queue, {
      ...options,
      counts,
      limiter,
      untilMs: startMs + forMs,
      lock,
      waitsForLock: true,
    });
    try {
      failure = undefined;
      await worker.run();
    } catch (error) {
      if (!(error instanceof DelayerError)) throw error;
      failure = error;
    }
    ended = { isClosed: worker.isClosed, isHalted: worker.isHalted };
    atMs = Math.max(atMs + stepMs, Math.ceil((monotonicMs() - startMs) / stepMs) * stepMs);
    const isLast = atMs >= forMs || ended.isClosed || ended.isHalted || signal.aborted;
    if (failure !== undefined && !isLast) onEvent?.({ type: 'pass_failed', error: failure });
  }
  if (failure !== undefined) throw failure;
  return toResult(counts, ended);
}

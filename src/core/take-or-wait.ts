import { DelayerError, isTransient } from './errors.js';
import type { OnEvent } from './events.js';
import { Outage } from './outage.js';
import type { Popped } from './results.js';
import type { CallLimits } from './store.js';
import { isTimeOver, monotonicMs } from './timer.js';

/** How to take jobs from a store, and how to wait for some. */
export interface Taking<T extends Popped> {
  /** The store's name. */
  readonly label: string;
  readonly take: () => Promise<T>;
  /** Returns when there may be a job, or after `maxMs`. */
  readonly wait: (maxMs: number, since: number | undefined) => Promise<void>;
  /** Is told of an outage of the store, and of its end. */
  readonly onEvent?: OnEvent | undefined;
}

/**
 * Takes jobs, and waits until there are some. An outage of the store is waited out as long as there is time; only
 * the first contact has to succeed.
 * @returns the last answer; nothing when the signal aborted before one came
 */
export async function takeOrWait<T extends Popped>(
  { label, take, wait, onEvent }: Taking<T>,
  limits: CallLimits,
): Promise<T | undefined> {
  const { untilMs = Infinity, signal } = limits;
  const outage = new Outage(label, onEvent);
  while (signal?.aborted !== true) {
    try {
      const taken = await take();
      outage.end();
      if (taken.jobs.length > 0 || isTimeOver(limits)) return taken;
      // The time may have run out since it was checked, and a wait cannot be negative.
      const restMs = Math.max(0, untilMs - monotonicMs());
      await wait(Math.min(restMs, taken.nextInMs ?? Infinity), taken.revision);
    } catch (error) {
      // The jobs in such an error are nowhere else, so it must be thrown.
      const hasJobs = error instanceof DelayerError && error.jobs.length > 0;
      if (hasJobs || !(await outlives(error, outage, limits))) throw error;
    }
  }
  return undefined;
}

/** Does a waiting call go on after this error? When its signal has aborted, it ends without jobs. */
async function outlives(error: unknown, outage: Outage, limits: CallLimits): Promise<boolean> {
  if (limits.signal?.aborted === true && isTransient(error)) return true;
  return outage.waitOut(error, limits);
}

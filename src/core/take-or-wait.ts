import { DelayerError, isTransient } from './errors.js';
import type { OnEvent } from './events.js';
import { Outage } from './outage.js';
import type { Popped } from './results.js';
import type { CallLimits } from './store.js';
import { isTimeOver, monotonicMs } from './timer.js';

/** How jobs are taken from a store, and how it is waited for some. */
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
 * Takes jobs once some are there. A store that goes away is waited for, as long as the time is not over; only
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
      // The time may be over since it was looked at, and no wait takes less than none.
      const restMs = Math.max(0, untilMs - monotonicMs());
      await wait(Math.min(restMs, taken.nextInMs ?? Infinity), taken.revision);
    } catch (error) {
      // Jobs that it has in hand are nowhere else.
      const hasJobs = error instanceof DelayerError && error.jobs.length > 0;
      if (hasJobs || !(await outlives(error, outage, limits))) throw error;
    }
  }
  return undefined;
}

/** Does a call that waits go on after an error? It ends with nothing where its signal has aborted. */
async function outlives(error: unknown, outage: Outage, limits: CallLimits): Promise<boolean> {
  if (limits.signal?.aborted === true && isTransient(error)) return true;
  return outage.waitOut(error, limits);
}

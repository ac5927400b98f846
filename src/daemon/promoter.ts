import { monotonicMs, pause } from '../core/timer.js';
import { DelayerError } from '../core/errors.js';
import { DAEMON_SEEN_MS, type Store } from '../core/store.js';
import { backoffMs } from '../core/backoff.js';

export interface PromoterOptions {
  /** The longest time (ms) between two looks, for pushes by clients that wake nobody. */
  readonly intervalMs: number;
  /** The name under which the daemon shows in `inspect`. */
  readonly name: string;
  /** Ends the work, after the step in hand. */
  readonly signal: AbortSignal;
  /** Hears that the store was reached. */
  readonly onReady?: () => void;
  /** Hears in plain words what happens: trouble, and its end. */
  readonly report: (message: string) => void;
}

export interface PromoterTotals {
  promoted: number;
  expired: number;
  returned: number;
}

/** Announcements are three times as frequent as they need to be. */
const ANNOUNCE_MS = DAEMON_SEEN_MS / 3;

/** Where due jobs are ready by themselves there is only clearing up to do, and that has time (ms). */
const HOUSEKEEPING_MS = 5000;

/**
 * Moves due jobs to the ready ones, in order of due time, until aborted. It sleeps until the next job
 * is due, an earlier one is pushed, or the interval is over. Any number may run on one store.
 *
 * A store that goes away is waited for; only the first contact has to succeed.
 * @throws DelayerError when the first contact fails
 */
export async function promoteUntil(store: Store, options: PromoterOptions): Promise<PromoterTotals> {
  const promoter = new Promoter(store, options);
  await promoter.announce();
  options.onReady?.();
  let failures = 0;
  while (!options.signal.aborted) {
    try {
      await promoter.round();
      await promoter.sleep();
      if (failures > 0) options.report(`${store.label} is back`);
      failures = 0;
    } catch (error) {
      if (!(error instanceof DelayerError) || error.code === 'internal') throw error;
      if (failures === 0) options.report(`${error.message}; trying again until it works`);
      await pause(backoffMs(failures), options.signal);
      failures += 1;
    }
  }
  if (failures === 0) await store.retire(options.name).catch(() => undefined);
  return promoter.totals;
}

class Promoter {
  readonly totals: PromoterTotals = { promoted: 0, expired: 0, returned: 0 };
  private announcedAt = -Infinity;
  private announces = true;
  private nextInMs = 0;
  private stuck = 0;

  constructor(
    private readonly store: Store,
    private readonly options: PromoterOptions,
  ) {}

  /** Lets `inspect` know of this daemon, every few seconds. It works on where it may not. */
  async announce(): Promise<void> {
    if (!this.announces || monotonicMs() - this.announcedAt < ANNOUNCE_MS) return;
    try {
      await this.store.announce(this.options.name);
      this.announcedAt = monotonicMs();
    } catch (error) {
      if (!(error instanceof DelayerError) || error.code !== 'store_wrong_type') throw error;
      this.announces = false;
      this.options.report(`${error.message}; \`delayer inspect\` will not know of this daemon`);
    }
  }

  /** Moves all that is due now. */
  async round(): Promise<void> {
    await this.announce();
    let more = true;
    while (more && !this.options.signal.aborted) {
      const done = await this.store.promote();
      this.totals.promoted += done.promoted;
      this.totals.expired += done.expired;
      this.totals.returned += done.returned;
      this.nextInMs = done.nextInMs ?? Infinity;
      this.reportStuck(done.stuck);
      more = done.more;
    }
  }

  async sleep(): Promise<void> {
    const longest = this.store.needsPromotion ? this.options.intervalMs : HOUSEKEEPING_MS;
    await this.store.waitForPush(Math.max(1, Math.min(this.nextInMs, longest)), this.options.signal);
  }

  private reportStuck(stuck: number): void {
    if (stuck > 0 && this.stuck === 0) {
      this.options.report(
        `${stuck} due jobs cannot be moved: a key of the wrong type is in their way; \`delayer inspect\` names it`,
      );
    }
    if (stuck === 0 && this.stuck > 0) this.options.report('the due jobs that were stuck have been moved');
    this.stuck = stuck;
  }
}

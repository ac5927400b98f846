import type { Reserved } from '../core/results.js';
import { type AbortSignalLike, sleep } from '../core/timer.js';
import type { Bounds } from './bounds.js';
import type { Fetcher } from './fetch.js';
import type { KeepGoing } from './keep-going.js';

export interface SupplyOptions {
  readonly keepGoing: KeepGoing | undefined;
  /** When another owner has the lock: does it wait (true), or end? */
  readonly waitsForLock: boolean;
  /** May a second request follow before the first one is answered? */
  readonly asksAhead: boolean;
  /** Ends waits. */
  readonly ending: AbortSignalLike;
}

export interface SupplyListener {
  /** A reserve was answered, or there may be more to reserve. */
  onSupply(): void;
  onBuried(letters: NonNullable<Reserved['buried']>): void;
  /** @returns whether to ask the store again, after a pause if need be */
  onReserveFailed(error: unknown): Promise<boolean>;
}

/**
 * A lock of another owner is asked for again after so long (ms) at most, because its owner may free it at any time.
 */
const LOCK_POLL_MS = 1000;

/**
 * Asks the store for jobs, and waits for more where there are none. While answers are full, a second request may be sent
 * before the first is answered, so that Redis works on it while the answer to the first is read.
 */
export class Supply {
  /** Requests that are not answered, or wait for more jobs. */
  private underWay = 0;
  /** How many jobs the store is asked for. */
  askedCount = 0;
  /** Did the last answer bring as many jobs as were asked for? */
  private isPlenty = false;
  /** No more is asked for: a reserve found nothing, and that ends the work. */
  isDrained = false;
  /** How long (ms) until a job may be ready, as the last reserve that found none answered. */
  nextInMs: number | undefined;

  constructor(
    private readonly fetcher: Fetcher,
    private readonly bounds: Bounds,
    private readonly options: SupplyOptions,
    private readonly listener: SupplyListener,
  ) {}

  /** True from a request until there may be more jobs than it brought. */
  get isUnderWay(): boolean {
    return this.underWay > 0;
  }

  get mayBegin(): boolean {
    return !this.isDrained && this.underWay < (this.isPlenty && this.options.asksAhead ? 2 : 1);
  }

  /** Begins, and does not wait. */
  begin(limit: number): void {
    this.underWay += 1;
    void this.reserve(limit).finally(() => {
      this.underWay -= 1;
      this.listener.onSupply();
    });
  }

  private async reserve(limit: number): Promise<void> {
    try {
      await this.waitForMore(await this.ask(limit));
    } catch (error) {
      // Jobs that are leased already are still delivered.
      if (!(await this.listener.onReserveFailed(error))) this.isDrained = true;
    }
  }

  private async ask(limit: number): Promise<Reserved> {
    this.askedCount += limit;
    try {
      const found = await this.fetcher.reserve(limit);
      this.isPlenty = found.jobs.length === limit;
      this.options.keepGoing?.onAnswer('reserve', found.jobs.length);
      this.listener.onBuried(found.buried ?? []);
      return found;
    } finally {
      this.askedCount -= limit;
    }
  }

  private async waitForMore(found: Reserved): Promise<void> {
    const { keepGoing, waitsForLock, ending } = this.options;
    if (found.jobs.length > 0) return;
    this.nextInMs = found.nextInMs;
    if (found.isLocked === true && waitsForLock) {
      await sleep(Math.min(found.nextInMs ?? Infinity, LOCK_POLL_MS, this.bounds.leftMs), ending);
      return;
    }
    this.isDrained = keepGoing === undefined;
    // A batch that is not full need not wait any longer.
    this.listener.onSupply();
    // The answer to a second request, which was sent later, says more.
    if (this.underWay > 1) return;
    await keepGoing?.waitForMore(found, ending);
  }
}

import type { Reserved } from '../core/results.js';
import { type AbortSignalLike, sleep } from '../core/timer.js';
import type { Bounds } from './bounds.js';
import type { Fetcher } from './fetch.js';
import type { KeepGoing } from './keep-going.js';

export interface SupplyOptions {
  readonly keepGoing: KeepGoing | undefined;
  /** When another owner has the lock: does it wait (true), or end? */
  readonly waitsForLock: boolean;
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
/** Before a longer wait (ms) for the next start, a pass asks whether any job is left. */
const SHORT_WAIT_MS = 1000;

/** Asks the store for jobs, one request after the other, and waits for more where there are none. */
export class Supply {
  /** True from a request until there may be more jobs than it brought. */
  isUnderWay = false;
  /** Is a request at the store? */
  isAsking = false;
  /** No more is asked for: a reserve found nothing, and that ends the work. */
  isDrained = false;
  /** Has it asked whether any job is left since the last reserve? */
  private hasLooked = false;
  /** How long (ms) until a job may be ready, as the last reserve that found none answered. */
  nextInMs: number | undefined;

  constructor(
    private readonly fetcher: Fetcher,
    private readonly bounds: Bounds,
    private readonly options: SupplyOptions,
    private readonly listener: SupplyListener,
  ) {}

  /** Begins, and does not wait. */
  begin(limit: number): void {
    this.hasLooked = false;
    this.track(this.reserve(limit));
  }

  /** No job may be started for now: waits until one may be, and does not wait where a pass is over because none is left. */
  waitForStart(): void {
    const { bounds, options } = this;
    bounds.whenOneMayStart(() => this.listener.onSupply());
    if (options.keepGoing !== undefined || this.hasLooked || bounds.startInMs <= SHORT_WAIT_MS) return;
    this.hasLooked = true;
    this.track(this.look());
  }

  private track(work: Promise<void>): void {
    this.isUnderWay = true;
    void work.finally(() => {
      this.isUnderWay = false;
      this.listener.onSupply();
    });
  }

  private async look(): Promise<void> {
    try {
      const { isAnyReady, buried } = await this.fetcher.look();
      this.listener.onBuried(buried);
      this.isDrained = !isAnyReady;
    } catch {
      // The next reserve says what is wrong.
    }
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
    this.isAsking = true;
    try {
      const found = await this.fetcher.reserve(limit);
      this.options.keepGoing?.onAnswer('reserve', found.jobs.length);
      this.listener.onBuried(found.buried ?? []);
      return found;
    } finally {
      this.isAsking = false;
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
    await keepGoing?.waitForMore(found, ending);
  }
}

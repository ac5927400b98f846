import { DelayerError } from '../../core/errors.js';
import { monotonicMs } from '../../core/timer.js';
import { fromSqlite, isBusy } from './errors.js';
import type { Turns } from './turns.js';
import { dropOver, type Write } from './write-queue.js';

/** How long (ms) a call waits for the other processes on the file, as for an answer of a Redis. */
export const BUSY_DEADLINE_MS = 15_000;
/** Work that holds the process for so long (ms) lets signals and timers have their turn. */
export const BREATH_MS = 10;

/** What a piece of work has answered. */
interface Done<T> {
  readonly value: T;
}

export interface BusyRetryOptions {
  readonly label: string;
  /** The path of the file. */
  readonly file: string;
  readonly busyDeadlineMs: number;
  readonly turns: Turns;
  /** Called when the file is not the one any more that was opened. */
  readonly onMoved: () => void;
}

/**
 * Runs work on the file, again as long as other processes hold it, and makes errors of delayer of those of SQLite.
 * Nothing runs any more once the file was closed, or is not the one that was opened.
 */
export class BusyRetry {
  private isOpen = true;
  /** Why every call fails. */
  private failure: DelayerError | undefined;
  private lastBreath = monotonicMs();

  constructor(private readonly options: BusyRetryOptions) {}

  /**
   * Answers at once where nothing is in the way: a promise takes some hundredths of a single push.
   * @param group the writes that `work` does; those whose callers wait no longer are taken out of it
   * @param sinceMs since when (monotonic) the call waits
   * @throws DelayerError as the promise rejects
   */
  run<T>(work: () => T, group: Write[] = [], sinceMs = monotonicMs()): T | Promise<T> {
    const done = this.tryOnce(work, sinceMs);
    if (done && monotonicMs() - this.lastBreath < BREATH_MS) return done.value;
    return this.runAtLast(work, group, sinceMs, done);
  }

  close(): void {
    this.isOpen = false;
  }

  private async runAtLast<T>(
    work: () => T,
    group: Write[],
    sinceMs: number,
    first: Done<T> | undefined,
  ): Promise<T> {
    let done = first;
    while (!done) {
      await this.options.turns.waitForOthers(sinceMs);
      dropOver(group, this.options.label);
      done = this.tryOnce(work, sinceMs);
    }
    if (monotonicMs() - this.lastBreath >= BREATH_MS) await this.breathe();
    return done.value;
  }

  /** Nothing when another process is in the way, and there is time to try again. */
  private tryOnce<T>(work: () => T, sinceMs: number): Done<T> | undefined {
    const { label, busyDeadlineMs } = this.options;
    if (this.failure) throw this.failure;
    if (!this.isOpen) throw new DelayerError('internal', `${label} was closed before`);
    try {
      return { value: work() };
    } catch (error) {
      if (isBusy(error) && monotonicMs() <= sinceMs + busyDeadlineMs) return undefined;
      throw this.toError(error);
    }
  }

  private toError(error: unknown): DelayerError {
    const { label, file, onMoved } = this.options;
    const told = fromSqlite(error, label, file);
    if (told.code === 'store_moved' && !this.failure) {
      this.failure = told;
      onMoved();
    }
    return told;
  }

  private async breathe(): Promise<void> {
    await new Promise(setImmediate);
    this.lastBreath = monotonicMs();
  }
}

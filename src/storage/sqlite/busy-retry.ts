import { DelayerError } from '../../core/errors.js';
import { monotonicMs } from '../../core/timer.js';
import { fromSqlite, isBusy } from './errors.js';
import type { Turns } from './turns.js';
import { dropOver, type Write } from './write-queue.js';

/** How long (ms) a call waits for other processes on the file; as long as for an answer of Redis. */
export const BUSY_DEADLINE_MS = 15_000;
/** Work that blocks the process for so long (ms) is followed by a turn of the event loop. */
export const BREATH_MS = 10;

/** The result of a piece of work. */
interface Done<T> {
  readonly value: T;
}

export interface BusyRetryOptions {
  readonly label: string;
  /** The path of the file. */
  readonly file: string;
  readonly busyDeadlineMs: number;
  readonly turns: Turns;
  /** Called when the path does not name the opened file any more. */
  readonly onMoved: () => void;
}

/**
 * Runs work on the file, again while other processes hold it, and turns errors of SQLite into those of delayer.
 * Nothing runs any more after the file was closed, or when the path does not name it any more.
 */
export class BusyRetry {
  private isOpen = true;
  /** The error with which every call fails. */
  private failure: DelayerError | undefined;
  private lastBreath = monotonicMs();

  constructor(private readonly options: BusyRetryOptions) {}

  /**
   * Answers without a promise when nothing is in the way, because a promise takes some hundredths of a single push.
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

  /** Undefined when another process is in the way and there is time to try again. */
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

import { type FSWatcher, watch } from 'node:fs';
import { monotonicMs, pause } from '../../core/abort.js';
import type { Session } from './session.js';

/** Without a sign from the file system, the file is looked at this often (ms): a sign may be missed. */
const LOOK_MS = 500;
/** The same where the file system gives no signs at all: some thousandths of a core. */
const LOOK_UNWATCHED_MS = 10;
/**
 * A sign comes when the log is written, which is before the commit can be seen: the disk has to
 * confirm it. So long (ms) after a sign the file is looked at every millisecond.
 */
const COMMIT_MS = 200;
/** Between two looks at least (ms), however fast others commit. */
const BETWEEN_LOOKS_MS = 1;

/**
 * Waits for what other processes, or this one, commit. Signs and the version of the file are noted
 * before each look and compared before each sleep, so nothing falls in between.
 */
export class ChangeWaiter {
  private readonly sleepers = new Set<() => void>();
  private watcher: FSWatcher | undefined;
  private signs = 0;
  private closed = false;

  constructor(
    private readonly session: Session,
    private readonly file: string,
  ) {
    session.onCommit = () => {
      this.wake();
    };
  }

  /**
   * Returns when `look` has found something, after `maxMs`, or when aborted.
   * @param look answers in how many ms it will find something if nobody changes anything; 0 for now
   * @throws DelayerError
   */
  async until(look: (now: number) => number, maxMs: number, signal?: AbortSignal): Promise<void> {
    const deadline = monotonicMs() + maxMs;
    let lookedAt = -Infinity;
    while (!this.isOver(signal)) {
      if (monotonicMs() - lookedAt < BETWEEN_LOOKS_MS) await pause(BETWEEN_LOOKS_MS, signal);
      lookedAt = monotonicMs();
      const signs = this.signs;
      const { version, inMs } = await this.session.read((now) => {
        // Before the look, so that what is committed during it counts as later.
        const version = this.session.version();
        this.watch();
        return { version, inMs: look(now) };
      });
      const until = Math.min(deadline, monotonicMs() + inMs);
      if (inMs <= 0 || monotonicMs() >= deadline) return;
      await this.change({ signs, version }, until, signal);
    }
  }

  close(): void {
    this.closed = true;
    this.unwatch();
    this.wake();
  }

  private isOver(signal: AbortSignal | undefined): boolean {
    return this.closed || signal?.aborted === true;
  }

  /** Returns when somebody has committed since, at `until` on the monotonic clock, or when it is over. */
  private async change(
    since: { signs: number; version: string },
    until: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    let { signs } = since;
    while (!this.isOver(signal) && monotonicMs() < until) {
      const longest = this.watcher ? LOOK_MS : LOOK_UNWATCHED_MS;
      if (signs === this.signs) await this.sleep(Math.min(until - monotonicMs(), longest), signal);
      const lookUntil = signs === this.signs ? 0 : Math.min(until, monotonicMs() + COMMIT_MS);
      signs = this.signs;
      do {
        if (this.isOver(signal)) return;
        if ((await this.session.read(() => this.session.version())) !== since.version) return;
        if (monotonicMs() < lookUntil) await pause(1, signal);
      } while (monotonicMs() < lookUntil);
    }
  }

  /** Returns at the next sign, after `ms`, or when aborted. */
  private async sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const woken = new AbortController();
    const wake = () => {
      woken.abort();
    };
    this.sleepers.add(wake);
    signal?.addEventListener('abort', wake);
    await pause(ms, woken.signal);
    signal?.removeEventListener('abort', wake);
    this.sleepers.delete(wake);
  }

  private wake(): void {
    this.signs += 1;
    for (const wake of this.sleepers) wake();
  }

  /** The log is there as long as this connection is. Where it cannot be watched, looking often has to do. */
  private watch(): void {
    if (this.watcher || this.closed) return;
    try {
      this.watcher = watch(`${this.file}-wal`, { persistent: false }, (event) => {
        if (event === 'rename') this.unwatch();
        this.wake();
      });
      this.watcher.on('error', () => {
        this.unwatch();
      });
    } catch {
      this.watcher = undefined;
    }
  }

  private unwatch(): void {
    this.watcher?.close();
    this.watcher = undefined;
  }
}

import { type FSWatcher, watch } from 'node:fs';
import { type AbortSignalLike, monotonicMs, sleep } from '../../core/timer.js';
import type { Connection } from './connection.js';
import { besideFile } from './open.js';
import type { StoreFile } from './store-file.js';

/**
 * How often (ms) the file is looked at without a sign from the file system, because a sign may be missed, and the
 * store's clock may differ from that of timers.
 */
const LOOK_MS = 500;
/** The same where the file system gives no signs; this takes some thousandths of a core. */
const LOOK_UNWATCHED_MS = 10;
/**
 * The sign comes when the log is written, before the commit is visible, because the disk has to confirm it first. So
 * for this time (ms) after a sign the file is looked at again and again. Signs are ignored meanwhile, since a busy
 * file gives thousands a second.
 */
const ALERT_MS = 200;
/** Every millisecond at first; after so long (ms) less often, because others are just busy. */
const EAGER_MS = 20;
const EAGER_GAP_MS = 1;
const ALERT_GAP_MS = 2;

/** How often (ms) a file that is not there is looked for. */
const LOOK_ABSENT_MS = 100;

/**
 * Answers in how many ms it will find something if nobody changes the file; 0 when it has found something.
 */
export type Look = (connection: Connection, now: number) => number;

/** Waits for commits of any process, this one included. It takes and writes nothing. */
export class ChangeWatcher {
  private readonly sleepers = new Set<() => void>();
  private watcher: FSWatcher | undefined;
  /** The connection whose log is watched. */
  private watched: Connection | undefined;
  private signs = 0;
  private closed = false;

  constructor(private readonly file: StoreFile) {
    file.onCommit = () => {
      this.wake();
    };
  }

  /**
   * Returns when `look` has found something, after `maxMs`, or when aborted. It begins to listen before it looks, so
   * no change is missed in between. It waits for a file that does not exist yet.
   * @throws DelayerError, for example `store_moved` within LOOK_MS when the path names another file
   */
  async until(look: Look, maxMs: number, signal?: AbortSignalLike): Promise<void> {
    const deadline = monotonicMs() + maxMs;
    let signAt = -Infinity;
    while (!this.closed && signal?.aborted !== true) {
      const connection = await this.file.whenThere();
      if (!connection) {
        const restMs = deadline - monotonicMs();
        if (restMs <= 0) return;
        await this.sleep(Math.min(restMs, LOOK_ABSENT_MS), signal);
        continue;
      }
      const sinceSignMs = monotonicMs() - signAt;
      const isAlert = sinceSignMs < ALERT_MS;
      if (!isAlert) this.watch(connection);
      const signs = this.signs;
      const inMs = await connection.read((now) => look(connection, now));
      const restMs = Math.min(inMs, deadline - monotonicMs());
      if (restMs <= 0) return;
      if (isAlert) {
        await sleep(Math.min(restMs, sinceSignMs < EAGER_MS ? EAGER_GAP_MS : ALERT_GAP_MS), signal);
      } else {
        if (signs === this.signs)
          await this.sleep(Math.min(restMs, this.watcher ? LOOK_MS : LOOK_UNWATCHED_MS), signal);
        if (signs !== this.signs) signAt = monotonicMs();
      }
    }
  }

  close(): void {
    this.closed = true;
    this.unwatch();
    this.wake();
  }

  /** Returns at the next sign, after `ms`, or when aborted. */
  private async sleep(ms: number, signal: AbortSignalLike | undefined): Promise<void> {
    let wake: (() => void) | undefined;
    await sleep(ms, signal, (wakeUp) => {
      wake = wakeUp;
      this.sleepers.add(wakeUp);
    });
    if (wake) this.sleepers.delete(wake);
  }

  private wake(): void {
    this.signs += 1;
    for (const wake of this.sleepers) wake();
  }

  /** Where the log cannot be watched, polling has to do. */
  private watch(connection: Connection): void {
    if (this.watched !== connection) this.unwatch();
    if (this.watcher || this.closed) return;
    this.watched = connection;
    try {
      this.watcher = watch(besideFile(this.file.path, 'wal'), { persistent: false }, () => {
        this.unwatch();
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

import { DelayerError } from '../../core/errors.js';
import type { PushWaitParams, ReadyWaitParams } from '../../core/store.js';
import { monotonicMs } from '../../core/timer.js';
import type { Keys } from './keys.js';
import { type KeyWatch, toKeyName, type Watcher } from './key-watch.js';
import type { Target } from './scripts/run.js';

/** How often (ms) a waiter looks, where nothing else is asked for. */
const POLL_MS = 100;

/** In how many ms the next job of the pool is due (inspect/next-due.ts); `track` is called right before the pool is read. */
export type NextDue = (target: Target, track?: () => void) => Promise<number>;

interface WatchedList {
  readonly key: Buffer;
  readonly name: string;
}

/**
 * Waits for ready jobs of any topics: the ready lists of its topics are watched, so that jobs by original clients and
 * daemons are seen as well. It takes nothing, and polls only where it may not listen.
 */
export class ReadyWaiter implements Watcher {
  private readonly names: { readonly pool: string; readonly paused: string };
  private poolWokeAt = -Infinity;
  private poolTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly watch: KeyWatch,
    private readonly keys: Keys,
    private readonly nextDue: NextDue,
    /**
     * So often (ms) waiting ends where Redis cannot tell of changes, and at most so often because of a change of the
     * pool, which may be a due job that nobody promotes.
     */
    private readonly pollMs = POLL_MS,
  ) {
    this.names = { pool: toKeyName(keys.pool), paused: toKeyName(keys.paused) };
  }

  /** Of the last watch that began: a wait asks for what comes after it. */
  get revision(): number {
    return this.watch.revision;
  }

  async wait({ topics, maxMs, signal, since = this.revision }: ReadyWaitParams): Promise<void> {
    const { watch } = this;
    watch.listen(this);
    if (watch.mayWatch) {
      const lists = topics.map((topic) => {
        const key = this.keys.ready(topic);
        return { key, name: toKeyName(key) };
      });
      const restMs = await this.look(lists, since);
      // What changed while Redis answered has woken nobody yet.
      if (restMs === 0 || !this.isWatched(lists)) return;
      if (restMs !== undefined) return watch.sleep(Math.min(maxMs, restMs), signal);
    }
    return watch.sleep(Math.min(maxMs, this.pollMs), signal);
  }

  close(): void {
    clearTimeout(this.poolTimer);
  }

  onChange(name: string): void {
    if (name === this.names.pool) this.onPoolChange();
    else this.watch.wakeAll();
  }

  /**
   * Watches what has not been watched since a revision: ready lists, pauses, and the pool.
   * @returns for how long (ms) nothing is to be expected: 0 when such a list has jobs, which may have come since;
   *   nothing when keys cannot be watched
   */
  private async look(lists: readonly WatchedList[], since: number): Promise<number | undefined> {
    const isStale = (name: string) => (this.watch.watchedSince(name) ?? Infinity) > since;
    const { pool, paused } = this.names;
    const stale = lists.filter(({ name }) => isStale(name));
    const [isPausedStale, isPoolStale] = [isStale(paused), !this.poolTimer && isStale(pool)];
    const names = [
      ...stale.map(({ name }) => name),
      ...(isPausedStale ? [paused] : []),
      ...(isPoolStale ? [pool] : []),
    ];
    if (names.length === 0) return Infinity;
    try {
      return await this.watch.watch(names, async (target, track) => {
        const exists = (keys: readonly (Buffer | string)[]) => {
          track();
          return target.redis.exists(...keys);
        };
        const [jobs, dueInMs] = await Promise.all([
          stale.length > 0 ? exists(stale.map(({ key }) => key)) : 0,
          isPoolStale ? this.nextDue(target, track) : Infinity,
          isPausedStale && exists([this.keys.paused]),
        ]);
        return jobs > 0 ? 0 : dueInMs;
      });
    } catch (error) {
      // The caller will see it when it looks for jobs.
      if (error instanceof DelayerError) return 0;
      throw error;
    }
  }

  private isWatched(lists: readonly WatchedList[]): boolean {
    const isWatched = (name: string) => this.watch.watchedSince(name) !== undefined;
    const { pool, paused } = this.names;
    // While the timer runs, it will end the wait: the pool need not be watched.
    return (
      isWatched(paused) &&
      (this.poolTimer !== undefined || isWatched(pool)) &&
      lists.every(({ name }) => isWatched(name))
    );
  }

  private onPoolChange(): void {
    if (this.poolTimer) return;
    const restMs = this.poolWokeAt + this.pollMs - monotonicMs();
    const wake = () => {
      this.poolTimer = undefined;
      this.poolWokeAt = monotonicMs();
      this.watch.wakeAll();
    };
    if (restMs <= 0) wake();
    else this.poolTimer = setTimeout(wake, restMs).unref();
  }
}

/**
 * The least time (ms) between two looks at the pool, within what lateness allows. Longer than the daemon waits between
 * two steps, because each step looks at the pool as well.
 */
const PEEK_GAP_MS = 4;

/**
 * Listens for pushes that make an earlier job due: those by delayer are published on a channel, and a change of the pool
 * may be a push by an original client. Where it may not listen, waiting takes no longer than an interval.
 */
export class PushListener implements Watcher {
  /** Was anything heard since the last wait began? The answer that came before may not know of it. */
  private heard = false;
  private readonly pool: string;
  /** The revision since which the pool has been watched that was looked at last. */
  private seenSince: number | undefined;
  private peekedAt = -Infinity;

  constructor(
    private readonly watch: KeyWatch,
    private readonly keys: Pick<Keys, 'pool' | 'wakeChannel'>,
    private readonly nextDue: NextDue,
  ) {
    this.pool = toKeyName(keys.pool);
  }

  /** @throws DelayerError when the store cannot be reached, or fails */
  async wait({ maxMs, pollMs = maxMs, signal }: PushWaitParams): Promise<void> {
    const { watch } = this;
    watch.listen(this, this.keys.wakeChannel);
    let until = monotonicMs() + (watch.mayWatch ? maxMs : Math.min(maxMs, pollMs));
    while (!this.heard && !watch.isClosed && signal?.aborted !== true) {
      const now = monotonicMs();
      const restMs = until - now;
      if (restMs <= 0) break;
      const peekInMs = this.hasToPeek() ? Math.max(0, this.peekedAt + PEEK_GAP_MS - now) : Infinity;
      // Who looks at all of the store so soon need not look at the pool before.
      if (peekInMs > 0 || restMs <= PEEK_GAP_MS) {
        await watch.sleep(Math.min(restMs, Math.max(peekInMs, 1)), signal);
        continue;
      }
      this.peekedAt = now;
      const dueInMs = await watch.watch([this.pool], this.nextDue);
      this.seenSince = watch.watchedSince(this.pool);
      until = Math.min(until, now + (dueInMs ?? pollMs));
    }
    this.heard = false;
  }

  onChange(name: string): void {
    if (name === this.pool) this.watch.wakeAll();
  }

  onGap(): void {
    this.heard = true;
  }

  onMessage(): void {
    this.heard = true;
    this.watch.wakeAll();
  }

  /** May the pool have changed since it was looked at? */
  private hasToPeek(): boolean {
    const since = this.watch.watchedSince(this.pool);
    return this.watch.mayWatch && (since === undefined || since !== this.seenSince);
  }
}

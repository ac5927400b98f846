import type { Redis } from 'ioredis';
import { monotonicMs } from '../../core/timer.js';
import type { PushWaitParams, ReadyWaitParams } from '../../core/store.js';
import type { Keys } from './keys.js';
import { Subscription } from './subscription.js';
import type { RedisAddress } from './url.js';

/** How often (ms) a waiter looks, where nothing else is asked for. */
const POLL_MS = 100;
/** Topics that were waited for and are remembered, so that a change between two waits is not missed. */
const MAX_TOPICS = 1000;

/** The channel on which Redis tells of changed keys. https://redis.io/docs/latest/develop/reference/client-side-caching/ */
const INVALIDATED = '__redis__:invalidate';

/** A name as text of one character a byte: keys need not be UTF-8. */
const nameOf = (name: string | Buffer): string => Buffer.from(name as string).toString('latin1');

/**
 * Waits for ready jobs of any topics on one connection: Redis tells of each change below the prefix, by
 * original clients and daemons as well. It takes nothing, and polls only where it may not listen.
 */
export class ReadyWaiter extends Subscription {
  /** Counts the changes that were heard of. */
  revision = 0;
  /** Topics that were waited for, by the revisions of their last change and of the last wait; the latest is last. */
  private readonly topics = new Map<string, { changedAt: number; waitedAt: number }>();
  /** The last revision at which any topic may have changed. */
  private gapAt = 0;
  private readonly names: { readonly pool: string; readonly paused: string; readonly readyStem: string };
  private poolWokeAt = -Infinity;
  private poolTimer: NodeJS.Timeout | undefined;

  constructor(
    address: RedisAddress,
    private readonly keys: Keys,
    /**
     * So often (ms) waiting ends where Redis cannot tell of changes, and at most so often because of a change of the
     * pool, which may be a due job that nobody promotes.
     */
    private readonly pollMs = POLL_MS,
  ) {
    super(address);
    this.names = { pool: nameOf(keys.pool), paused: nameOf(keys.paused), readyStem: nameOf(keys.readyStem) };
  }

  async wait({ topics, maxMs, signal, since }: ReadyWaitParams): Promise<void> {
    const names = topics.map(nameOf);
    this.listen();
    const mayHaveChanged = names.some((name) => this.hasChanged(name, since));
    this.remember(names);
    if (!this.isListening) await this.sleep(Math.min(maxMs, this.pollMs), signal);
    else if (!mayHaveChanged) await this.sleep(maxMs, signal);
    this.remember(names);
  }

  override close(): void {
    clearTimeout(this.poolTimer);
    super.close();
  }

  protected override async subscribe(redis: Redis): Promise<void> {
    const id = String(await redis.call('CLIENT', 'ID'));
    const { readyStem, pool, paused } = this.keys;
    const prefixes = [readyStem, pool, paused].flatMap((prefix) => ['PREFIX', prefix]);
    await redis.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id, 'BCAST', ...prefixes);
    redis.on('messageBuffer', (_channel: Buffer, keys: Buffer | readonly Buffer[] | null) => {
      this.onChange(Array.isArray(keys) ? keys : []);
    });
    await redis.subscribe(INVALIDATED);
  }

  /** Whatever was waited for may have changed. */
  protected override onGap(): void {
    this.revision += 1;
    this.gapAt = this.revision;
    this.wakeAll();
  }

  private onChange(keys: readonly Buffer[]): void {
    // No keys: the database was flushed.
    if (keys.length === 0) this.onGap();
    let isAwaited = false;
    for (const key of keys) {
      const name = nameOf(key);
      if (name === this.names.pool) this.onPoolChange();
      else if (name === this.names.paused) this.onGap();
      else {
        const topic = name.slice(this.names.readyStem.length);
        const known = this.topics.get(topic);
        if (!known) continue;
        this.revision += 1;
        known.changedAt = this.revision;
        isAwaited = true;
      }
    }
    if (isAwaited) this.wakeAll();
  }

  private onPoolChange(): void {
    if (this.poolTimer) return;
    const restMs = this.poolWokeAt + this.pollMs - monotonicMs();
    const wake = () => {
      this.poolTimer = undefined;
      this.poolWokeAt = monotonicMs();
      this.onGap();
    };
    if (restMs <= 0) wake();
    else this.poolTimer = setTimeout(wake, restMs).unref();
  }

  /** Whether a topic that was not waited for has changed nobody knows. */
  private hasChanged(name: string, since: number | undefined): boolean {
    const known = this.topics.get(name);
    if (!known) return true;
    return Math.max(known.changedAt, this.gapAt) > (since ?? known.waitedAt);
  }

  private remember(names: readonly string[]): void {
    for (const name of names) {
      const changedAt = this.topics.get(name)?.changedAt ?? 0;
      this.topics.delete(name);
      this.topics.set(name, { changedAt, waitedAt: this.revision });
    }
    for (const name of this.topics.keys()) {
      if (this.topics.size <= Math.max(MAX_TOPICS, names.length)) break;
      this.topics.delete(name);
    }
  }
}

/** So long (ms) at least lie between two looks at the pool: as long as lateness allows. */
const PEEK_GAP_MS = 2;

/**
 * Listens for pushes that make an earlier job due: delayer's tell of themselves, and a change of the pool may be a push
 * of an original client. Where it may not listen, waiting takes no longer than an interval.
 */
export class PushListener extends Subscription {
  /** Was anything heard since the last wait began? The answer that came before may not know of it. */
  private heard = false;
  private poolChanged = false;
  private hearsPool = false;
  private peekedAt = -Infinity;

  constructor(
    address: RedisAddress,
    private readonly keys: Pick<Keys, 'pool' | 'wakeChannel'>,
  ) {
    super(address);
  }

  /** @param nextDueInMs asks when the next job is due; 0 when that is now, or cannot be told */
  async wait(
    { maxMs, pollMs = maxMs, signal }: PushWaitParams,
    nextDueInMs: () => Promise<number>,
  ): Promise<void> {
    this.listen();
    let until = monotonicMs() + (this.isListening && this.hearsPool ? maxMs : Math.min(maxMs, pollMs));
    while (!this.heard && !this.isClosed && signal?.aborted !== true) {
      const now = monotonicMs();
      const restMs = until - now;
      const peekInMs = this.poolChanged ? Math.max(0, this.peekedAt + PEEK_GAP_MS - now) : Infinity;
      if (restMs <= 0) break;
      // Who looks at all of the store so soon need not look at the pool before.
      if (peekInMs > 0 || restMs <= PEEK_GAP_MS) {
        await this.sleep(Math.min(restMs, Math.max(peekInMs, 1)), signal);
        continue;
      }
      this.poolChanged = false;
      this.peekedAt = now;
      until = Math.min(until, now + (await nextDueInMs()));
    }
    this.heard = false;
  }

  protected override async subscribe(redis: Redis): Promise<void> {
    redis.on('messageBuffer', (channel: Buffer, keys: Buffer | readonly Buffer[] | null) => {
      if (channel.toString() !== INVALIDATED) this.onGap();
      // No keys: the database was flushed.
      else if (!Array.isArray(keys) || keys.some((key) => nameOf(key as Buffer) === nameOf(this.keys.pool)))
        this.onPoolChange();
    });
    this.hearsPool = await this.track(redis);
    await redis.subscribe(this.keys.wakeChannel);
  }

  /** Answers whether this user may hear of changes of the pool. */
  private async track(redis: Redis): Promise<boolean> {
    try {
      const id = String(await redis.call('CLIENT', 'ID'));
      await redis.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id, 'BCAST', 'PREFIX', this.keys.pool);
      await redis.subscribe(INVALIDATED);
      return true;
    } catch (error) {
      if (error instanceof Error && error.name === 'ReplyError') return false;
      throw error;
    }
  }

  protected override onGap(): void {
    this.heard = true;
    this.wakeAll();
  }

  private onPoolChange(): void {
    this.poolChanged = true;
    this.wakeAll();
  }
}

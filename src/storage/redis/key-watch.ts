import type { Redis } from 'ioredis';
import { DelayerError, isTransient } from '../../core/errors.js';
import { type AbortSignalLike, sleep } from '../../core/timer.js';
import type { Caller } from './caller.js';
import { Connection } from './connection.js';
import type { Target } from './scripts/run.js';
import type { RedisAddress } from './url.js';

/** No wait is longer (ms): a connection that broke without a sign is noticed by then. */
const LONGEST_WAIT_MS = 5000;
/** A subscribed connection that does not answer a ping within this time (ms) is broken. */
const PING_TIMEOUT_MS = 2000;
/** Keys that are watched and that nobody has asked for lately are forgotten beyond so many. */
const MAX_KEYS = 1000;

/** The channel on which Redis tells of changed keys. https://redis.io/docs/latest/develop/reference/client-side-caching/ */
const INVALIDATED = '__redis__:invalidate';

/** A key as text of one character a byte: keys need not be UTF-8. */
export const toKeyName = (key: string | Buffer): string => Buffer.from(key as string).toString('latin1');

/** Who is told of changes. */
export interface Watcher {
  /** A watched key has changed, and is not watched any more. */
  onChange(name: string): void;
  /** Listening began or ended: any key may have changed, and none is watched. All sleepers are woken after it. */
  onGap?(): void;
  /** Something was published on the watcher's own channel. */
  onMessage?(): void;
}

/** Sends a read whose keys are watched: `track` right before the command says so. */
export type TrackedRead<T> = (target: Target, track: () => void) => Promise<T>;

/**
 * Tells once of the next change of each key that it is asked to watch, by whatever client. What others do with other
 * keys costs nothing here. One connection listens; Redis remembers which keys the store's own connection has read
 * (`CLIENT TRACKING`, opt-in), so a key costs one read each time that it is to be watched again.
 */
export class KeyWatch {
  private readonly connection: Connection;
  private redis: Redis | undefined;
  private state: 'off' | 'starting' | 'on' | 'refused' | 'closed' = 'off';
  private readonly watchers = new Set<Watcher>();
  private readonly channels = new Map<string, Watcher>();
  private readonly wakes = new Set<() => void>();
  /** Who is told of what the store's connection has read: the client id of the connection that listens. */
  private listenerId: string | undefined;
  /** The store's connection whose reads are tracked. */
  private trackedOn: Redis | undefined;
  private readonly everTracked = new WeakSet<Redis>();
  /** The keys that are watched, each with the revision at which that began; the oldest is first. */
  private readonly watched = new Map<string, number>();
  /** Grows each time that keys begin to be watched. */
  revision = 0;

  constructor(
    address: RedisAddress,
    private readonly caller: Caller,
  ) {
    this.connection = new Connection(address);
  }

  get isClosed(): boolean {
    return this.state === 'closed';
  }

  /** May this user hear of changed keys, as far as is known? */
  get mayWatch(): boolean {
    return this.state === 'on' && this.listenerId !== undefined;
  }

  /** The revision since which a key has been watched without a change; nothing when it is not watched. */
  watchedSince(name: string): number | undefined {
    return this.watched.get(name);
  }

  /** Begins to listen, where that was not done, or did not last. */
  listen(watcher: Watcher, channel?: string): void {
    this.watchers.add(watcher);
    if (channel !== undefined && !this.channels.has(channel)) {
      this.channels.set(channel, watcher);
      // What listens already begins anew, with this channel; a user who may not hear of keys may hear of it.
      if (this.state === 'on') this.redis?.disconnect();
      if (this.state === 'refused') this.state = 'off';
    }
    if (this.state === 'off') void this.start();
  }

  /**
   * Watches keys from now on, until the first change of each.
   * @param read sends commands that read all of them
   * @returns what was read; nothing when they cannot be watched
   * @throws DelayerError when the store cannot be reached, or fails
   */
  async watch<T>(names: readonly string[], read: TrackedRead<T>): Promise<T | undefined> {
    try {
      return await this.caller.read(async (target) => {
        const { listenerId } = this;
        if (listenerId === undefined) return undefined;
        const { redis } = target;
        const sent: Promise<unknown>[] = [];
        if (this.trackedOn !== redis) {
          this.trackedOn = redis;
          this.watched.clear();
          this.noticeEnd(redis);
          sent.push(redis.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', listenerId, 'OPTIN'));
        }
        // Before the answer: a change may be told of before it.
        this.remember(names);
        // In one write: each would wake Redis.
        redis.stream.cork();
        const answer = read(target, () => void sent.push(redis.call('CLIENT', 'CACHING', 'YES')));
        redis.stream.uncork();
        const [value] = await Promise.all([answer, ...sent]);
        return value;
      });
    } catch (error) {
      for (const name of names) this.watched.delete(name);
      if (!(error instanceof DelayerError) || isTransient(error)) throw error;
      // A user who may not watch, or a server that has no such command, will not do it later.
      this.listenerId = undefined;
      return undefined;
    }
  }

  /** Waits, no longer than LONGEST_WAIT_MS, until woken, aborted or closed. */
  async sleep(ms: number, signal?: AbortSignalLike): Promise<void> {
    if (this.state === 'closed') return;
    const sleeper = { isWoken: false };
    let wake: () => void = () => undefined;
    await sleep(Math.min(ms, LONGEST_WAIT_MS), signal, (end) => {
      wake = () => {
        sleeper.isWoken = true;
        end();
      };
      this.wakes.add(wake);
    });
    this.wakes.delete(wake);
    if (!sleeper.isWoken && ms > LONGEST_WAIT_MS && signal?.aborted !== true) void this.ping();
  }

  wakeAll(): void {
    for (const wake of this.wakes) wake();
  }

  close(): void {
    this.state = 'closed';
    this.connection.close();
    this.wakeAll();
  }

  private remember(names: readonly string[]): void {
    this.revision += 1;
    for (const name of names) {
      this.watched.delete(name);
      this.watched.set(name, this.revision);
    }
    for (const name of this.watched.keys()) {
      if (this.watched.size <= Math.max(MAX_KEYS, names.length)) break;
      this.watched.delete(name);
    }
  }

  private async start(): Promise<void> {
    this.state = 'starting';
    try {
      const channels = await this.connection.run('read', async (redis) => {
        const subscribed = await this.subscribe(redis);
        this.redis = redis;
        redis.once('end', () => this.become('off'));
        return subscribed;
      });
      this.become('on');
      // One that was asked for meanwhile.
      if (this.channels.size > channels) this.redis?.disconnect();
    } catch (error) {
      // A user who may not listen will not be allowed to later; a connection that broke is tried again.
      this.become(error instanceof DelayerError && error.code === 'store_refused' ? 'refused' : 'off');
    }
  }

  /** @returns to how many channels of watchers */
  private async subscribe(redis: Redis): Promise<number> {
    redis.on('messageBuffer', (channel: Buffer, keys: Buffer | readonly Buffer[] | null) => {
      const name = channel.toString();
      if (name !== INVALIDATED) this.channels.get(name)?.onMessage?.();
      // No keys: the database was flushed.
      else if (Array.isArray(keys)) keys.forEach((key: Buffer) => this.changed(toKeyName(key)));
      else this.gap();
    });
    const channels = [...this.channels.keys()];
    let listenerId: string | undefined;
    try {
      listenerId = String(await redis.call('CLIENT', 'ID'));
      await redis.subscribe(INVALIDATED);
    } catch (error) {
      // A watcher's own channel is worth listening to alone.
      if (!(error instanceof Error && error.name === 'ReplyError') || channels.length === 0) throw error;
      listenerId = undefined;
    }
    if (channels.length > 0) await redis.subscribe(...channels);
    this.listenerId = listenerId;
    return channels.length;
  }

  private changed(name: string): void {
    if (!this.watched.delete(name)) return;
    for (const watcher of this.watchers) watcher.onChange(name);
  }

  private become(state: 'on' | 'off' | 'refused'): void {
    if (this.state === 'closed') return;
    this.state = state;
    if (state !== 'on') {
      this.redis = undefined;
      this.listenerId = undefined;
    }
    this.gap();
  }

  /** Redis forgets what a connection has read when that ends. */
  private noticeEnd(redis: Redis): void {
    if (this.everTracked.has(redis)) return;
    this.everTracked.add(redis);
    redis.once('end', () => {
      if (this.trackedOn === redis) this.gap();
    });
  }

  private gap(): void {
    this.trackedOn = undefined;
    this.watched.clear();
    for (const watcher of this.watchers) watcher.onGap?.();
    this.wakeAll();
  }

  private async ping(): Promise<void> {
    const redis = this.redis;
    if (!redis) return;
    const answered = await Promise.race([
      redis.ping().then(
        () => true,
        () => false,
      ),
      sleep(PING_TIMEOUT_MS).then(() => false),
    ]);
    if (!answered && redis.status !== 'end') redis.disconnect();
  }
}

import type { Redis } from 'ioredis';
import { DelayerError } from '../../core/errors.js';
import { type AbortSignalLike, sleep } from '../../core/timer.js';
import { Connection } from './connection.js';
import type { RedisAddress } from './url.js';

/** No wait is longer (ms): a connection that broke without a sign is noticed by then. */
const LONGEST_WAIT_MS = 5000;
/** A subscribed connection that does not answer a ping within this time (ms) is broken. */
const PING_TIMEOUT_MS = 2000;

/** A connection that does nothing but listen, made again at the next wait when it broke. */
export abstract class Subscription {
  private readonly connection: Connection;
  private redis: Redis | undefined;
  private state: 'off' | 'starting' | 'on' | 'refused' | 'closed' = 'off';
  private readonly wakes = new Set<() => void>();

  constructor(address: RedisAddress) {
    this.connection = new Connection(address);
  }

  close(): void {
    this.state = 'closed';
    this.connection.close();
    this.wakeAll();
  }

  protected abstract subscribe(redis: Redis): Promise<unknown>;

  /** Is called when listening begins, and when it ends: something may have happened before. */
  protected abstract onGap(): void;

  protected get isClosed(): boolean {
    return this.state === 'closed';
  }

  protected get isListening(): boolean {
    return this.state === 'on';
  }

  protected listen(): void {
    if (this.state === 'off') void this.start();
  }

  protected async sleep(ms: number, signal?: AbortSignalLike): Promise<void> {
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

  protected wakeAll(): void {
    for (const wake of this.wakes) wake();
  }

  private async start(): Promise<void> {
    this.state = 'starting';
    try {
      await this.connection.run('read', async (redis) => {
        await this.subscribe(redis);
        this.redis = redis;
        redis.once('end', () => this.become('off'));
      });
      this.become('on');
    } catch (error) {
      // A user who may not listen will not be allowed to later; a connection that broke is tried again.
      this.become(error instanceof DelayerError && error.code === 'store_refused' ? 'refused' : 'off');
    }
  }

  private become(state: 'on' | 'off' | 'refused'): void {
    if (this.state === 'closed') return;
    this.state = state;
    if (state !== 'on') this.redis = undefined;
    this.onGap();
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

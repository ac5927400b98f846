import { pause } from '../../core/timer.js';
import { DelayerError } from '../../core/errors.js';
import type { RedisAddress } from './url.js';
import { Connection } from './connection.js';
import type { Keys } from './keys.js';

/** The longest wait for a ready job in one go (ms): where no daemon runs, a push is noticed no later. */
const LONGEST_WAIT_MS = 100;

/** How long (s) Redis holds a waiting connection before it asks anew; a dead one is noticed by then. */
const BLOCK_SECONDS = 5;

/** Waits for ready jobs, on a connection for each topic: a blocked one serves nothing else. */
export class ReadyWaiters {
  private readonly connections = new Map<string, Connection>();
  private readonly blocked = new Map<string, Promise<void>>();

  constructor(
    private readonly address: RedisAddress,
    private readonly keys: Keys,
  ) {}

  /** Returns when the topic's ready list holds something, after `maxMs`, or when aborted. */
  async wait(topic: Buffer, maxMs: number, signal?: AbortSignal): Promise<void> {
    const name = topic.toString('latin1');
    let blocked = this.blocked.get(name);
    if (!blocked) {
      blocked = this.block(topic, name).finally(() => this.blocked.delete(name));
      this.blocked.set(name, blocked);
    }
    // Redis ends a wait up to 100 ms late; the timer here is exact, and whoever waits next joins in.
    const ended = blocked;
    await pause(Math.min(maxMs, LONGEST_WAIT_MS), signal, (wake) => void ended.then(wake));
  }

  close(): void {
    for (const connection of this.connections.values()) connection.close();
  }

  /** BLMOVE from the right end to the right end waits without taking: no job can be lost with the connection. */
  private async block(topic: Buffer, name: string): Promise<void> {
    const connection = this.connections.get(name) ?? new Connection(this.address);
    this.connections.set(name, connection);
    const key = this.keys.ready(topic);
    try {
      await connection.run('read', (redis) =>
        redis.callBuffer('BLMOVE', key, key, 'RIGHT', 'RIGHT', BLOCK_SECONDS),
      );
    } catch {
      // Refused when Redis is out of memory, or unreachable: the next take will say so where it matters.
      await pause(LONGEST_WAIT_MS);
    }
  }
}

/** Listens for pushes that make an earlier job due. Where it may not listen, waiting just takes its time. */
export class PushListener {
  private readonly connection: Connection;
  private listening = false;
  private wake: (() => void) | undefined;
  /** Was anything heard since the last wait began? The answer that came before may not know of it. */
  private heard = false;

  constructor(
    address: RedisAddress,
    private readonly channel: string,
  ) {
    this.connection = new Connection(address);
  }

  async wait(maxMs: number, signal?: AbortSignal): Promise<void> {
    if (!this.listening) void this.listen();
    if (!this.heard) {
      await pause(maxMs, signal, (wake) => {
        this.wake = wake;
      });
    }
    this.heard = false;
  }

  close(): void {
    this.connection.close();
  }

  /** Wakes whoever waits once more when it begins to listen, and when it ends: a push may have come before. */
  private async listen(): Promise<void> {
    this.listening = true;
    const wake = () => {
      this.heard = true;
      this.wake?.();
    };
    try {
      await this.connection.run('read', async (redis) => {
        await redis.subscribe(this.channel);
        redis.on('message', wake);
        redis.once('end', () => {
          this.listening = false;
          wake();
        });
      });
      wake();
    } catch (error) {
      // Who may not listen will not be allowed to later; a connection that broke is tried again.
      this.listening = error instanceof DelayerError && error.code === 'store_refused';
    }
  }
}

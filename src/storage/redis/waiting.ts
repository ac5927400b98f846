import { pause } from '../../core/abort.js';
import type { RedisAddress } from './address.js';
import { Connection } from './connection.js';
import type { Keys } from './keys.js';

/**
 * The longest wait in one go (ms). What the original clients push is seen no later, a broken
 * connection is noticed soon, and a pushed job that is due at once waits no longer without a daemon.
 */
export const LONGEST_WAIT_MS = 100;

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
    const over = new AbortController();
    const either = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
    await Promise.race([blocked, pause(Math.min(maxMs, LONGEST_WAIT_MS), either)]);
    over.abort();
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
  private heard: (() => void) | undefined;

  constructor(
    address: RedisAddress,
    private readonly channel: string,
  ) {
    this.connection = new Connection(address);
  }

  async wait(maxMs: number, signal?: AbortSignal): Promise<void> {
    if (!this.listening) void this.listen();
    const woken = new AbortController();
    this.heard = () => {
      woken.abort();
    };
    const either = signal ? AbortSignal.any([signal, woken.signal]) : woken.signal;
    await pause(Math.min(maxMs, LONGEST_WAIT_MS), either);
  }

  close(): void {
    this.connection.close();
  }

  private async listen(): Promise<void> {
    this.listening = true;
    try {
      await this.connection.run('read', async (redis) => {
        redis.once('end', () => {
          this.listening = false;
        });
        redis.on('message', () => {
          this.heard?.();
        });
        await redis.subscribe(this.channel);
      });
    } catch {
      this.listening = false;
    }
  }
}

import { Redis } from 'ioredis';
import { OriginalDaemon } from '../interop/original.js';
import type { RedisServer } from './redis-server.js';

/** A connection that polls as the original daemon does. */
export interface Poller {
  readonly redis: Redis;
  /** Its address in CLIENT LIST. */
  readonly address: string;
  /** Stops polling, but stays connected. */
  stop(): void;
  /** Stops polling, and closes the connection. */
  close(): void;
}

export interface PollerOptions {
  /** A second by default, as the original daemon. */
  readonly everyMs?: number;
  /** None by default. */
  readonly connectionName?: string;
  /** 0 by default. */
  readonly db?: number;
  /** A tick of the original daemon by default. */
  readonly tick?: (redis: Redis) => Promise<unknown>;
}

/** Connects by TCP and without a name, as the Go daemon does, and starts to tick. */
export async function startPoller(
  server: RedisServer,
  { everyMs = 1000, tick, ...options }: PollerOptions = {},
): Promise<Poller> {
  const redis = new Redis({
    ...{ port: server.port, protocol: 2, lazyConnect: true, retryStrategy: null },
    ...{ disableClientInfo: true, ...options },
  });
  redis.on('error', () => undefined); // The server may be stopped before this connection is closed.
  await redis.connect();
  const address = / addr=(\S+)/.exec(String(await redis.call('CLIENT', 'INFO')))?.[1] ?? '';
  const daemon = new OriginalDaemon(redis);
  const tickOnce = () => void (tick?.(redis) ?? daemon.tick()).catch(() => undefined);
  tickOnce();
  const timer = setInterval(tickOnce, everyMs);
  const stop = () => clearInterval(timer);
  const close = () => {
    stop();
    redis.disconnect();
  };
  return { redis, address, stop, close };
}

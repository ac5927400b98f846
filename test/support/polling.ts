import { Redis } from 'ioredis';
import { OriginalDaemon } from '../interop/original.js';
import type { RedisServer } from './redis-server.js';

/** A connection that polls as the original daemon does. */
export interface Poller {
  readonly redis: Redis;
  /** As CLIENT LIST has it. */
  readonly address: string;
  /** It stays connected. */
  stop(): void;
  /** Stops, and closes the connection. */
  close(): void;
}

export interface PollerOptions {
  /** As often as the original daemon does by default. */
  readonly everyMs?: number;
  /** None when absent. */
  readonly connectionName?: string;
  /** The first when absent. */
  readonly db?: number;
  /** What it does at each tick; a tick of the original daemon when absent. */
  readonly tick?: (redis: Redis) => Promise<unknown>;
}

/** Connects by TCP and without a name, as the Go daemon does, and ticks from now on. */
export async function startPoller(
  server: RedisServer,
  { everyMs = 1000, tick, ...options }: PollerOptions = {},
): Promise<Poller> {
  const redis = new Redis({
    ...{ port: server.port, protocol: 2, lazyConnect: true, retryStrategy: null },
    ...{ disableClientInfo: true, ...options },
  });
  redis.on('error', () => undefined); // Its server may be gone before it is closed.
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

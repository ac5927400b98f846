import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { Queue } from '../../src/core/queue.js';
import { parseRedisUrl } from '../../src/storage/redis/url.js';
import { RedisStore } from '../../src/storage/redis/store.js';
import type { TestClock } from './clock.js';
import { eventually } from './eventually.js';
import { RedisServer, type RedisServerOptions } from './redis-server.js';

/** What a test on Redis works with: a fresh prefix on a server that the suite shares. */
export interface RedisGround {
  readonly server: RedisServer;
  /** A raw connection, to inspect keys and to act as another client. */
  readonly raw: Redis;
  readonly prefix: string;
  /** The server's clock, if the suite asked for `movableClock`; it is reset before each test. */
  readonly clock: TestClock;
  /** Opens a store on the test's prefix; it is closed after the test. */
  open(url?: string): RedisStore;
  /** Opens a queue on the test's prefix; it is closed after the test. */
  queue(url?: string): Queue;
  /** Opens a queue on another prefix; the caller closes it. */
  queueOf(prefix: string): Queue;
}

export function freshPrefix(): string {
  return `test-${randomBytes(6).toString('hex')}`;
}

/** Returns all keys of a pattern with content and expiry, to compare. */
export async function keyspaceOf(raw: Redis, pattern: string): Promise<Map<string, unknown>> {
  const keys = (await raw.keysBuffer(pattern)).sort((a, b) => a.compare(b));
  const dumped = keys.map(async (key): Promise<[string, unknown]> => {
    const [content, expiry] = [await raw.dumpBuffer(key), await raw.pexpiretime(key)];
    return [key.toString('latin1'), { content, expiry }];
  });
  return new Map(await Promise.all(dumped));
}

/**
 * Gives a suite a redis-server, and each of its tests a fresh prefix. After the suite it fails if connections of
 * stores are still open.
 */
export function useRedis(options: RedisServerOptions = {}): RedisGround {
  let server: RedisServer | undefined;
  let raw: Redis | undefined;
  let prefix = '';
  const stores: RedisStore[] = [];

  before('start redis-server', async function () {
    server = await RedisServer.start(options);
    raw = server.client();
  });
  beforeEach(() => {
    prefix = freshPrefix();
    if (options.movableClock === true) started().clock.reset();
  });
  afterEach('close the stores', async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()));
  });
  after('look for connections left open', async () => {
    try {
      await eventually(async () => expect(await server?.strangers(), 'connections left open').to.equal(0));
    } finally {
      await server?.stop();
    }
  });

  const started = () => server ?? fail();
  const open = (url = started().url) => {
    const store = new RedisStore(parseRedisUrl(url), prefix);
    stores.push(store);
    return store;
  };
  return {
    get server() {
      return started();
    },
    get raw() {
      return raw ?? fail();
    },
    get prefix() {
      return prefix;
    },
    get clock() {
      return started().clock;
    },
    open,
    queue: (url) => new Queue(open(url)),
    queueOf: (other) => new Queue(new RedisStore(parseRedisUrl(started().url), other)),
  };
}

function fail(): never {
  throw new Error('the server is started by a hook: use it inside of tests');
}

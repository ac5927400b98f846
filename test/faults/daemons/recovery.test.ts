import { expect } from 'chai';
import type { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import { useCli } from '../../support/cli.js';
import { eventually } from '../../support/eventually.js';
import { Proxy } from '../../support/proxy.js';
import { useRedis } from '../../support/redis.js';
import { IS_LONG, Measurement, SIZE } from '../measure.js';

/** A due job must be ready within this time (ms) after a fault. Checked in the long form, on a quiet machine. */
const GOAL_MS = 2000;
/** How long (ms) a fault lasts: long enough for the pauses between retries to grow. There is no condition to await. */
const LASTS_MS = IS_LONG ? 5000 : 1000;
const [TOPIC, PATIENCE_MS] = ['topic', 60_000];

describe('a daemon promotes again after a fault of Redis, which was', () => {
  const redis = useRedis({
    args: [
      '--enable-protected-configs',
      'yes',
      '--busy-reply-threshold',
      '50',
      '--appendonly',
      'yes',
      '--save',
      '3600 1',
    ],
  });
  let proxy: Proxy;
  before(async () => {
    proxy = await Proxy.to({ path: redis.server.socket });
  });
  after(() => proxy.close());
  const cli = useCli(() => ({ DELAYER_STORE: proxy.url, DELAYER_PREFIX: redis.prefix }));

  /** The test's own connection, which ends when the server restarts. */
  let raw: Redis;
  before(() => {
    raw = redis.server.client();
  });
  /** Waits until Redis answers. A client that connected while Redis was busy or loading has ended, and is replaced. */
  const connect = () =>
    eventually(
      async () => {
        if (raw.status === 'end') raw = redis.server.client();
        await raw.ping();
      },
      { withinMs: PATIENCE_MS, everyMs: 5 },
    );
  const set = (name: string, value: string | number) => raw.config('SET', name, value);
  const breakConnections = async () => {
    await raw.call('CLIENT', 'KILL', 'TYPE', 'normal');
    await raw.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
  };

  /** Each begins a fault, and returns a function that ends it and waits until Redis accepts writes. */
  const FAULTS: Readonly<Record<string, () => Promise<() => Promise<unknown>>>> = {
    'killed and started anew': async () => {
      await redis.server.kill();
      return async () => {
        await redis.server.restart();
        await connect();
      };
    },
    'loading its data': async () => {
      const fill = `for i = 1, 1000 do redis.call('SET', '${redis.prefix}:filler:' .. i, string.rep('x', 1000)) end`;
      await raw.eval(fill, 0);
      await raw.save();
      const slow = ['--key-load-delay', '1000', '--loading-process-events-interval-bytes', '1024'];
      await redis.server.restart('listening', slow);
      return connect;
    },
    'held by a script (BUSY)': () => {
      const other = redis.server.client();
      other.eval('while true do end', 0).catch(() => undefined);
      return Promise.resolve(async () => {
        await raw.script('KILL');
        await connect();
      });
    },
    'a replica for a while': async () => {
      await raw.replicaof('127.0.0.1', 1);
      return () => raw.replicaof('NO', 'ONE');
    },
    'without its scripts': async () => {
      await raw.script('FLUSH');
      return () => Promise.resolve();
    },
    paused: async () => {
      await raw.call('CLIENT', 'PAUSE', LASTS_MS);
      return connect;
    },
    'behind a line that is held': () => {
      proxy.hold();
      return Promise.resolve(() => {
        proxy.pass();
        return Promise.resolve();
      });
    },
    'taking no more clients': async () => {
      await set('maxclients', 1);
      await breakConnections();
      return () => set('maxclients', 1000);
    },
    'asking for another password': async () => {
      await set('requirepass', 'other');
      await breakConnections();
      return () => set('requirepass', '');
    },
    'unable to save (MISCONF)': async () => {
      await set('dir', '/proc');
      await raw.bgsave();
      return async () => {
        await set('save', '');
        await set('dir', redis.server.dir);
      };
    },
  };

  for (const [fault, begin] of Object.entries(FAULTS)) {
    it(fault, async () => {
      const measured = new Measurement(`Redis is ${fault}`, 'Redis');
      await connect();
      const daemon = cli.start(['serve']);
      await daemon.says(/promoting/);
      let pushed = 0;
      const push = async () => {
        pushed += 1;
        await raw.hset(`${redis.prefix}:job_bucket:${pushed}`, { topic: TOPIC, body: 'b' });
        await raw.zadd(`${redis.prefix}:job_pool`, 1, pushed);
      };
      const allAreReady = () =>
        eventually(async () => (await raw.llen(`${redis.prefix}:ready_queue:${TOPIC}`)) === pushed, {
          withinMs: PATIENCE_MS,
          everyMs: 5,
        });
      let slowest = 0;
      for (let n = 0; n < SIZE.outages; n += 1) {
        await push();
        await allAreReady();
        const end = await begin();
        await sleep(LASTS_MS);
        await end();
        const sinceMs = performance.now();
        await push();
        await allAreReady();
        slowest = Math.max(slowest, performance.now() - sinceMs);
        measured.add('times', 1);
      }
      measured.add('ms until promoted, at most', Math.round(slowest));
      if (IS_LONG) measured.atMost('ms until promoted', GOAL_MS, Math.round(slowest));
      const list = await raw.lrange(`${redis.prefix}:ready_queue:${TOPIC}`, 0, -1);
      measured.none('doubled ready entries', list.length - new Set(list).size);
      expect((await daemon.end()).code).to.equal(0);
      measured.end();
    });
  }
});

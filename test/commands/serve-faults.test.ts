import { expect } from 'chai';
import type { Redis } from 'ioredis';
import { readFileSync } from 'node:fs';
import { catchesSignals, type Running, useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { useRedis } from '../support/redis.js';

describe('serve through faults of Redis', () => {
  const redis = useRedis({ args: ['--enable-protected-configs', 'yes', '--busy-reply-threshold', '50'] });
  const cli = useCli(() => ({ DELAYER_STORE: redis.server.tcpUrl, DELAYER_PREFIX: redis.prefix }));

  const ready = async () => redis.raw.llen(`${redis.prefix}:ready_queue:topic`);
  /** Pushes like the original clients, so that delayer is not involved. */
  const push = async (id: string, delayMs = 0) => {
    const [seconds, micros] = await redis.raw.time();
    await redis.raw.hset(`${redis.prefix}:job_bucket:${id}`, { topic: 'topic', body: 'b' });
    const due = Number(seconds) + Number(micros) / 1e6 + delayMs / 1000;
    await redis.raw.zadd(`${redis.prefix}:job_pool`, due, id);
  };
  /** Breaks all connections except that of the test, for faults that affect new connections only. */
  const breakConnections = async () => {
    await redis.raw.call('CLIENT', 'KILL', 'TYPE', 'normal');
    await redis.raw.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
  };
  const set = async (name: string, value: string | number) => {
    await redis.raw.config('SET', name, value);
  };

  /** Runs a daemon through a fault: it must report its begin and end once each, and then promote jobs again. */
  const survives = async (begin: () => Promise<void>, end: () => Promise<void>, said: RegExp) => {
    const daemon: Running = cli.start(['serve', '--interval', '20ms']);
    await push('before');
    await eventually(async () => (await ready()) === 1);
    // Due during the fault, so that the daemon has something to write.
    await push('during', 300);
    try {
      await begin();
      await daemon.says(/; retrying until it works\n/);
    } finally {
      await end();
    }
    await daemon.says(/ is back\n/);
    await push('after');
    await eventually(async () => (await ready()) === 3);
    const { stderr, code } = await daemon.end();
    expect(code).to.equal(0);
    expect(stderr).to.match(said);
    expect(stderr.match(/retrying/g)).to.have.length(1);
    expect(stderr.match(/ is back/g)).to.have.length(1);
  };

  it('serve survives a Redis that accepts no more clients (maxclients)', () =>
    survives(
      async () => {
        await set('maxclients', 1);
        await breakConnections();
      },
      () => set('maxclients', 1000),
      /takes no more connections/,
    ));

  it('serve survives a Redis whose password was changed for a while', () =>
    survives(
      async () => {
        await set('requirepass', 'other');
        await breakConnections();
      },
      () => set('requirepass', ''),
      /a password is required/,
    ));

  it('serve survives a Redis that becomes a replica for a while, as after a failover', () =>
    survives(
      async () => {
        await redis.raw.replicaof('127.0.0.1', 1);
      },
      async () => {
        await redis.raw.replicaof('NO', 'ONE');
      },
      /is a replica/,
    ));

  it('serve survives a Redis that cannot save to its disk (MISCONF)', () =>
    survives(
      async () => {
        await set('save', '3600 1');
        await set('dir', '/proc');
        await redis.raw.bgsave();
      },
      async () => {
        await set('save', '');
        await set('dir', redis.server.dir);
      },
      /cannot write to its disk/,
    ));

  it('serve survives a Redis that is busy with a script of another client (BUSY)', () => {
    const other: Redis = redis.server.client();
    return survives(
      () => {
        other.eval('while true do end', 0).catch(() => undefined);
        return Promise.resolve();
      },
      async () => {
        await redis.raw.script('KILL');
      },
      /is busy with a script/,
    );
  });

  it('serve loads its scripts again when Redis has forgotten them (NOSCRIPT), without reporting an outage', async () => {
    const daemon = cli.start(['serve', '--interval', '20ms']);
    for (const count of [1, 2, 3]) {
      await push(`${count}`);
      await eventually(async () => (await ready()) === count);
      await redis.raw.script('FLUSH');
    }
    expect((await daemon.end()).stderr).to.not.include('retrying');
  });

  it('serve as process 1 of a container exits with 0 at SIGTERM and at SIGINT', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const outside = cli.startSh('exec unshare --map-root-user --pid --fork --kill-child delayer serve');
      const inside = await eventually(() => {
        const [pid] = readFileSync(`/proc/${outside.pid}/task/${outside.pid}/children`, 'utf8')
          .trim()
          .split(' ');
        if (!pid || !catchesSignals(Number(pid))) throw new Error('it has not begun');
        return Number(pid);
      });
      await outside.says(/promoting due jobs/);
      process.kill(inside, signal);
      expect(await outside.ended).to.include({ code: 0, signal: null });
    }
  });
});

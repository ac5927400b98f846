import { expect } from 'chai';
import { examine } from '../../../src/bulk/doctor.js';
import type { DelayerEvent } from '../../../src/core/events.js';
import { Queue } from '../../../src/core/queue.js';
import { runDaemon } from '../../../src/daemon/promoter.js';
import { RedisStore } from '../../../src/storage/redis/store.js';
import { parseRedisUrl } from '../../../src/storage/redis/url.js';
import { work } from '../../../src/worker/work.js';
import { eventually } from '../../support/eventually.js';
import { fakeRedis } from '../../support/fake-redis.js';
import { jobsOf } from '../../support/jobs.js';
import { type Poller, type PollerOptions, startPoller } from '../../support/polling.js';
import { useRedis } from '../../support/redis.js';

const HELLO = '*4\r\n$7\r\nversion\r\n$5\r\n7.0.0\r\n$4\r\nrole\r\n$6\r\nmaster\r\n';

describe('detection of original daemons in Redis', () => {
  const ground = useRedis();
  const pollers: Poller[] = [];
  const start = async (options?: PollerOptions) => {
    const poller = await startPoller(ground.server, options);
    pollers.push(poller);
    return poller;
  };
  afterEach(() => {
    for (const poller of pollers.splice(0)) poller.close();
  });

  it('finds a polling client by its address for as long as it is connected', async () => {
    const queue = ground.queue();
    expect(await queue.originalDaemons()).to.deep.equal([]);
    const daemon = await start();
    const found = async () => expect(await queue.originalDaemons()).to.deep.equal([daemon.address]);
    await eventually(found);
    daemon.stop();
    // An original daemon runs EXISTS when it moves a due job.
    await daemon.redis.exists('key');
    await found();
    daemon.close();
    await eventually(async () => (await queue.originalDaemons())?.length === 0);
  });

  it('does not count a client that polls once, has a name, uses another database or sends other commands', async () => {
    const queue = ground.queue();
    const once = await start({ tick: () => Promise.resolve() });
    const everyMs = 100;
    await start({ everyMs, connectionName: 'shop' });
    await start({ everyMs, db: 1 });
    await start({
      everyMs,
      tick: (redis) => Promise.all([redis.zrangebyscore('key', 0, 1), redis.exists('key')]),
    });
    const daemon = await start();
    await eventually(async () => {
      await once.redis.zrangebyscore('key', 0, 1);
      const found = await queue.originalDaemons();
      for (const poller of pollers) if (poller !== daemon) expect(found).to.not.include(poller.address);
      return found?.length === 1;
    });
  });

  /** Opens a queue as a user who has only these rights. */
  async function queueOf(...rights: string[]): Promise<Queue> {
    await ground.raw.call('ACL', 'SETUSER', 'narrow', 'reset', 'on', 'nopass', ...rights);
    return ground.queue(ground.server.url.replace('://', '://narrow@'));
  }

  it('returns undefined, without an error, to a user who may not list clients', async () => {
    const daemon = await start({ everyMs: 100 });
    await eventually(async () => expect(await ground.queue().originalDaemons()).to.include(daemon.address));
    for (const denied of ['client|list', 'client|info', 'info']) {
      const narrow = await queueOf('~*', '&*', '+@all', `-${denied}`);
      expect(await narrow.originalDaemons(), denied).to.equal(undefined);
      const kinds = (await examine(narrow, {})).map(({ kind }) => kind);
      expect(kinds, denied).to.include('no_daemon').and.not.include('original_daemon');
    }
  });

  it('works with the rights that docs/protocol.md names', async () => {
    const daemon = await start({ everyMs: 100 });
    const rights = ['+@read', '+@write', '+@connection', '+@scripting', '+time', '+info'];
    const narrow = await queueOf(`~${ground.prefix}:*`, ...rights);
    await eventually(async () => expect(await narrow.originalDaemons()).to.deep.equal([daemon.address]));
  });

  it('is skipped on a server with more than a thousand clients', async () => {
    const info = 'connected_clients:1001\r\n';
    const server = await fakeRedis({ HELLO, INFO: `$${info.length}\r\n${info}\r\n` });
    const queue = new Queue(new RedisStore(parseRedisUrl(server.url), 'delayer'));
    try {
      expect(await queue.originalDaemons()).to.equal(undefined);
      expect(server.commands).to.include('info clients').and.not.include('CLIENT LIST TYPE normal');
    } finally {
      await queue.close();
      await server.close();
    }
  });

  it('does not count processes of delayer, which run ZRANGEBYSCORE only in scripts', async () => {
    const sources: string[] = [];
    const monitor = await ground.server.client().monitor();
    monitor.on('monitor', (_time: string, [command = '']: string[], source: string) => {
      if (command.toLowerCase() === 'zrangebyscore') sources.push(source);
    });
    const ending = new AbortController();
    const { signal } = ending;
    const done: string[] = [];
    const events: DelayerEvent[] = [];
    const queue = ground.queue();
    const atWork = [
      runDaemon(ground.queue(), {
        intervalMs: 20,
        name: 'test',
        signal,
        onEvent: (event) => events.push(event),
      }),
      ground.queue().bpop('empty', { timeoutMs: 60_000, signal }),
      work(ground.queue(), 'topic', ({ id }) => Promise.resolve(void done.push(id.toString())), { signal }),
    ];
    try {
      await queue.pushMany(jobsOf('topic', 20, { delayMs: 50 }));
      await eventually(() => done.length === 20);
      await queue.push({ topic: 'topic', body: 'b', delayMs: 60_000 });
      await queue.stats({ exact: true });
      await queue.list(['topic']);
      await queue.dueCounts({ stepMs: 1000, steps: 3 });
      expect((await examine(queue, {})).map(({ kind }) => kind)).to.not.include('original_daemon');
      expect(await queue.originalDaemons()).to.deep.equal([]);
      await eventually(() => sources.length > 0);
      expect([...new Set(sources)]).to.deep.equal(['lua']);
      expect(events.map(({ type }) => type)).to.not.include('original_daemon');
    } finally {
      ending.abort();
      await Promise.all(atWork);
      monitor.disconnect();
    }
  });
});

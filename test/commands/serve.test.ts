import { expect } from 'chai';
import { join } from 'node:path';
import { documentOf, forEachStore, type Running, useCli } from '../support/cli.js';
import { ProcessClock } from '../support/clock.js';
import { eventually } from '../support/eventually.js';
import { must } from '../support/jobs.js';
import { startPoller } from '../support/polling.js';
import { Queue } from '../../src/core/queue.js';
import { SqliteStore } from '../../src/storage/sqlite/store.js';
import { useRedis } from '../support/redis.js';

describe('serve', () => {
  describe('on Redis', () => {
    const redis = useRedis();
    const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));
    const serve = async (...flags: string[]): Promise<Running> => {
      const daemon = cli.start(['serve', ...flags]);
      await daemon.says(/promoting due jobs/);
      await eventually(async () => (await redis.raw.zcard(`${redis.prefix}:daemons`)) > 0);
      return daemon;
    };
    const ready = async () => (await redis.raw.lrange(`${redis.prefix}:ready_queue:topic`, 0, -1)).reverse();
    const now = async () => {
      const [seconds, micros] = await redis.raw.time();
      return Number(seconds) * 1000 + Number(micros) / 1000;
    };

    it('serve reports its start and its work on stderr, and prints nothing on stdout', async () => {
      const daemon = await serve('--interval', '200ms');
      await (await cli.queue()).push({ topic: 'topic', body: 'b' });
      await eventually(async () => (await ready()).length === 1);
      const outcome = await daemon.end();
      expect(outcome).to.include({ code: 0, signal: null });
      expect(outcome.stdout).to.be.empty;
      const [first, last, ...more] = outcome.stderr.trimEnd().split('\n');
      expect(first).to.equal(
        `delayer: promoting due jobs in ${redis.server.url}?db=0, looking at least every 200 ms`,
      );
      expect(last).to.match(/^delayer: stopped; promoted 1, reclaimed 0, cleared away 0 expired and 0 dead$/);
      expect(more).to.be.empty;
    });

    it('serve makes jobs ready on time, in order of due time, and never early', async () => {
      await serve();
      const queue = await cli.queue();
      const delays = [900, 300, 600];
      const pushed = await queue.pushMany(
        delays.map((delayMs) => ({ id: `${delayMs}`, topic: 'topic', body: 'b', delayMs })),
      );
      for (const [id, i] of [
        ['300', 1],
        ['600', 2],
        ['900', 0],
      ] as const) {
        await eventually(async () => (await ready()).includes(id), { everyMs: 2 });
        const late = (await now()) - (pushed[i]?.dueAt?.getTime() ?? NaN);
        expect(late).to.be.within(0, 5000);
      }
      expect(await ready()).to.deep.equal(['300', '600', '900']);
    });

    it('serve --http answers /readyz, /metrics and /api while it runs', async () => {
      const daemon = await serve('--http', '127.0.0.1:0');
      await daemon.says(/listening on/);
      const url = must(/listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(daemon.stderr)?.[1]);
      const ask = async (path: string) => (await fetch(`${url}${path}`)).text();
      await eventually(async () => (await ask('/readyz')) === 'ready\n');
      await (await cli.queue()).push({ topic: 'topic', id: '32', body: 'b', delayMs: 50 });
      await eventually(async () => (await ask('/metrics')).includes('\ndelayer_promoted_jobs_total 1\n'));
      const printed = (await cli.run(['inspect', '--id', '32', '--json'])).stdout.toString();
      const [job] = JSON.parse(await ask('/api/jobs/32')) as Record<string, unknown>[];
      expect(Object.keys(job ?? {})).to.deep.equal(Object.keys(JSON.parse(printed) as object));
      expect((await daemon.end()).code).to.equal(0);
    });

    it('serve --http exits with 69 when the port is in use, and with 2 for an invalid address', async () => {
      const daemon = await serve('--http', '127.0.0.1:0');
      await daemon.says(/listening on/);
      const port = must(/listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(daemon.stderr)?.[1]);
      const second = await cli.run(['serve', '--http', `127.0.0.1:${port}`]);
      expect(second.code).to.equal(69);
      expect(second.stderr).to.match(/address already in use \(EADDRINUSE\)/);
      for (const args of [
        ['--http', 'nowhere'],
        ['--http-host', 'x'],
        ['--once', '--http', '127.0.0.1:0'],
      ])
        expect((await cli.run(['serve', ...args])).code, args.join(' ')).to.equal(2);
    });

    it('inspect shows since when each daemon runs and how many jobs it has promoted', async () => {
      const [first, second] = await Promise.all([serve(), serve()]);
      const names = async () => (await (await cli.queue()).daemons()).map(({ name }) => name);
      await eventually(async () => (await names()).length === 2);
      const document = async () =>
        documentOf<{ daemons: Record<string, unknown>[] }>(await cli.run(['inspect', '--json']));
      const { daemons } = await document();
      const pids = daemons.map(({ name }) => Number(String(name).split(':').at(-1)));
      expect(pids.sort()).to.deep.equal([first.pid, second.pid].sort());
      for (const daemon of daemons) expect(daemon).to.include.keys('seenAt', 'since', 'promoted');
      const table = (await cli.run(['inspect'])).stdout.toString();
      expect(table).to.match(/^daemon +since +promoted +latest$/m);
      await first.end();
      expect(await names()).to.have.length(1);
    });

    it('inspect reports no_daemon unless serve runs', async () => {
      const problems = async () => (await (await cli.queue()).health()).map(({ code }) => code);
      const daemon = await serve();
      await eventually(async () => !(await problems()).includes('no_daemon'));
      await daemon.end();
      expect(await problems()).to.include('no_daemon');
    });

    it('serve warns of a client that polls like an original daemon, in its log and in its status at SIGUSR1', async () => {
      const poller = await startPoller(redis.server, { everyMs: 100 });
      try {
        const daemon = await serve('--log-format', 'json');
        await daemon.says(/"event":"original_daemon"/);
        const line = must(daemon.stderr.split('\n').find((text) => text.includes('"original_daemon"')));
        expect(JSON.parse(line)).to.deep.include({ level: 'warn', addresses: [poller.address] });
        daemon.child.kill('SIGUSR1');
        await daemon.says(/"event":"status".*; a client polls like an original daemon \(127/);
        expect((await daemon.end()).code).to.equal(0);
      } finally {
        poller.close();
      }
    });

    it('two daemons at once make no job ready twice', async () => {
      await serve();
      await serve();
      const queue = await cli.queue();
      const ids = Array.from({ length: 3000 }, (_, i) => `${i}`);
      await queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: 'b', delayMs: 400 })));
      await eventually(async () => (await redis.raw.zcard(`${redis.prefix}:job_pool`)) === 0);
      expect(await ready()).to.deep.equal(ids);
    });

    it('serve promotes jobs that another client pushes, within its interval', async () => {
      await serve('--interval', '50ms');
      await redis.raw.hset(`${redis.prefix}:job_bucket:php`, { topic: 'topic', body: 'b' });
      await redis.raw.zadd(`${redis.prefix}:job_pool`, Math.floor((await now()) / 1000), 'php');
      await eventually(async () => (await ready()).length === 1);
    });

    it('serve wakes for a push by delayer long before its interval is over', async () => {
      await serve('--interval', '1h');
      const { dueAt } = await (await cli.queue()).push({ topic: 'topic', body: 'b', delayMs: 700 });
      await eventually(async () => (await ready()).length === 1);
      expect(await now()).to.be.at.least(dueAt?.getTime() ?? Infinity);
    });

    it('serve promotes by the clock of Redis when the clock of its own machine is wrong', async () => {
      const clock = new ProcessClock(join(cli.home, 'clock'));
      const daemon = cli.start(['serve', '--interval', '1h'], { env: clock.env });
      await daemon.says(/promoting due jobs/);
      expect(clock.isUsedBy(daemon.child)).to.be.true;
      const queue = await cli.queue();
      for (const [id, stepMs] of [
        ['ahead', 3_600_000],
        ['back', -7_200_000],
      ] as const) {
        clock.advance(stepMs);
        const { dueAt } = await queue.push({ id, topic: 'topic', body: 'b', delayMs: 300 });
        await eventually(async () => (await ready()).includes(id));
        expect(await now()).to.be.at.least(must(dueAt).getTime());
      }
      const { code, stderr } = await daemon.end();
      expect(code).to.equal(0);
      expect(stderr).not.to.include('clock');
    });

    it('serve --no-wait exits with 69 at once when Redis cannot be reached at the start', async () => {
      const outcome = await cli.run(['serve', '--json', '--no-wait'], {
        env: { DELAYER_STORE: 'redis://127.0.0.1:1' },
      });
      expect(outcome.code).to.equal(69);
      const error = outcome.stderr.trimEnd().split('\n').at(-1) ?? '';
      expect(JSON.parse(error)).to.have.nested.property('error.code', 'store_unreachable');
    });

    it('serve reports a key of the wrong type once, skips its topic and goes on with the others', async () => {
      await redis.raw.set(`${redis.prefix}:ready_queue:broken`, 'no list');
      const queue = await cli.queue();
      await queue.push({ id: 'stuck', topic: 'broken', body: 'b' });
      const daemon = await serve();
      await daemon.says(/1 due jobs? cannot be moved/);
      await queue.push({ id: 'a', topic: 'topic', body: 'b' });
      await eventually(async () => (await ready()).length === 1);
      expect(await redis.raw.zscore(`${redis.prefix}:job_pool`, 'stuck')).to.not.equal(null);
      await redis.raw.del(`${redis.prefix}:ready_queue:broken`);
      await daemon.says(/have been moved/);
      expect((await daemon.end()).stderr.match(/cannot be moved/g)).to.have.length(1);
    });

    it('serve removes expired jobs', async () => {
      const queue = await cli.queue();
      await queue.push({ id: 'a', topic: 'topic', body: 'b', delayMs: 10, ttlMs: 10 });
      await serve();
      await eventually(async () => (await queue.find('a')).length === 0);
    });
  });

  describe('on a Redis that cannot be used at the start', () => {
    const redis = useRedis();
    const cli = useCli(() => ({ DELAYER_STORE: redis.server.tcpUrl, DELAYER_PREFIX: redis.prefix }));

    const waitsAndServes = async (begin: () => Promise<void>, end: () => Promise<void>) => {
      await begin();
      const daemon = cli.start(['serve']);
      await daemon.says(/^delayer: [^\n]*; retrying until it works\n/);
      await end();
      await daemon.says(/promoting due jobs/);
      const raw = redis.server.client();
      await (await cli.queue()).push({ id: 'a', topic: 'topic', body: 'b' });
      await eventually(async () => (await raw.llen(`${redis.prefix}:ready_queue:topic`)) === 1);
      const { stderr, code } = await daemon.end();
      expect(code).to.equal(0);
      expect(stderr.match(/retrying/g)).to.have.length(1);
      return stderr;
    };

    it('serve waits for a Redis that is not running yet, and says so once', async () => {
      await waitsAndServes(
        () => redis.server.kill(),
        () => redis.server.restart(),
      );
    });

    it('serve waits while Redis requires a password that it does not have', async () => {
      const raw = redis.server.client();
      const requirePassword = async (password: string) => {
        await raw.config('SET', 'requirepass', password);
      };
      const said = await waitsAndServes(
        () => requirePassword('secret'),
        () => requirePassword(''),
      );
      expect(said).to.include('a password is required');
    });

    it('serve waits for a primary when it finds a replica', async () => {
      const raw = redis.server.client();
      const said = await waitsAndServes(
        async () => {
          await raw.replicaof('127.0.0.1', 1);
        },
        async () => {
          await raw.replicaof('NO', 'ONE');
        },
      );
      expect(said).to.include('is a replica');
    });

    it('serve exits with 0 at SIGTERM while it waits for its first contact', async () => {
      const daemon = cli.start(['serve'], { env: { DELAYER_STORE: 'redis://127.0.0.1:1' } });
      await daemon.says(/retrying/);
      expect(await daemon.end()).to.include({ code: 0, signal: null });
    });

    it('serve --once exits with 69 when Redis cannot be reached', async () => {
      const outcome = await cli.run(['serve', '--once'], { env: { DELAYER_STORE: 'redis://127.0.0.1:1' } });
      expect(outcome.code).to.equal(69);
      expect(outcome.stderr).to.include('connection refused');
    });
  });

  describe('on a Redis that goes away', () => {
    const redis = useRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));

    /** Starts a daemon and waits until it has promoted a job. */
    const serve = async () => {
      const raw = redis.server.client();
      await (await cli.queue()).push({ topic: 'first', body: 'b' });
      const daemon = cli.start(['serve']);
      await eventually(async () => (await raw.llen(`${redis.prefix}:ready_queue:first`)) === 1);
      return daemon;
    };

    it('serve survives a restart of Redis, and reports the outage and its end', async () => {
      const daemon = await serve();
      await (await cli.queue()).push({ id: 'a', topic: 'topic', body: 'b', delayMs: 300 });
      await redis.server.kill();
      await daemon.says(/^delayer: [^\n]*; retrying until it works\n/m);
      await redis.server.restart();
      await daemon.says(/ is back\n/);
      const raw = redis.server.client();
      await eventually(async () => (await raw.llen(`${redis.prefix}:ready_queue:topic`)) === 1);
      const { stderr, code } = await daemon.end();
      expect(code).to.equal(0);
      expect(stderr.match(/retrying/g)).to.have.length(1);
    });

    it('serve exits with 0 within 12 s at SIGTERM while Redis is away', async () => {
      const daemon = await serve();
      await redis.server.kill();
      await daemon.says(/retrying/);
      const since = performance.now();
      expect((await daemon.end()).code).to.equal(0);
      expect(performance.now() - since).to.be.lessThan(12_000);
      await redis.server.restart();
    });
  });

  forEachStore((cli) => {
    const begun = async () => {
      const daemon = cli.start(['serve']);
      await daemon.says(/due jobs/);
      return daemon;
    };

    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      it(`serve exits with 0 within 20 s at ${signal}`, async () => {
        const daemon = await begun();
        const since = performance.now();
        expect(await daemon.end(signal)).to.include({ code: 0, signal: null });
        expect(performance.now() - since).to.be.lessThan(20_000);
      });
    }

    it('serve ignores SIGHUP, and says so', async () => {
      const daemon = await begun();
      daemon.child.kill('SIGHUP');
      await daemon.says(/SIGHUP has no effect without log files/);
      await (await cli.queue()).push({ id: 'a', topic: 'topic', body: 'b', delayMs: 50 });
      await eventually(async () => ((await (await cli.queue()).stats()).topics[0]?.ready ?? 0) === 1);
      expect(await daemon.end()).to.include({ code: 0, signal: null });
    });

    it('serve --once promotes all due jobs, exits with 0 and prints nothing', async () => {
      const queue = await cli.queue();
      const ids = Array.from({ length: 1200 }, (_, i) => `${i}`);
      await queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: 'b' })));
      await queue.push({ id: 'later', topic: 'topic', body: 'b', delayMs: 3_600_000 });
      const outcome = await cli.run(['serve', '--once']);
      expect(outcome).to.include({ code: 0, signal: null, stderr: '' });
      expect((await queue.stats()).totals).to.include({ due: 0, ready: 1200, delayed: 1 });
    });
  });

  describe('on SQLite', () => {
    const cli = useCli((home) => ({ DELAYER_STORE: `sqlite:${home}/queue.db` }));

    it('serve removes jobs that expired a minute ago', async () => {
      const now = () => Date.now() - 61_000;
      const store = await SqliteStore.open(join(cli.home, 'queue.db'), { now });
      const past = new Queue(store);
      await past.push({ id: 'a', topic: 'topic', body: 'b', ttlMs: 1 });
      await past.close();
      const queue = await cli.queue();
      await queue.push({ id: 'b', topic: 'other', body: 'b', ttlMs: 1 });
      cli.start(['serve']);
      await eventually(async () => (await queue.find('a')).length === 0);
      expect(await queue.find('b')).to.have.length(1);
    });

    it('serve says that jobs need no daemon on SQLite', async () => {
      await (await cli.queue()).push({ topic: 'topic', body: 'b' });
      const daemon = cli.start(['serve']);
      await daemon.says(/become ready without a daemon/);
      expect(daemon.stderr).to.include(`sqlite:${cli.home}/queue.db`);
      const outcome = await daemon.end();
      expect(outcome.code).to.equal(0);
      expect(outcome.stdout).to.be.empty;
      expect(documentOf(await cli.run(['inspect', '--json']))).to.deep.include({ problems: [] });
    });
  });
});

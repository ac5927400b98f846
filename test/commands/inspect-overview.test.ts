import { expect } from 'chai';
import { expectQuiet, forEachStore, jsonOf, linesOf, useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { HOUR_MS } from '../support/jobs.js';
import { useRedis } from '../support/redis.js';

describe('the overview of inspect', () => {
  forEachStore((cli) => {
    /** One ready job of `a`, two of `b`, which is paused, and three delayed jobs of `c`. */
    const fill = async () => {
      const queue = await cli.queue();
      const jobs = ['a', 'b', 'b', 'c', 'c', 'c'].map((topic) => ({ topic, body: 'x' }));
      await queue.pushMany(jobs.map((job) => ({ ...job, delayMs: job.topic === 'c' ? HOUR_MS : 0 })));
      await queue.maintain();
      await queue.pause('b', { forMs: HOUR_MS });
      return queue;
    };
    const rows = async (...args: string[]) =>
      linesOf(expectQuiet(await cli.run(['inspect', ...args])))
        .filter((line) => !line.startsWith('! '))
        .map((line) => line.trim().split(/ +/));

    it('--columns chooses columns, --sort orders topics, and totals come last', async () => {
      await fill();
      expect(await rows('--columns', 'topic,ready,delayed', '--sort', '-ready')).to.deep.equal([
        ['topic', 'ready', 'delayed'],
        ...[
          ['b', '2', '0'],
          ['a', '1', '0'],
          ['c', '0', '3'],
        ],
        ['total', '3', '3'],
      ]);
    });

    it('--no-headers prints only the rows of topics, here with how long each is paused', async () => {
      await fill();
      const found = await rows('--no-headers', '--columns', 'topic,paused');
      expect(found.map(([topic]) => topic)).to.deep.equal(['a', 'b', 'c']);
      expect(found.map(([, paused]) => paused === '-')).to.deep.equal([true, false, true]);
    });

    it('--output prints a line of JSON for each topic, or their names, in the order of --sort', async () => {
      await fill();
      const lines = jsonOf(await cli.run(['inspect', '--output', 'ndjson', '--sort', '-topic']));
      expect(lines.map(({ topic, ready }) => [topic, ready])).to.deep.equal([
        ['c', 0],
        ['b', 2],
        ['a', 1],
      ]);
      expect(linesOf(await cli.run(['inspect', '--output', 'id']))).to.deep.equal(['a', 'b', 'c']);
    });

    it('the overview names the consumers that hold jobs', async () => {
      const queue = await fill();
      await queue.reserve({ topics: 'a', limit: 1, leaseMs: HOUR_MS, holder: 'web-1:42' });
      const { stdout } = await cli.run(['inspect']);
      expect(stdout.toString()).to.include('Jobs are leased to web-1:42.');
    });

    it('--watch --json prints changes repeatedly, also of a topic that has become empty, until it is interrupted', async () => {
      const queue = await fill();
      const watch = cli.start(['inspect', '--watch', '--interval', '50ms', '--json']);
      await watch.printed(1);
      await queue.push({ topic: 'c', body: 'y', delayMs: HOUR_MS });
      await queue.pop('a');
      type Changes = Record<string, number>;
      const documents = () =>
        watch.lines.map(
          (line) => JSON.parse(line) as { change?: object; topics: { topic: string; change?: Changes }[] },
        );
      /** Together, because a look between the lease of a pop and its end shows both. */
      const changes = () => {
        const sums: Record<string, Changes> = {};
        for (const { topic, change = {} } of documents().flatMap(({ topics }) => topics)) {
          const sum = (sums[topic] ??= {});
          for (const [state, by] of Object.entries(change)) sum[state] = (sum[state] ?? 0) + by;
        }
        return sums;
      };
      await eventually(() => {
        const { a, c } = changes();
        expect([a?.ready, a?.leased ?? 0, c?.delayed]).to.deep.equal([-1, 0, 1]);
      });
      expect(documents()[0]).to.not.have.property('change');
      expect(await watch.end('SIGINT')).to.include({ signal: 'SIGINT', stderr: '' });
    });
  });

  forEachStore(
    (cli) => {
      it('--watch on a terminal redraws the table in place, and leaves the last one on the screen', async () => {
        const queue = await cli.queue();
        await queue.push({ topic: 'a', body: 'x', delayMs: HOUR_MS });
        const watch = cli.startTerminal('stty cols 100 rows 20; delayer inspect --watch --interval 50ms', {
          env: { NO_COLOR: '1' },
        });
        await watch.printsText(/│ a +│ +1 │/);
        await queue.push({ topic: 'a', body: 'y', delayMs: HOUR_MS });
        await watch.printsText(/ 2 \(\+1\) │/);
        watch.child.stdin?.write('\u0003');
        const { stdout } = await watch.ended;
        const last = stdout.toString().split('\u001b[J').at(-1) ?? '';
        expect(last).to.include('delayed').and.to.include('│ a ');
        expect(stdout.toString()).to.match(/\u001b\[\d+A\r\u001b\[J/);
      });
    },
    ['SQLite'],
  );

  describe('on a Redis that goes away', () => {
    const redis = useRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));

    it('--watch waits through the outage, reports it once, and goes on', async () => {
      await (await cli.queue()).push({ topic: 'a', body: 'x', delayMs: HOUR_MS });
      const watch = cli.start(['inspect', '--watch', '--interval', '50ms', '--json']);
      await watch.printed(1);
      await redis.server.kill();
      await watch.says(/retrying/);
      const before = watch.lines.length;
      await redis.server.restart();
      await watch.says(/ is back\n/);
      await watch.printed(before + 1);
      const { stderr } = await watch.end('SIGINT');
      expect(stderr.trimEnd().split('\n')).to.have.length(2);
    });
  });
});

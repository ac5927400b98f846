import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { expectQuiet, forEachStore, linesOf, useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { useRedis } from '../support/redis.js';

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`);

describe('drain --loop', () => {
  forEachStore((cli) => {
    const push = async (ids: readonly string[], delayMs = 0) => {
      const queue = await cli.queue();
      await queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: 'b', delayMs })));
    };
    const left = async () => {
      const { jobs } = await (await cli.queue()).list('topic', { limit: 10_000 });
      return jobs.map(({ id }) => id.toString());
    };
    const loop = (...flags: string[]) => ['drain', 'topic', '--output', 'id', '--loop', ...flags];

    it('drain --loop makes a pass at every step, each of at most --max, and ends after --for', async () => {
      await push(numbered(10));
      // Passes at 0, 1 and 2 s; the window begins before the store is opened, which may take up to a step.
      const outcome = await cli.run(loop('--step', '1s', '--for', '2900ms', '--max', '2'));
      expect(linesOf(expectQuiet(outcome))).to.deep.equal(numbered(6));
      expect(await left()).to.deep.equal(['6', '7', '8', '9']);
    });

    it('drain --loop prints jobs that have become due in a later pass', async () => {
      await push(['now']);
      const started = cli.start(loop('--step', '500ms', '--for', '20s'));
      await started.printed(1);
      await push(['later'], 200);
      expect(await started.printed(2)).to.deep.equal(['now', 'later']);
      expect(await started.end()).to.include({ code: null, signal: 'SIGTERM', stderr: '' });
    });

    it('drain --loop ends at once by a signal between two passes', async () => {
      await push(['a']);
      const started = cli.start(loop('--step', '1h', '--for', '2h'));
      await started.printed(1);
      const since = performance.now();
      expect(await started.end('SIGINT')).to.include({ code: null, signal: 'SIGINT', stderr: '' });
      expect(performance.now() - since).to.be.lessThan(20_000);
    });

    it('drain --loop ends with 141 when its reader is gone, and jobs that were not printed are back in the queue', async () => {
      await push(numbered(5));
      const outcome = await cli.sh(
        'delayer drain topic --output id --loop --step 200ms --for 20s --max 1 | head -n 1; echo "${PIPESTATUS[0]}"',
      );
      expect(linesOf(outcome)).to.deep.equal(['0', '141']);
      expect(['1', '2', '3', '4']).to.include.members(await left());
      expect((await left()).length).to.be.at.least(3);
    });
  });
});

describe('drain --follow', () => {
  forEachStore((cli) => {
    it('drain --follow prints jobs when they are due, until SIGTERM', async () => {
      const follow = cli.start(['drain', 'topic', '--output', 'body', '--follow']);
      const queue = await cli.queue();
      await queue.push({ topic: 'topic', body: 'first' });
      await follow.printed(1);
      const { dueAt } = await queue.push({ topic: 'topic', body: 'second', delayMs: 500 });
      await queue.push({ topic: 'topic', body: 'later', delayMs: 3_600_000 });
      expect(await follow.printed(2)).to.deep.equal(['first', 'second']);
      expect(Date.now()).to.be.at.least(dueAt?.getTime() ?? Infinity);
      expect(await follow.end()).to.include({ code: null, signal: 'SIGTERM', stderr: '' });
      expect((await queue.stats()).topics[0]).to.include({ delayed: 1, ready: 0, due: 0, leased: 0 });
    });

    it('drain --follow ends by itself after --max jobs', async () => {
      const follow = cli.start(['drain', 'topic', '--output', 'body', '--follow', '--max', '2']);
      const queue = await cli.queue();
      for (const body of ['a', 'b', 'c']) await queue.push({ topic: 'topic', body });
      expect(linesOf(expectQuiet(await follow.ended))).to.deep.equal(['a', 'b']);
      expect((await queue.pop('topic'))?.body.toString()).to.equal('c');
    });

    it('drain --follow uses almost no CPU time while it waits', async function () {
      const ticks = (pid: number) => {
        const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
        return Number(fields[11]) + Number(fields[12]);
      };
      const follow = cli.start(['drain', 'topic', '--output', 'body', '--follow']);
      await (await cli.queue()).push({ topic: 'topic', body: 'first' });
      await follow.printed(1);
      const [before, since] = [ticks(follow.pid), performance.now()];
      await eventually(() => performance.now() - since > 1000, { everyMs: 100 });
      // In hundredths of a second; a loop that spins would use a hundred.
      expect(ticks(follow.pid) - before).to.be.lessThan(30);
    });
  });

  describe('on a Redis that goes away', () => {
    const redis = useRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));

    it('drain --follow waits for a Redis that went away to come back, and reports both', async () => {
      const follow = cli.start(['drain', 'topic', '--output', 'body', '--follow']);
      const queue = await cli.queue();
      await queue.push({ topic: 'topic', body: 'before' });
      await follow.printed(1);
      await eventually(async () => (await queue.stats()).topics.length === 0);
      await redis.server.kill();
      await follow.says(/^delayer: [^\n]*; retrying until it works\n/m);
      await redis.server.restart();
      await (await cli.queue()).push({ topic: 'topic', body: 'after' });
      expect(await follow.printed(2)).to.deep.equal(['before', 'after']);
      await follow.says(/is back\n/);
      expect((await follow.end()).signal).to.equal('SIGTERM');
    });

    it('drain --follow ends with 69 when Redis cannot be reached at the start', async () => {
      const env = { DELAYER_STORE: `redis+unix://${cli.home}/none.sock` };
      const outcome = await cli.run(['drain', 'topic', '--follow'], { env });
      expect(outcome.code).to.equal(69);
      expect(outcome.stderr).to.match(/^delayer: [^\n]*no such socket \(ENOENT\)[^\n]*\n$/);
    });
  });
});

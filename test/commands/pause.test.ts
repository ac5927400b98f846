import { expect } from 'chai';
import { documentOf, expectQuiet, forEachStore, linesOf } from '../support/cli.js';
import { DAY_MS, HOUR_MS, MINUTE_MS, must } from '../support/jobs.js';

describe('pause and resume', () => {
  forEachStore((cli, itOnce) => {
    const push = async (id: string, more: { delayMs?: number; ttlMs?: number } = {}) =>
      (await cli.queue()).push({ id, topic: 'topic', body: 'b', ...more });
    const pausedUntil = async () => {
      const { topics } = await (await cli.queue()).stats();
      return topics.find(({ topic }) => topic.toString() === 'topic')?.pausedUntilMs;
    };

    it('pop exits with 1 and says so while the topic is paused, and takes jobs again after resume', async () => {
      await push('a');
      expectQuiet(await cli.run(['pause', 'topic']));
      expect(await pausedUntil()).to.equal(Infinity);
      for (const lease of [[], ['--lease', '60s']]) {
        const outcome = await cli.run(['pop', 'topic', ...lease]);
        expect(outcome).to.include({
          code: 1,
          stderr: 'delayer: all topics that were given are paused\n',
        });
        expect(linesOf(outcome)).to.be.empty;
      }
      expectQuiet(await cli.run(['resume', 'topic']));
      expect(linesOf(expectQuiet(await cli.run(['pop', 'topic', '--output', 'id'])))).to.deep.equal(['a']);
    });

    it('drain of a paused topic exits with 0 and prints nothing, and bpop exits with 1 at its timeout', async () => {
      await push('a');
      expectQuiet(await cli.run(['pause', 'topic']));
      expect(linesOf(expectQuiet(await cli.run(['drain', 'topic'])))).to.be.empty;
      expect((await cli.run(['bpop', 'topic', '--timeout', '50ms'])).code).to.equal(1);
    });

    it('bpop on a paused topic wakes up when the topic is resumed', async () => {
      await push('a');
      expectQuiet(await cli.run(['pause', 'topic']));
      const waiting = cli.start(['bpop', 'topic', '--output', 'id']);
      await waiting.hearsSignals();
      expectQuiet(await cli.run(['resume', 'topic']));
      expect(await waiting.printed(1)).to.deep.equal(['a']);
      expect((await waiting.ended).code).to.equal(0);
    });

    itOnce('pause and resume list a topic once that is named twice', async () => {
      const paused = documentOf<{ paused: unknown[] }>(await cli.run(['pause', 'x', 'y', 'x', '--json']));
      expect(paused.paused).to.deep.equal(['x', 'y'].map((topic) => ({ topic, pausedUntil: null })));
      const resumed = documentOf(await cli.run(['resume', 'x', 'none', 'x', '--json']));
      expect(resumed).to.deep.equal({ resumed: [{ topic: 'x' }, { topic: 'none' }] });
    });

    it('pause --for sets the end of the pause, and reports how many jobs would expire before', async () => {
      await push('ready', { ttlMs: MINUTE_MS });
      await push('delayed', { delayMs: MINUTE_MS, ttlMs: MINUTE_MS });
      await push('later', { delayMs: HOUR_MS });
      await push('long');
      const before = Date.now();
      const outcome = await cli.run(['pause', 'topic', '--for', '30m']);
      expect(outcome).to.include({
        code: 0,
        stderr: 'delayer: 2 jobs would expire before the pause ends, unless another program takes them\n',
      });
      expect(await pausedUntil()).to.be.within(before + 30 * MINUTE_MS, Date.now() + 30 * MINUTE_MS);
      expectQuiet(await cli.run(['pause', 'topic', '--for', '30s']));
    });

    itOnce(
      'pause --json prints the end of the pause of each topic and the number of jobs that would expire',
      async () => {
        // A job that waits for another one of its id does not expire.
        await push('leased', { ttlMs: MINUTE_MS });
        const queue = await cli.queue();
        const { jobs } = await queue.reserve({ topics: 'topic', limit: 1, leaseMs: MINUTE_MS });
        await push('leased', { ttlMs: DAY_MS });
        await queue.release([must(jobs[0])]);
        await push('ready', { ttlMs: MINUTE_MS });
        const outcome = expectQuiet(await cli.run(['pause', 'topic', 'other', '--for', '1h', '--json']));
        const { paused, expiring } = documentOf<{ paused: Record<string, string>[]; expiring: number }>(
          outcome,
        );
        expect(paused.map(({ topic }) => topic)).to.deep.equal(['topic', 'other']);
        expect(Number(new Date(paused[0]?.pausedUntil ?? ''))).to.be.above(Date.now());
        expect(expiring).to.equal(1);
        const open = expectQuiet(await cli.run(['pause', 'topic', '--json']));
        expect(documentOf(open)).to.deep.equal({ paused: [{ topic: 'topic', pausedUntil: null }] });
        const resumed = expectQuiet(await cli.run(['resume', 'topic', '--json']));
        expect(documentOf(resumed)).to.deep.equal({ resumed: [{ topic: 'topic' }] });
      },
    );

    itOnce('pause --for 0, and pause and resume without a topic, are wrong usage', async () => {
      expect((await cli.run(['pause', 'topic', '--for', '0'])).code).to.equal(2);
      expect((await cli.run(['pause'])).code).to.equal(2);
      expect((await cli.run(['resume'])).code).to.equal(2);
    });
  });
});

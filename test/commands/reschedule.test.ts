import { expect } from 'chai';
import { documentOf, expectQuiet, forEachStore, linesOf } from '../support/cli.js';
import { HOUR_MS, MINUTE_MS, only } from '../support/jobs.js';

describe('reschedule', () => {
  forEachStore((cli, itOnce) => {
    const at = new Date('2040-01-01T00:00:00Z');
    const push = async (id: string, more: { at?: Date; delayMs?: number; ttlMs?: number } = { at }) =>
      (await cli.queue()).push({ id, topic: 'topic', body: 'b', ...more });
    const find = async (id: string) => only(await (await cli.queue()).find(id));

    it('reschedule --at moves jobs to a time, keeps their ready lifetime, and prints their ids', async () => {
      await push('a', { delayMs: HOUR_MS, ttlMs: MINUTE_MS });
      await push('b');
      const outcome = expectQuiet(await cli.run(['reschedule', 'b', 'a', '--at', '2041-01-01T00:00:00Z']));
      expect(linesOf(outcome)).to.deep.equal(['b', 'a']);
      const { dueAt, expiresAt } = await find('a');
      expect(dueAt).to.deep.equal(new Date('2041-01-01T00:00:00Z'));
      expect(Number(expiresAt) - Number(dueAt)).to.equal(MINUTE_MS);
    });

    it('reschedule --delay counts from now', async () => {
      await push('a');
      const before = Date.now();
      expectQuiet(await cli.run(['reschedule', 'a', '--delay', '30m']));
      expect(Number((await find('a')).dueAt)).to.be.within(
        before + 30 * MINUTE_MS,
        Date.now() + 31 * MINUTE_MS,
      );
    });

    it('reschedule --by moves each job from its own due time, later or earlier', async () => {
      await push('a');
      await push('b', { at: new Date(at.getTime() + MINUTE_MS) });
      expectQuiet(await cli.run(['reschedule', 'a', 'b', '--by', '+1h']));
      expect((await find('a')).dueAt).to.deep.equal(new Date(at.getTime() + HOUR_MS));
      expectQuiet(await cli.run(['reschedule', '-', '--by', '-10m'], { stdin: 'a\nb\n' }));
      expect((await find('b')).dueAt).to.deep.equal(new Date(at.getTime() + HOUR_MS - 9 * MINUTE_MS));
    });

    it('reschedule exits with 1 when an id cannot be rescheduled, and says why', async () => {
      await push('a');
      await push('ready', { delayMs: 0 });
      await (await cli.queue()).maintain();
      const outcome = await cli.run(['reschedule', 'ready', 'a', 'none', '--delay', '1h']);
      expect(outcome.code).to.equal(1);
      expect(linesOf(outcome)).to.deep.equal(['a']);
      expect(outcome.stderr.trimEnd().split('\n')).to.deep.equal([
        'delayer: the job "ready" is ready already; it was not rescheduled',
        'delayer: the job "none" is not in the queue; it was not rescheduled',
      ]);
    });

    itOnce('reschedule --json prints the new due time of each job, and counts', async () => {
      await push('a');
      const outcome = await cli.run(['reschedule', 'a', 'none', '--by', '+1h', '--json']);
      expect(outcome).to.include({ code: 1, stderr: '' });
      expect(documentOf(outcome)).to.deep.equal({
        rescheduled: [{ id: 'a', dueAt: '2040-01-01T01:00:00.000Z' }],
        notRescheduled: [{ id: 'none', state: null }],
        counts: { rescheduled: 1, notRescheduled: 1 },
      });
    });

    for (const [what, flags, why] of [
      ['no time', [], /--delay, --at or --by is missing/],
      ['two times', ['--delay', '1h', '--by', '+1h'], /cannot be used together/],
      ['a shift without a sign', ['--by', '1h'], /--by has no sign/],
      ['a shift that is not a duration', ['--by', '+soon'], /invalid duration for --by/],
    ] as const) {
      itOnce(`reschedule with ${what} is wrong usage, and moves nothing`, async () => {
        await push('a');
        const outcome = await cli.run(['reschedule', 'a', ...flags]);
        expect(outcome.code).to.equal(2);
        expect(outcome.stderr).to.match(why);
        expect((await find('a')).dueAt).to.deep.equal(at);
      });
    }
  });
});

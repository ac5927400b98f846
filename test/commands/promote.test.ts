import { expect } from 'chai';
import { documentOf, expectQuiet, forEachStore, linesOf } from '../support/cli.js';
import { HOUR_MS, idsOf, must, reserve } from '../support/jobs.js';

describe('promote', () => {
  forEachStore((cli, itOnce) => {
    const push = async (delayMs: number, ...ids: string[]) =>
      (await cli.queue()).pushMany(
        ids.map((id, i) => ({ id, topic: 'topic', body: id, delayMs: delayMs + i })),
      );

    it('promote makes jobs ready before all others, and prints their ids', async () => {
      await push(0, 'ready');
      await push(HOUR_MS, 'a', 'b', 'stays');
      expect(linesOf(expectQuiet(await cli.run(['promote', 'b', 'a'])))).to.deep.equal(['b', 'a']);
      const popped = expectQuiet(await cli.run(['pop', 'topic', '--count', '9', '--output', 'body']));
      expect(linesOf(popped)).to.deep.equal(['a', 'b', 'ready']);
    });

    it('promote exits with 1 when an id cannot be promoted, prints a line for each, and promotes the others', async () => {
      await push(0, 'leased');
      const queue = await cli.queue();
      await reserve(queue, 'topic');
      await push(0, 'ready');
      await queue.maintain();
      await push(HOUR_MS, 'a');
      const outcome = await cli.run(['promote', 'none', 'leased', 'a', 'ready']);
      expect(outcome.code).to.equal(1);
      expect(linesOf(outcome)).to.deep.equal(['a']);
      expect(outcome.stderr.trimEnd().split('\n')).to.deep.equal([
        'delayer: the job "none" is not in the queue; it was not promoted',
        'delayer: the job "leased" is leased to a consumer; it was not promoted',
        'delayer: the job "ready" is ready already; it was not promoted',
      ]);
    });

    itOnce('promote --json prints the outcome of each id, and counts', async () => {
      await push(HOUR_MS, 'a');
      const outcome = await cli.run(['promote', 'a', 'none', '--json']);
      expect(outcome).to.include({ code: 1, stderr: '' });
      expect(documentOf(outcome)).to.deep.equal({
        promoted: [{ id: 'a' }],
        notPromoted: [{ id: 'none', state: null }],
        counts: { promoted: 1, notPromoted: 1 },
      });
    });

    itOnce('promote - reads ids from stdin, and keeps the order of the jobs', async () => {
      const ids = Array.from({ length: 600 }, (_, i) => `id ${i}`);
      await push(HOUR_MS, ...ids);
      const stdin = [...ids].reverse().join('\n');
      const outcome = expectQuiet(await cli.run(['promote', '-'], { stdin }));
      expect(linesOf(outcome)).to.have.members(ids);
      const queue = await cli.queue();
      const [first, second] = await queue.popMany('topic', 2);
      expect(idsOf([must(first), must(second)])).to.deep.equal(['id 0', 'id 1']);
    });

    itOnce('promote --base64 takes ids in base64, and needs at least one', async () => {
      await push(HOUR_MS, 'a');
      expectQuiet(await cli.run(['promote', '--base64', Buffer.from('a').toString('base64')]));
      const outcome = await cli.run(['promote']);
      expect(outcome.code).to.equal(2);
      expect(outcome.stderr).to.match(/ID or a selection such as --topic is missing/);
    });

    it('promote on a store that does not exist exits with 1 and does not create it', async () => {
      expect((await cli.run(['promote', 'a'])).code).to.equal(1);
    });
  });
});

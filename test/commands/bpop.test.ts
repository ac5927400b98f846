import { expect } from 'chai';
import { expectQuiet, forEachStore, linesOf, type Running } from '../support/cli.js';

describe('bpop', () => {
  forEachStore((cli) => {
    const push = async (body: string, delayMs = 0) => {
      const { dueAt } = await (await cli.queue()).push({ topic: 'topic', body, delayMs });
      return dueAt?.getTime() ?? NaN;
    };
    const waiting = async (...flags: string[]): Promise<Running> => {
      const bpop = cli.start(['bpop', 'topic', '--output', 'body', ...flags]);
      await bpop.hearsSignals();
      return bpop;
    };

    it('bpop takes a ready job at once', async () => {
      await push('body');
      const outcome = await cli.run(['bpop', 'topic', '--output', 'body']);
      expect(linesOf(expectQuiet(outcome))).to.deep.equal(['body']);
    });

    it('bpop exits with 1 when no job is ready within --timeout', async () => {
      const start = performance.now();
      const outcome = await cli.run(['bpop', 'topic', '--timeout', '300ms']);
      expect(performance.now() - start).to.be.at.least(300);
      expect(outcome).to.include({ code: 1, stderr: '' });
      expect(outcome.stdout).to.be.empty;
    });

    it('bpop is woken by the push of another process, and waits without end with --timeout 0', async () => {
      const bpop = await waiting('--timeout', '0');
      expectQuiet(await cli.run(['push', 'topic', 'pushed meanwhile']));
      expect(linesOf(expectQuiet(await bpop.ended))).to.deep.equal(['pushed meanwhile']);
    });

    it('bpop takes a job when it is due and not before, without a daemon', async () => {
      const bpop = cli.start(['bpop', 'topic', '--output', 'body']);
      const dueAt = await push('later', 1200);
      expect(linesOf(expectQuiet(await bpop.ended))).to.deep.equal(['later']);
      expect(Date.now()).to.be.at.least(dueAt);
    });

    it('bpop takes up to --count ready jobs, and does not wait for more', async () => {
      await push('a');
      await push('b');
      const outcome = await cli.run(['bpop', 'topic', '--count', '5', '--output', 'body']);
      expect(linesOf(expectQuiet(outcome))).to.deep.equal(['a', 'b']);
    });

    it('bpop waits on several topics, and is woken by a push to any', async () => {
      const bpop = cli.start(['bpop', 'first', 'second', '--output', 'body']);
      await bpop.hearsSignals();
      await (await cli.queue()).push({ topic: 'second', body: 'of the second' });
      expect(linesOf(expectQuiet(await bpop.ended))).to.deep.equal(['of the second']);
    });

    it('several waiting bpops get one job each', async () => {
      const three = await Promise.all([waiting(), waiting(), waiting()]);
      for (const body of ['a', 'b', 'c']) await push(body);
      const taken = await Promise.all(three.map(async (bpop) => linesOf(expectQuiet(await bpop.ended))));
      expect(taken.flat().sort()).to.deep.equal(['a', 'b', 'c']);
    });

    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      it(`bpop ends by ${signal} while it waits, and takes no job`, async () => {
        const bpop = await waiting();
        const outcome = await bpop.end(signal);
        expect(outcome).to.include({ code: null, signal, stderr: '' });
        expect(outcome.stdout).to.be.empty;
        await push('afterwards');
        const next = await cli.run(['pop', 'topic', '--output', 'body']);
        expect(linesOf(expectQuiet(next))).to.deep.equal(['afterwards']);
      });
    }
  });
});

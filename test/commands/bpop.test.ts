import { expect } from 'chai';
import { expectQuiet, forEachStore, jsonOf, linesOf, type Running, useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { useRedis } from '../support/redis.js';

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

    it('--timeout takes any length', async () => {
      await push('b');
      const outcome = await cli.run(['bpop', 'topic', '--timeout', '1000d', '--output', 'body']);
      expect(expectQuiet(outcome).stdout.toString()).to.equal('b\n');
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

  describe('on a Redis that goes away', () => {
    const redis = useRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));

    for (const flags of [[], ['--lease', '1m']]) {
      const command = ['bpop', ...flags].join(' ');
      it(`${command} without end waits through the outage, reports it once, and takes the next job`, async () => {
        const raw = redis.server.client();
        const isBlocked = async () => String(await raw.client('LIST')).includes('flags=t');
        const bpop = cli.start(['bpop', 'topic', ...flags]);
        await eventually(isBlocked);
        await redis.server.kill();
        await bpop.says(/retrying/);
        await redis.server.restart();
        await bpop.says(/ is back\n/);
        await (await cli.queue()).push({ id: 'a', topic: 'topic', body: 'b' });
        const outcome = await bpop.endsByItself();
        expect(outcome.code).to.equal(0);
        expect(jsonOf(outcome).map(({ id }) => id)).to.deep.equal(['a']);
        expect(outcome.stderr.trimEnd().split('\n')).to.have.length(2);
      });
    }
  });
});

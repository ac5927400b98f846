import { expect } from 'chai';
import { closeSync, openSync } from 'node:fs';
import { expectQuiet, forEachStore, idsIn, jsonOf, linesOf } from '../support/cli.js';
import { eventually } from '../support/eventually.js';

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`);

describe('drain', () => {
  forEachStore((cli, itOnce) => {
    const push = async (ids: readonly string[], delayMs = 0) => {
      const queue = await cli.queue();
      return queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: `body ${id}`, delayMs })));
    };
    /** The ids of the jobs that are left, in order of delivery. */
    const left = async () => {
      const { jobs } = await (await cli.queue()).list('topic', { limit: 10_000 });
      return jobs.map(({ id }) => id.toString());
    };

    it('drain prints all due jobs in order of due time, each as a line of JSON', async () => {
      const queue = await cli.queue();
      const at = (ms: number) => new Date(Date.now() - ms);
      const pushed = await queue.pushMany(
        [300, 100, 200].map((ms) => ({ id: `${ms}`, topic: 'topic', body: 'b', delayMs: ms })),
      );
      await queue.push({ id: 'later', topic: 'topic', body: 'b', delayMs: 3_600_000 });
      await eventually(() => pushed.every(({ dueAt }) => (dueAt ?? at(-1)) < at(0)));
      const outcome = expectQuiet(await cli.run(['drain', 'topic']));
      expect(idsIn(linesOf(outcome))).to.deep.equal(['100', '200', '300']);
      expect(jsonOf(outcome)[0]).to.have.keys(
        ...['id', 'topic', 'body', 'state', 'dueAt', 'expiresAt', 'attempts'],
      );
      expect(jsonOf(outcome)[0]).to.include({ state: 'ready', attempts: 1 });
      expect(await left()).to.deep.equal(['later']);
    });

    itOnce('drain prints nothing and exits with 0 when no job is ready', async () => {
      expect(expectQuiet(await cli.run(['drain', 'topic'])).stdout).to.be.empty;
    });

    it('drain takes at most --max', async () => {
      await push(numbered(700));
      const outcome = expectQuiet(await cli.run(['drain', 'topic', '--max', '600', '--output', 'id']));
      expect(linesOf(outcome)).to.deep.equal(numbered(600));
      expect(await left()).to.deep.equal(numbered(700).slice(600));
    });

    it('drain delivers the jobs of several topics in the order of the topics', async () => {
      const queue = await cli.queue();
      for (const topic of ['low', 'high', 'low', 'high']) await queue.push({ topic, body: topic });
      const outcome = expectQuiet(await cli.run(['drain', 'high', 'low', '--output', 'body']));
      expect(linesOf(outcome)).to.deep.equal(['high', 'high', 'low', 'low']);
    });

    itOnce('drain --base64 takes a topic in base64, such as one that begins with a dash', async () => {
      await (await cli.queue()).push({ topic: '-topic', body: 'b' });
      const topic = Buffer.from('-topic').toString('base64');
      const outcome = expectQuiet(await cli.run(['drain', '--base64', topic, '--output', 'body']));
      expect(linesOf(outcome)).to.deep.equal(['b']);
    });

    itOnce('drain prints bodies raw with --output body', async () => {
      await push(['a', 'b']);
      const outcome = expectQuiet(await cli.run(['drain', 'topic', '--output', 'body']));
      expect(outcome.stdout.toString()).to.equal('body a\nbody b\n');
    });

    it('drain removes every job that it has printed', async () => {
      await push(numbered(600));
      expectQuiet(await cli.run(['drain', 'topic']));
      const queue = await cli.queue();
      const { topics } = await queue.stats();
      expect(topics).to.deep.equal([]);
    });

    it('several drains at once print each job once', async () => {
      const ids = numbered(2000);
      await push(ids);
      const three = await Promise.all([1, 2, 3].map(() => cli.run(['drain', 'topic', '--output', 'id'])));
      for (const outcome of three) expectQuiet(outcome);
      const printed = three.flatMap(linesOf);
      expect(printed).to.have.length(2000);
      expect(new Set(printed)).to.deep.equal(new Set(ids));
    });

    it('drain exits with 74 on a full disk and releases all jobs that were not written', async () => {
      await push(numbered(600));
      const full = openSync('/dev/full', 'w');
      const outcome = await cli.run(['drain', 'topic'], { stdout: full });
      closeSync(full);
      expect(outcome.code).to.equal(74);
      expect(outcome.stderr).to.match(/^delayer: cannot write to stdout: ENOSPC[^\n]*\n$/);
      expect(await left()).to.deep.equal(numbered(600));
    });

    // Jobs that a pipe still holds when its reader ends are lost: up to 64 KiB on Linux, in lines of 130 bytes.
    for (const [reader, pipeHolds] of [
      ['head -n 1', 65_536 / 130],
      ['head -c 1000', 65_536 / 130],
      ['head -c 70000', 65_536 / 130],
    ] as const) {
      it(`in \`drain | ${reader}\` each job is written to the pipe or back in the queue, in order`, async () => {
        const ids = numbered(4000);
        await push(ids);
        const outcome = await cli.sh(
          `delayer drain topic | ${reader}; code="\${PIPESTATUS[0]}"; echo; echo "$code"`,
        );
        expect(outcome.stderr).to.equal('');
        const lines = linesOf(outcome);
        expect(lines.at(-1)).to.equal('141');
        const read = idsIn(lines.slice(0, -1).filter((line) => line.endsWith('}')));
        const back = await left();
        expect(read).to.deep.equal(ids.slice(0, read.length));
        expect(back).to.deep.equal(ids.slice(ids.length - back.length));
        expect(ids.length - read.length - back.length).to.be.within(0, pipeHolds + 50);
      });
    }

    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      it(`drain ends by ${signal} after the jobs in hand: each job is printed or in the queue`, async () => {
        const ids = numbered(3000);
        const queue = await cli.queue();
        await queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: 'x'.repeat(1000) })));
        const drain = cli.start(['drain', 'topic']);
        // The reader reads nothing yet, so drain is blocked in the middle of its work.
        drain.child.stdout?.pause();
        await eventually(async () => ((await queue.stats()).topics[0]?.leased ?? 0) > 0);
        drain.child.kill(signal);
        drain.child.stdout?.resume();
        const outcome = await drain.ended;
        expect(outcome).to.include({ code: null, signal, stderr: '' });
        const back = await left();
        expect(back).to.not.be.empty;
        expect([...idsIn(linesOf(outcome)), ...back]).to.deep.equal(ids);
      });
    }

    it('drain ends at once at a second signal, and the jobs in hand stay leased until their leases end', async () => {
      const ids = numbered(60);
      const queue = await cli.queue();
      await queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: 'x'.repeat(20_000) })));
      const drain = cli.start(['drain', 'topic']);
      drain.child.stdout?.pause();
      await eventually(() => (drain.child.stdout?.readableLength ?? 0) > 0);
      // More than two: signals that arrive before the first one is handled are merged with it.
      await eventually(() => drain.child.signalCode !== null || !drain.child.kill('SIGTERM'), {
        everyMs: 50,
      });
      expect(drain.child.signalCode).to.equal('SIGTERM');
      expect((await queue.stats()).topics[0]).to.include({ leased: 60 });
    });
  });
});

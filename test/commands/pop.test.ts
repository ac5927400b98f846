import { expect } from 'chai';
import { closeSync, openSync } from 'node:fs';
import { expectQuiet, forEachStore, jsonOf, linesOf } from '../support/cli.js';
import { eventually } from '../support/eventually.js';

describe('pop', () => {
  forEachStore((cli, itOnce) => {
    const push = async (...ids: string[]) => {
      const queue = await cli.queue();
      await queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: `body ${id}` })));
    };
    const ready = async () => {
      const queue = await cli.queue();
      const ids: string[] = [];
      for (let jobs; (jobs = await queue.popMany('topic', 500)).length > 0;) {
        ids.push(...jobs.map(({ id }) => id.toString()));
      }
      return ids;
    };

    it('pop prints the job that is due first as a line of JSON and removes it', async () => {
      await push('a', 'b');
      const [job, ...more] = jsonOf(expectQuiet(await cli.run(['pop', 'topic'])));
      expect(more).to.be.empty;
      expect(job).to.have.keys('id', 'topic', 'body', 'state', 'dueAt', 'expiresAt', 'attempts');
      expect(job).to.include({ id: 'a', topic: 'topic', body: 'body a', state: 'ready', attempts: 1 });
      expect(await ready()).to.deep.equal(['b']);
    });

    itOnce('pop exits with 1 and prints nothing when no job is ready', async () => {
      const queue = await cli.queue();
      await queue.push({ topic: 'topic', body: 'not due', delayMs: 3_600_000 });
      await queue.push({ topic: 'other', body: 'elsewhere' });
      const outcome = await cli.run(['pop', 'topic']);
      expect(outcome.code).to.equal(1);
      expect(outcome.stdout).to.be.empty;
      expect(outcome.stderr).to.equal('');
    });

    it('pop takes up to --count jobs in order, and exits with 0 when there are fewer', async () => {
      await push('a', 'b', 'c');
      const output = ['--output', 'id'];
      expect(linesOf(expectQuiet(await cli.run(['pop', 'topic', '--count', '2', ...output])))).to.deep.equal([
        'a',
        'b',
      ]);
      expect(linesOf(expectQuiet(await cli.run(['pop', 'topic', '--count', '2', ...output])))).to.deep.equal([
        'c',
      ]);
      expect((await cli.run(['pop', 'topic', '--count', '2', ...output])).code).to.equal(1);
    });

    it('pop takes jobs from several topics in the order of the topics, up to --count', async () => {
      const queue = await cli.queue();
      for (const topic of ['low', 'high', 'high', 'low'])
        await queue.push({ topic, body: topic, id: `${topic} ${Math.random()}` });
      const pop = (...args: string[]) => cli.run(['pop', ...args, '--output', 'body']);
      expect(linesOf(expectQuiet(await pop('high', 'low', 'high')))).to.deep.equal(['high']);
      expect(linesOf(expectQuiet(await pop('none', 'high', 'low', '--count', '9')))).to.deep.equal([
        ...['high', 'low', 'low'],
      ]);
      expect((await pop('high', 'low')).code).to.equal(1);
    });

    itOnce('pop reads arguments after -- as topics', async () => {
      await (await cli.queue()).push({ topic: '-topic', body: 'b' });
      expect(linesOf(await cli.run(['pop', '--output', 'body', '--', '-topic']))).to.deep.equal(['b']);
    });

    it('pop takes more jobs than fit into one request', async () => {
      const ids = Array.from({ length: 1201 }, (_, i) => `${i}`);
      await push(...ids);
      const outcome = await cli.run(['pop', 'topic', '--count', '1200', '--output', 'id']);
      expect(linesOf(expectQuiet(outcome))).to.deep.equal(ids.slice(0, 1200));
      expect(await ready()).to.deep.equal(['1200']);
    });

    itOnce('pop prints bodies raw with --output body, each with a newline', async () => {
      await (await cli.queue()).push({ topic: 'topic', body: Buffer.from([0, 0xff, 0x1b, 0x0a]) });
      const outcome = expectQuiet(await cli.run(['pop', 'topic', '--output', 'body']));
      expect(outcome.stdout).to.deep.equal(Buffer.from([0, 0xff, 0x1b, 0x0a, 0x0a]));
    });

    it('pop on a full disk exits with 74, and the jobs are back in order', async () => {
      await push('a', 'b', 'c');
      const full = openSync('/dev/full', 'w');
      try {
        const outcome = await cli.run(['pop', 'topic', '--count', '3'], { stdout: full });
        expect(outcome.code).to.equal(74);
        expect(outcome.stderr).to.match(/^delayer: [^\n]*\n$/);
      } finally {
        closeSync(full);
      }
      expect(await ready()).to.deep.equal(['a', 'b', 'c']);
    });

    it('pop without a reader of its pipe exits with 141, and the job is back', async () => {
      await push('a');
      // The reader has closed its end before the pop begins, however late its shell is scheduled.
      const popping = '{ until [ -e gone ]; do sleep 0.01; done; delayer pop topic; }';
      const outcome = await cli.sh(`${popping} | { exec <&-; touch gone; }; echo "\${PIPESTATUS[0]}"`);
      expect(linesOf(outcome)).to.deep.equal(['141']);
      expect(outcome.stderr).to.equal('');
      expect(await ready()).to.deep.equal(['a']);
    });

    it('pop names a job that cannot be put back because a newer one has its id', async () => {
      const queue = await cli.queue();
      const job = { id: 'a', topic: 'topic' };
      await queue.push({ ...job, body: 'x'.repeat(1_000_000) });
      const pop = cli.start(['pop', 'topic', '--output', 'body']);
      // The reader reads nothing, so pop is blocked while it prints.
      pop.child.stdout?.pause();
      await eventually(() => (pop.child.stdout?.readableLength ?? 0) > 0);
      await queue.push({ ...job, body: 'newer' });
      pop.child.stdout?.destroy();
      const { code, stderr } = await pop.ended;
      expect(code).to.equal(141);
      expect(stderr).to.equal('delayer: not back in the queue, because another job has the id: "a"\n');
      expect((await queue.popMany('topic', 5)).map(({ body }) => body.toString())).to.deep.equal(['newer']);
    });

    it('pop puts back the jobs that the reader of its pipe did not get: each is written or back, in order', async () => {
      const ids = Array.from({ length: 500 }, (_, i) => `${i}`);
      const queue = await cli.queue();
      await queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: `${id} ${'x'.repeat(1000)}` })));
      // All are ready, so they are popped together.
      while ((await queue.maintain()).more);
      const command = 'delayer pop topic --count 500 --output body | head -n 3 | cut -d " " -f 1';
      const read = linesOf(await cli.sh(command));
      const back = await ready();
      expect(read).to.deep.equal(['0', '1', '2']);
      expect(back).to.deep.equal(ids.slice(ids.length - back.length));
      // Jobs that the pipe still held count as printed and are not put back.
      expect(back).to.have.length.within(300, 497);
    });

    it('pop ends by a signal after the jobs in hand: each job is printed or in the queue', async () => {
      // Many batches, because a process that waits for the CPU may pop another one or two before it handles the signal.
      const ids = Array.from({ length: 5000 }, (_, i) => `${i}`);
      const queue = await cli.queue();
      await queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: `${id} ${'x'.repeat(1000)}` })));
      const pop = cli.start(['pop', 'topic', '--count', '5000', '--output', 'body']);
      // The reader reads nothing, so pop is blocked in its first batch, which is larger than a pipe.
      pop.child.stdout?.pause();
      await eventually(() => (pop.child.stdout?.readableLength ?? 0) > 0);
      pop.child.kill('SIGTERM');
      pop.child.stdout?.resume();
      const outcome = await pop.ended;
      expect(outcome).to.include({ code: null, signal: 'SIGTERM', stderr: '' });
      const printed = linesOf(outcome).map((line) => line.split(' ')[0]);
      const left = await ready();
      expect(left).to.not.be.empty;
      expect([...printed, ...left]).to.deep.equal(ids);
    });

    it('several pops at once take each job once', async () => {
      const ids = Array.from({ length: 40 }, (_, i) => `${i}`);
      await push(...ids);
      const four = await Promise.all(
        [1, 2, 3, 4].map(() => cli.run(['pop', 'topic', '--count', '40', '--output', 'id'])),
      );
      const taken = four.flatMap(linesOf);
      expect(taken.sort()).to.deep.equal(ids.sort());
    });
  });
});

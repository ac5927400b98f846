import { expect } from 'chai';
import { documentOf, expectQuiet, forEachStore, linesOf } from '../support/cli.js';

const HOUR_MS = 3_600_000;

describe('remove', () => {
  forEachStore((cli, itOnce) => {
    const push = async (delayMs: number, ...ids: (string | Buffer)[]) => {
      const queue = await cli.queue();
      await queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: 'b', delayMs })));
    };
    const left = async () => {
      const { jobs } = await (await cli.queue()).list('topic', { limit: 1000 });
      return jobs.map(({ id }) => id.toString()).sort();
    };

    it('remove cancels a job that is not due and prints its id', async () => {
      await push(HOUR_MS, '32', '33');
      expect(linesOf(expectQuiet(await cli.run(['remove', '32'])))).to.deep.equal(['32']);
      expect(await left()).to.deep.equal(['33']);
    });

    it('remove takes many ids and exits with 0 when one of them was removed', async () => {
      await push(HOUR_MS, 'a', 'b', 'c');
      const outcome = await cli.run(['remove', 'a', 'unknown', 'c']);
      expect(linesOf(expectQuiet(outcome))).to.deep.equal(['a', 'c']);
      expect(await left()).to.deep.equal(['b']);
    });

    it('remove exits with 1 when no id was removed, and says why for each', async () => {
      await push(0, 'due');
      const outcome = await cli.run(['remove', 'unknown', 'due']);
      expect(outcome.code).to.equal(1);
      expect(outcome.stdout).to.be.empty;
      expect(outcome.stderr.trimEnd().split('\n')).to.have.length(2);
      expect(outcome.stderr).to.match(/"due" is (due|ready) already/);
      expect(await left()).to.deep.equal(['due']);
    });

    it('remove does not remove a due job or its body, promoted or not', async () => {
      await push(0, 'a');
      expect((await cli.run(['remove', 'a'])).code).to.equal(1);
      const queue = await cli.queue();
      await queue.maintain();
      expect((await cli.run(['remove', 'a'])).code).to.equal(1);
      const popped = expectQuiet(await cli.run(['pop', 'topic', '--output', 'body']));
      expect(linesOf(popped)).to.deep.equal(['b']);
      expect((await cli.run(['remove', 'a'])).code).to.equal(1);
    });

    it('remove removes due, ready and leased jobs with --any-state', async () => {
      await push(0, 'leased');
      const queue = await cli.queue();
      const { jobs } = await queue.reserve({ topics: 'topic', limit: 1, leaseMs: HOUR_MS });
      await push(0, 'ready');
      await queue.maintain();
      await push(0, 'due');
      await push(HOUR_MS, 'delayed');
      const all = ['leased', 'ready', 'due', 'delayed'];
      const outcome = expectQuiet(await cli.run(['remove', '--any-state', ...all]));
      expect(linesOf(outcome)).to.deep.equal(all);
      expect(await left()).to.be.empty;
      expect(await queue.ack(jobs)).to.deep.equal([false]);
    });

    itOnce('remove treats an id that is given several times as one', async () => {
      await push(HOUR_MS, 'a');
      const outcome = await cli.run(['remove', 'a', 'a']);
      expect(outcome.code).to.equal(0);
      expect(linesOf(outcome)).to.deep.equal(['a']);
    });

    itOnce('remove - reads ids from stdin', async () => {
      const ids = Array.from({ length: 600 }, (_, i) => `id ${i}`);
      await push(HOUR_MS, 'first', ...ids, 'last', 'stays');
      const outcome = await cli.run(['remove', 'first', '-', 'last'], { stdin: `${ids.join('\n')}\n\n` });
      expect(linesOf(expectQuiet(outcome))).to.deep.equal(['first', ...ids, 'last']);
      expect(await left()).to.deep.equal(['stays']);
    });

    itOnce(
      'remove - says that an id ends with a carriage return, as the lines of a file with CRLF do',
      async () => {
        const outcome = await cli.run(['remove', '-'], { stdin: 'cr1\r\n' });
        expect(outcome.code).to.equal(1);
        expect(outcome.stderr).to.equal(
          'delayer: the job "cr1\\r" is not in the queue (the id ends with a carriage return, as the lines of a file with CRLF do); it was not removed\n',
        );
      },
    );

    it('remove - accepts ids that are not valid UTF-8', async () => {
      const bytes = Buffer.from([0xff, 0xfe]);
      await push(HOUR_MS, 'a', bytes);
      expectQuiet(await cli.run(['remove', 'a'], { stdin: Buffer.concat([bytes, Buffer.from('\n')]) }));
      const outcome = await cli.run(['remove', '-'], { stdin: bytes });
      expect(expectQuiet(outcome).stdout).to.deep.equal(Buffer.concat([bytes, Buffer.from('\n')]));
      expect(await left()).to.be.empty;
    });

    itOnce('remove --base64 takes ids in base64, as arguments and from stdin', async () => {
      const [a, b] = [Buffer.from([0xff, 0]), Buffer.from('b\n')];
      await push(HOUR_MS, a, b);
      const args = ['remove', '--base64', '--json', a.toString('base64'), '-'];
      const outcome = expectQuiet(await cli.run(args, { stdin: `${b.toString('base64')}\n` }));
      expect(documentOf(outcome)).to.deep.equal({
        removed: [{ idBase64: a.toString('base64') }, { id: 'b\n' }],
        notRemoved: [],
        counts: { removed: 2, notRemoved: 0 },
      });
    });

    itOnce('remove --json prints one document with the state of each job that was not removed', async () => {
      await push(HOUR_MS, 'a');
      await push(0, 'due');
      await (await cli.queue()).maintain();
      const outcome = await cli.run(['remove', '--json', 'a', 'due', 'unknown']);
      expect(outcome.code).to.equal(0);
      expect(documentOf(outcome)).to.deep.equal({
        removed: [{ id: 'a' }],
        notRemoved: [
          { id: 'due', state: 'ready' },
          { id: 'unknown', state: null },
        ],
        counts: { removed: 1, notRemoved: 2 },
      });
      const none = await cli.run(['remove', '--json', 'unknown']);
      expect(none.code).to.equal(1);
      expect(documentOf(none)).to.deep.equal({
        removed: [],
        notRemoved: [{ id: 'unknown', state: null }],
        counts: { removed: 0, notRemoved: 1 },
      });
    });
  });
});

import { expect } from 'chai';
import { documentOf, expectQuiet, forEachStore, idsIn, linesOf } from '../support/cli.js';
import { HOUR_MS } from '../support/jobs.js';

describe('inspect as a list of jobs', () => {
  forEachStore((cli, itOnce) => {
    /** In each of three topics one ready job, and jobs due in 1, 2 and 3 hours, with that number in the body. */
    const fill = async () => {
      const queue = await cli.queue();
      for (const topic of ['pay', 'mail_a', 'mail_b']) {
        await queue.push({ topic, id: `${topic}-0`, body: '{"n":0}' });
        for (const n of [3, 1, 2])
          await queue.push({ topic, id: `${topic}-${n}`, body: `{"n":${n}}`, delayMs: n * HOUR_MS });
      }
      await queue.maintain();
      return queue;
    };
    const list = async (...args: string[]) => expectQuiet(await cli.run(['inspect', ...args]));
    const ids = async (...args: string[]) => linesOf(await list(...args, '--output', 'id'));

    it('inspect lists the jobs of named topics or of a selection', async () => {
      await fill();
      const delayed = (topic: string) => [`${topic}-1`, `${topic}-2`, `${topic}-3`];
      expect(await ids('pay', 'mail_b')).to.have.members([
        ...['pay-0', ...delayed('pay'), 'mail_b-0', ...delayed('mail_b')],
      ]);
      expect(await ids('--topic', 'mail_*', '--state', 'delayed')).to.have.members([
        ...delayed('mail_a'),
        ...delayed('mail_b'),
      ]);
      expect(await ids('--id-glob', '*-2')).to.have.members(['pay-2', 'mail_a-2', 'mail_b-2']);
      expect(await ids('pay', '--due-after', '+90m', '--due-before', '+150m')).to.deep.equal(['pay-2']);
      expect(await ids('--grep', '"n":3')).to.have.length(3);
      expect(await ids('pay', '--where', 'body.n > 1')).to.have.members(['pay-2', 'pay-3']);
      expect(await ids('--older-than', '1ms', '--state', 'ready')).to.have.members([
        ...['pay-0', 'mail_a-0', 'mail_b-0'],
      ]);
    });

    itOnce('a table has a column of topics unless it is of one topic', async () => {
      await fill();
      const head = (args: string[]) => list(...args).then((outcome) => linesOf(outcome)[0]?.split(/ {2,}/));
      const rest = ['state', 'due', 'expires', 'attempts', 'body'];
      expect(await head(['pay'])).to.deep.equal(['id', ...rest]);
      expect(await head(['pay', 'mail_a'])).to.deep.equal(['id', 'topic', ...rest]);
      expect(await head(['--topic', 'p*'])).to.deep.equal(['id', 'topic', ...rest]);
    });

    it('--cursor continues a page of several topics to the end', async () => {
      await fill();
      const page = (...args: string[]) =>
        list('pay', 'mail_a', '--json', ...args).then((outcome) =>
          documentOf<{ jobs: { id: string }[]; cursor: string | null }>(outcome),
        );
      const first = await page('--limit', '3');
      const rest = await page('--cursor', first.cursor ?? '');
      expect([...first.jobs, ...rest.jobs].map(({ id }) => id)).to.deep.equal([
        ...['pay-0', 'pay-1', 'pay-2', 'pay-3', 'mail_a-0', 'mail_a-1', 'mail_a-2', 'mail_a-3'],
      ]);
      expect(rest.cursor).to.equal(null);
      expect(first).to.not.have.property('topic');
    });

    itOnce(
      'a terminal shows a page of 50 jobs, the store and how to see more, and a pipe gets all jobs',
      async () => {
        const queue = await cli.queue();
        await queue.pushMany(
          Array.from({ length: 2100 }, (_, i) => ({
            topic: 'many',
            id: `${1000 + i}`,
            body: 'b',
            delayMs: HOUR_MS + i,
          })),
        );
        const all = linesOf(await list('many'));
        expect(all).to.have.length(2101);
        // Rows of later chunks have the same columns.
        expect(new Set(all.slice(1).map((line) => line.length)).size).to.equal(1);
        const paged = await cli.terminal('delayer inspect many');
        expect(paged.match(/delayed/g)).to.have.length(50);
        expect(paged).to.match(/there are more: add --cursor \S+/);
        expect(paged.split('\r\n')[0]).to.equal(queue.label);
        const selected = await cli.terminal(`delayer inspect --topic 'm*' --output id`);
        expect(selected.match(/^\d+\r$/gm)).to.have.length(50);
        expect(selected).to.include('there are more than these 50: add --limit');
        expect(await cli.terminal(`delayer inspect many 2>/dev/null | wc -l`)).to.match(/^2101\r?$/m);
      },
    );

    it('a list in a pipe is whole and of linear size beside an id of 1 MiB', async () => {
      const queue = await cli.queue();
      const long = 'x'.repeat(2 ** 20);
      const idsOfJobs = [long, ...Array.from({ length: 700 }, (_, i) => `${i}`)];
      await queue.pushMany(idsOfJobs.map((id) => ({ topic: 'long', id, body: 'b', delayMs: HOUR_MS })));
      const lines = linesOf(await list('long', '--no-headers'));
      expect(lines.map((line) => line.split(' ')[0])).to.have.members(idsOfJobs);
      expect(
        Math.max(...lines.filter((line) => !line.startsWith('x')).map(({ length }) => length)),
      ).to.be.below(100);
    });

    itOnce(
      '--sort orders by any column, descending with a dash, and --limit takes the first rows',
      async () => {
        await fill();
        const bySort = (sort: string, ...args: string[]) => ids('--topic', '*', '--sort', sort, ...args);
        expect(await bySort('body', '--limit', '3')).to.have.members(['pay-0', 'mail_a-0', 'mail_b-0']);
        expect((await bySort('-due')).slice(0, 3)).to.have.members(['pay-3', 'mail_a-3', 'mail_b-3']);
        expect(await bySort('id')).to.deep.equal([...(await bySort('-id'))].reverse());
        expect(await bySort('state', '--limit', '1', '--state', 'ready,delayed')).to.match(/-[123]$/);
      },
    );

    itOnce('--columns chooses columns and their order, and --no-headers omits the head', async () => {
      await fill();
      const args = ['pay', '--state', 'delayed', '--columns', 'size,topic,id'];
      expect(linesOf(await list(...args))).to.deep.equal([
        'size  topic  id',
        ...['   7  pay    pay-1', '   7  pay    pay-2', '   7  pay    pay-3'],
      ]);
      expect(linesOf(await list(...args, '--no-headers'))[0]).to.equal('7  pay  pay-1');
    });

    itOnce(
      '--output prints one JSON document, JSON lines, ids or bodies, and -0 ends ids with a zero byte',
      async () => {
        await fill();
        const args = ['--topic', 'p*', '--state', 'delayed'];
        const { jobs } = documentOf<{ jobs: unknown[] }>(await list(...args, '--json'));
        const lines = linesOf(await list(...args, '--output', 'ndjson'));
        expect(idsIn(lines)).to.deep.equal(['pay-1', 'pay-2', 'pay-3']);
        expect(lines.map((line) => JSON.parse(line) as unknown)).to.deep.equal(jobs);
        expect(documentOf(await list(...args, '--output', 'json'))).to.deep.equal({ jobs, cursor: null });
        expect(linesOf(await list(...args, '--output', 'body'))).to.deep.equal([
          '{"n":1}',
          '{"n":2}',
          '{"n":3}',
        ]);
        const zero = await list(...args, '--output', 'id', '-0');
        expect(zero.stdout.toString()).to.equal('pay-1\0pay-2\0pay-3\0');
      },
    );

    itOnce(
      'a selection that matches nothing exits with 1 and a message, or with an empty list in JSON',
      async () => {
        await fill();
        for (const args of [
          ['--topic', 'x*'],
          ['pay', '--grep', 'nothing'],
          ['--where', 'body.n > 9'],
        ]) {
          const table = await cli.run(['inspect', ...args]);
          expect(table).to.include({ code: 1, stderr: 'delayer: no job matches\n' });
          expect(table.stdout).to.be.empty;
          const json = await cli.run(['inspect', ...args, '--json']);
          expect(json).to.include({ code: 1, stderr: '' });
          expect(documentOf(json)).to.deep.include({ jobs: [], cursor: null });
        }
      },
    );

    itOnce('jobs for which --where fails are counted on stderr', async () => {
      await fill();
      const outcome = await cli.run(['inspect', 'pay', '--where', '$number(topic) = 1']);
      expect(outcome.code).to.equal(1);
      expect(outcome.stderr).to.include('--where failed for 4 jobs');
    });

    it('several ids from --id or stdin are explained, and unknown ones are named', async () => {
      await fill();
      const stdin = 'mail_a-1\nmail_b-2\n';
      const both = await cli.run(['inspect', '--id', 'pay-1', '--id', '-', '--json'], { stdin });
      expect(idsIn(linesOf(expectQuiet(both)))).to.deep.equal(['pay-1', 'mail_a-1', 'mail_b-2']);
      const piped = await cli.run(['inspect', '-', '--json'], { stdin });
      expect(idsIn(linesOf(expectQuiet(piped)))).to.deep.equal(['mail_a-1', 'mail_b-2']);
      const cards = await cli.run(['inspect', '--id', 'pay-1', '--id', 'none']);
      expect(cards.code).to.equal(1);
      expect(cards.stdout.toString()).to.include('It is not due yet');
      expect(cards.stderr).to.match(/^delayer: there is no job of the id "none": [^\n]+\n$/);
    });
  });
});

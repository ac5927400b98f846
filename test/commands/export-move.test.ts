import { expect } from 'chai';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { documentOf, expectQuiet, forEachStore, linesOf } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { HOUR_MS, idsOf, must, reserve } from '../support/jobs.js';

describe('export --move', () => {
  forEachStore((cli) => {
    const MOVE = ['export', '--topic', 't*', '--move', '--output-file', 'moved'];
    const path = () => join(cli.home, 'moved');
    const move = (...args: string[]) => cli.run([...MOVE, ...args]);
    const fileLines = () => readFileSync(path(), 'utf8').trimEnd().split('\n');
    const ids = async (...store: string[]) =>
      linesOf(await cli.run(['inspect', '--topic', '*', '--output', 'id', ...store])).sort();
    /** What the file has for another store. */
    const imported = async () => {
      const store = ['--store', `sqlite:${join(cli.home, 'other.db')}`];
      expectQuiet(await cli.run(['import', 'moved', ...store]));
      return ids(...store);
    };
    const fill = async (count = 3, body?: string) => {
      const queue = await cli.queue();
      await queue.pushMany(
        Array.from({ length: count }, (_, i) => ({
          topic: 't',
          id: `${1000 + i}`,
          body: body ?? `b${i}`,
          delayMs: HOUR_MS + i,
        })),
      );
      return queue;
    };

    it('moves the jobs of a selection into a file, and import has them as they were; what else there is stays', async () => {
      const queue = await fill();
      await queue.push({ topic: 'u', id: 'other', body: 'b' });
      await queue.push({ topic: 't', id: 'ready', body: 'b' });
      await queue.push({ topic: 'tt', id: 'held', body: 'b' });
      await queue.maintain();
      const [held] = await reserve(queue, 'tt', 1);
      const before = await queue.find('1001');
      const outcome = documentOf(expectQuiet(await move('--json')));
      expect(outcome).to.deep.equal({
        moved: 4,
        byState: { delayed: 3, ready: 1 },
        left: 0,
        isFinished: true,
      });
      expect(statSync(path()).mode & 0o777).to.equal(0o600);
      expect(await ids()).to.deep.equal(['held', 'other']);
      expectQuiet(await cli.run(['import', 'moved']));
      expect(await ids()).to.deep.equal(['1000', '1001', '1002', 'held', 'other', 'ready']);
      expect(await queue.find('1001')).to.deep.equal(before);
      expect(await queue.ack([must(held)])).to.deep.equal([true]);
    });

    it('a job that was not removed before the process was killed is moved by the same command, and is there once', async () => {
      const queue = await fill();
      expectQuiet(await move());
      const [head, first, second, third] = fileLines();
      // The first was removed, the others were not: as the second step of a move that was killed leaves it.
      await queue.import(
        [second, third].map((line) => {
          const { id, topic, body, dueAt, expiresAt } = JSON.parse(line ?? '') as Record<string, string>;
          const times = { dueAt: new Date(must(dueAt)), expiresAt: new Date(must(expiresAt)) };
          return { id: must(id), topic: must(topic), body: must(body), ...times };
        }),
      );
      writeFileSync(path(), `${[head, first, second].join('\n')}\n`);
      const refused = await cli.run(['import', 'moved']);
      expect(refused.code).to.equal(65);
      expect(refused.stderr).to.match(/cut off.*--partial/);
      expectQuiet(await move());
      expect(await ids()).to.deep.equal([]);
      expect(await imported()).to.deep.equal(['1000', '1001', '1002']);
      expect(fileLines().at(-1)).to.include('"exported":3');
    });

    it('of a step that was not written whole no job was removed, whoever has taken it since', async () => {
      const queue = await fill();
      expectQuiet(await move());
      const [head, first, second] = fileLines();
      // A consumer has had all three.
      await queue.push({ topic: 't', id: 'last', body: 'b', delayMs: HOUR_MS });
      writeFileSync(path(), [head, first, second?.slice(0, 20)].join('\n'));
      expectQuiet(await move());
      expect(await imported()).to.deep.equal(['last']);
    });

    it('a step whose jobs had left the store when the line that says so was cut off, as by a full disk, is moved', async () => {
      for (const length of [1, 5, 20]) {
        await fill();
        expectQuiet(await move());
        const [head, first, second, third, confirmed] = fileLines();
        expect(confirmed).to.include('"confirmed"');
        writeFileSync(path(), [head, first, second, third, confirmed?.slice(0, length)].join('\n'));
        expectQuiet(await move());
        expect(await imported()).to.deep.equal(['1000', '1001', '1002']);
        await (await cli.queue()).removeMany(['1000', '1001', '1002']);
        await cli.sh('rm moved');
      }
    });

    it('killed in the middle, again and again, it loses and doubles no job', async () => {
      const count = 3000;
      await fill(count);
      const steps = () =>
        existsSync(path()) ? (readFileSync(path(), 'latin1').match(/"confirmed"/g)?.length ?? 0) : 0;
      for (const wanted of [2, 5]) {
        const running = cli.start(MOVE);
        await eventually(() => steps() >= wanted || running.child.exitCode !== null);
        expect(await running.end('SIGKILL')).to.include({ signal: 'SIGKILL' });
      }
      expect((await ids()).length).to.be.within(1, count - 1);
      expectQuiet(await move());
      expect(await ids()).to.deep.equal([]);
      expect(await imported()).to.deep.equal(Array.from({ length: count }, (_, i) => `${1000 + i}`));
    });

    it('a full disk ends it with 74, and each job is in the store or in the file', async () => {
      // The limit is for every file, and this one grows past it long before those of an embedded store: JSON writes six
      // characters for each of these.
      await fill(600, '\u0001'.repeat(1000));
      const full = await cli.sh(
        `ulimit -f 2048; trap '' XFSZ; exec delayer ${MOVE.map((arg) => `'${arg}'`).join(' ')}`,
      );
      expect(full.code).to.equal(74);
      const left = await ids();
      expect(left.length).to.be.within(1, 599);
      expectQuiet(await move());
      expect(await imported()).to.have.length(600);
    });

    it('a file that is there is never replaced, and nothing is moved to it', async () => {
      await fill();
      const other = { exported: ['export', '--output-file', 'moved'], moved: [...MOVE, '--id-glob', '*0'] };
      for (const args of Object.values(other)) {
        expectQuiet(await cli.run(args));
        const before = fileLines();
        const outcome = await move();
        expect(outcome.code).to.equal(2);
        expect(outcome.stderr).to.match(/moved is (there|a move that is finished)/);
        expect(fileLines()).to.deep.equal(before);
        await cli.sh('rm moved');
      }
      expect(idsOf((await (await cli.queue()).list('t')).jobs)).to.deep.equal(['1001', '1002']);
    });

    it('a selection that matches nothing exits with 1 and leaves no file', async () => {
      await fill();
      const outcome = await cli.run(['export', '--topic', 'x*', '--move', '--output-file', 'moved']);
      expect(outcome).to.include({ code: 1, stderr: 'delayer: there is no such job\n' });
      expect(existsSync(path())).to.equal(false);
    });
  });
});

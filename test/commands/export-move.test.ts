import { expect } from 'chai';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { documentOf, expectQuiet, forEachStore } from '../support/cli.js';
import type { Queue } from '../../src/core/queue.js';
import { openQueue } from '../../src/storage/open.js';
import { lockFile } from '../../src/storage/file-lock.js';
import { eventually } from '../support/eventually.js';
import { HOUR_MS, idsOf, must, only, reserve } from '../support/jobs.js';
import { Proxy } from '../support/proxy.js';

describe('export --move', () => {
  forEachStore((cli) => {
    const MOVE = ['export', '--topic', 't*', '--move', '--output-file', 'moved'];
    const path = () => join(cli.home, 'moved');
    const move = (...args: string[]) => cli.run([...MOVE, ...args]);
    const fileLines = () => readFileSync(path(), 'utf8').trimEnd().split('\n');
    const idsIn = async (queue: Queue) => {
      const found: string[] = [];
      for await (const { jobs } of queue.scan()) found.push(...idsOf(jobs));
      return found.sort();
    };
    const ids = async () => idsIn(await cli.queue());
    /** Imports the file into another store; returns the ids. */
    const imported = async () => {
      const store = `sqlite:${join(cli.home, 'other.db')}`;
      expectQuiet(await cli.run(['import', 'moved', '--store', store]));
      const other = await openQueue(store);
      try {
        return await idsIn(other);
      } finally {
        await other.close();
      }
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

    it('moves the jobs of a selection into a file, from which import restores them, and leaves other jobs', async () => {
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

    /** The lines of a finished move of three jobs, which were then imported again: a killed move leaves a part of such a file. */
    const movedAndBack = async () => {
      const queue = await fill();
      expectQuiet(await move());
      const lines = fileLines();
      expectQuiet(await cli.run(['import', 'moved']));
      const { id } = JSON.parse(must(lines[0])) as { id: string };
      return { queue, lines, holder: `export:${id}` };
    };
    const JOBS = ['1000', '1001', '1002'];
    const hold = async (queue: Queue, holder: string, leaseMs = HOUR_MS) => {
      const held = await queue.hold(
        JOBS.map((id) => ({ id })),
        { leaseMs, holder },
      );
      return held.map(({ lease }) => ({ lease: must(lease) }));
    };
    const cut = (line: string | undefined, length: number) => must(line).slice(0, length);

    // A whole file has a head, the end of the hold, three jobs, the note that they have left the store, and an end.
    const KILLED: readonly (readonly [string, (lines: readonly string[]) => string, 'held' | 'gone'])[] = [
      ['after it has leased the jobs', ([head]) => `${head}\n`, 'held'],
      [
        'while it writes the jobs',
        ([head, until, one, two]) => [head, until, one, cut(two, 20)].join('\n'),
        'held',
      ],
      ['after it has written all jobs', (lines) => `${lines.slice(0, 5).join('\n')}\n`, 'held'],
      ['after the jobs have left the store', (lines) => `${lines.slice(0, 5).join('\n')}\n`, 'gone'],
      [
        'while it writes the note that the jobs have left the store',
        (lines) => [...lines.slice(0, 5), cut(lines[5], 5)].join('\n'),
        'gone',
      ],
      ['before it writes the end of the file', (lines) => `${lines.slice(0, 6).join('\n')}\n`, 'gone'],
    ];

    for (const [when, left, state] of KILLED)
      it(`is finished by the same command when it was killed ${when}: each job is moved once, and none is delivered meanwhile`, async () => {
        const { queue, lines, holder } = await movedAndBack();
        const leases = await hold(queue, holder);
        if (state === 'gone') expect(await queue.ack(leases)).to.deep.equal([true, true, true]);
        writeFileSync(path(), left(lines));
        const refused = await cli.run(['import', 'moved']);
        expect(refused.code).to.equal(65);
        expect(refused.stderr).to.match(/truncated.*--partial/);
        expect((await queue.promote(JOBS)).map(({ promoted }) => promoted)).to.not.include(true);
        expect(await queue.pop('t')).to.be.undefined;
        expectQuiet(await move());
        expect(await ids()).to.deep.equal([]);
        expect(await imported()).to.deep.equal(JOBS);
        expect(fileLines().at(-1)).to.include('"exported":3');
        expect(existsSync(`${path()}.lock`)).to.be.false;
      });

    it('returns the jobs of an abandoned move unchanged when their leases end, and reports those that may have been delivered', async () => {
      const { queue, lines, holder } = await movedAndBack();
      const before = await queue.find('1001');
      await hold(queue, holder, 1);
      const over = new Date(Date.now() - 1).toISOString();
      writeFileSync(
        path(),
        `${[lines[0], JSON.stringify({ held: over }), ...lines.slice(2, 5)].join('\n')}\n`,
      );
      await eventually(async () => {
        await queue.maintain();
        return (await queue.find('1000'))[0]?.state === 'delayed';
      });
      expect(await queue.find('1001')).to.deep.equal(before);
      await queue.promote(['1000']);
      expect((await queue.pop('t'))?.id.toString()).to.equal('1000');
      const outcome = await move();
      expect(outcome.code).to.equal(0);
      expect(outcome.stderr).to.match(
        /1 job of the interrupted step is in moved, and may have been delivered/,
      );
      expect(await ids()).to.deep.equal([]);
      expect(await imported()).to.deep.equal(JOBS);
    });

    it('moves each of several jobs of one id, also those that wait for another one', async () => {
      const queue = await cli.queue();
      for (const body of ['first', 'second']) {
        await queue.push({ topic: 't', id: '32', body });
        await reserve(queue, 't', 1);
      }
      await queue.push({ topic: 't', id: '32', body: 'third', delayMs: HOUR_MS });
      const away = (await queue.find('32')).flatMap(({ lease }) => lease ?? []);
      expect(await queue.release(away)).to.deep.equal([true, true]);
      const outcome = documentOf(expectQuiet(await move('--json')));
      expect(outcome).to.deep.equal({ moved: 3, byState: { delayed: 3 }, left: 0, isFinished: true });
      expect(await ids()).to.deep.equal([]);
      expect(await imported()).to.deep.equal(['32', '32', '32']);
    });

    it('keeps a job that left the store before the kill, although its id was pushed again with the same topic and due time', async () => {
      const { queue, lines, holder } = await movedAndBack();
      const { dueAt } = only(await queue.find('1000'));
      expect(await queue.ack(await hold(queue, holder))).to.deep.equal([true, true, true]);
      writeFileSync(path(), `${lines.slice(0, 5).join('\n')}\n`);
      await queue.push({ id: '1000', topic: 't', body: 'pushed again', at: dueAt });
      const outcome = documentOf(expectQuiet(await move('--json')));
      expect(outcome).to.include({ moved: 4, isFinished: true });
      const store = `sqlite:${join(cli.home, 'other.db')}`;
      const json = await cli.run(['import', 'moved', '--store', store, '--json']);
      expect(documentOf(json)).to.include({ imported: 3, conflict: 1 });
    });

    it('is refused while another process moves jobs to the same file', async () => {
      await fill();
      const lock = must(await lockFile(`${path()}.lock`));
      try {
        const outcome = await move();
        expect(outcome.code).to.equal(2);
        expect(outcome.stderr).to.include('another process moves jobs to moved');
        expect(existsSync(path())).to.be.false;
      } finally {
        lock.release();
      }
    });

    it('shows a job in hand as held by the move, and does not move one that remove --any-state removes', async () => {
      const { queue, lines, holder } = await movedAndBack();
      await hold(queue, holder);
      const { stdout } = expectQuiet(await cli.run(['inspect', '--id', '1001']));
      expect(stdout.toString()).to.include(`The move ${holder} holds it`);
      writeFileSync(path(), `${lines.slice(0, 2).join('\n')}\n`);
      expectQuiet(await cli.run(['remove', '--any-state', '1001']));
      expectQuiet(await move());
      expect(await imported()).to.deep.equal(['1000', '1002']);
    });

    it('loses and duplicates no job when it is killed several times', async () => {
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

    it('exits with 74 on a full disk, and each job is in the store or in the file', async () => {
      // The limit is for every file, and this one grows past it long before those of an embedded store: JSON writes six
      // characters for each of these.
      await fill(600, '\u0001'.repeat(1000));
      const full = await cli.sh(
        `ulimit -f 2048; trap '' XFSZ; exec delayer ${MOVE.map((arg) => `'${arg}'`).join(' ')}`,
      );
      expect(full.code).to.equal(74);
      const left = await ids();
      expect(left.length).to.be.within(1, 599);
      expect(full.stderr).to.match(/Keep moved: jobs that have left the queue are only there\./);
      expect(full.stderr).to.not.include('Nothing was changed');
      expectQuiet(await move());
      expect(await imported()).to.have.length(600);
    });

    it('leaves no file and every job as it was when not even the first jobs can be written', async () => {
      const queue = await fill(250, '\u0001'.repeat(1500));
      const full = await cli.sh(
        `ulimit -f 2048; trap '' XFSZ; exec delayer ${MOVE.map((arg) => `'${arg}'`).join(' ')}`,
      );
      expect(full.code).to.equal(74);
      expect(full.stderr).to.include('No job was moved, and no file was left behind.');
      expect(existsSync(path())).to.be.false;
      expect((await queue.stats()).totals).to.include({ delayed: 250, leased: 0 });
    });

    it('refuses a file that exists, and moves nothing to it', async () => {
      await fill();
      const other = { exported: ['export', '--output-file', 'moved'], moved: [...MOVE, '--id-glob', '*0'] };
      for (const args of Object.values(other)) {
        expectQuiet(await cli.run(args));
        const before = fileLines();
        const outcome = await move();
        expect(outcome.code).to.equal(2);
        expect(outcome.stderr).to.match(/moved (exists already|holds a finished move)/);
        expect(existsSync(`${path()}.lock`)).to.be.false;
        expect(fileLines()).to.deep.equal(before);
        await cli.sh('rm moved');
      }
      expect(idsOf((await (await cli.queue()).list('t')).jobs)).to.deep.equal(['1001', '1002']);
    });

    it('exits with 1 and leaves no file when the selection matches nothing', async () => {
      await fill();
      const outcome = await cli.run(['export', '--topic', 'x*', '--move', '--output-file', 'moved']);
      expect(outcome).to.include({ code: 1, stderr: 'delayer: no job matches\n' });
      expect(existsSync(path())).to.equal(false);
    });
  });
});

describe('export --move over a connection that breaks', () => {
  forEachStore(
    (cli) => {
      it('is finished by the same command when the answer to its first hold is lost', async () => {
        const proxy = await Proxy.to({ path: must(cli.env.DELAYER_STORE).replace('redis+unix://', '') });
        try {
          const queue = await cli.queue();
          const count = 300;
          await queue.pushMany(
            Array.from({ length: count }, (_, i) => ({
              topic: 't',
              id: `${i}`,
              body: 'b',
              delayMs: HOUR_MS,
            })),
          );
          // Loads the script, so that the answer which is lost is that of the hold itself.
          await queue.hold([{ id: 'none' }], { leaseMs: 1, holder: 'nobody' });
          const move = () =>
            cli.run(['export', '--store', proxy.url, '--move', '--output-file', 'moved', '--json']);
          proxy.cut('reply', { times: Infinity, when: (request) => request.includes('export:') });
          const lost = await move();
          expect(lost.code).to.equal(75);
          expect(lost.stderr).to.include('the move to moved is unfinished (0 jobs): run it again');
          expect((await queue.stats()).totals.leased).to.be.above(0);
          proxy.pass();
          const outcome = documentOf(expectQuiet(await move()));
          expect(outcome).to.include({ moved: count, left: 0, isFinished: true });
          expect((await queue.stats()).totals.leased).to.equal(0);
        } finally {
          await proxy.close();
        }
      });
    },
    ['Redis'],
  );
});

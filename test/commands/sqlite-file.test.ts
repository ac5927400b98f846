import { expect } from 'chai';
import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '../../src/storage/sqlite/driver.js';
import { openQueue } from '../../src/storage/open.js';
import { expectQuiet, linesOf, useCli } from '../support/cli.js';
import { HOUR_MS, reserve } from '../support/jobs.js';

describe('the file of an embedded store', () => {
  const cli = useCli();
  const path = (name: string) => join(cli.home, name);
  const at = (name: string) => ['--store', `sqlite:${path(name)}`];
  const databases = () =>
    readdirSync(cli.home, { recursive: true }).filter((name) => String(name).includes('.db'));

  it('a write that the limit on the size of files stops is reported as that, and not as a full disk', async () => {
    await cli.run(['push', 't', 'b', ...at('q.db')]);
    for (const blocks of [1, 20]) {
      const { code, stderr } = await cli.sh(
        `ulimit -f ${blocks}; trap '' XFSZ; exec delayer drain t --exec true ${at('q.db').join(' ')}`,
      );
      expect([blocks, code]).to.deep.equal([blocks, 69]);
      expect(stderr).to.match(
        /file too large \(EFBIG\)\. Raise the limit on the size of files \(ulimit -f\)/,
      );
    }
    expect((await cli.run(['pop', 't', '--output', 'body', ...at('q.db')])).stdout.toString()).to.equal(
      'b\n',
    );
  });

  it('pop, drain, bpop and remove find no job in a missing file, and do not create it', async () => {
    const calls: [args: string[], code: number][] = [
      [['pop', 't'], 1],
      [['drain', 't'], 0],
      [['bpop', 't', '--timeout', '0.05'], 1],
      [['remove', 'x'], 1],
    ];
    await Promise.all(
      calls.map(async ([args, code]) => {
        const outcome = await cli.run([...args, ...at('q.db')]);
        expect(outcome.code, args.join(' ')).to.equal(code);
        expect(outcome.stdout.toString()).to.equal('');
        if (args[0] !== 'remove') expect(outcome.stderr).to.equal('');
      }),
    );
    expect(databases()).to.be.empty;
  });

  it('jobs whose times were set to any numbers move to another file as a whole', async () => {
    const [q, other] = [at('q.db'), at('other.db')];
    const strange: Record<string, string> = {
      'due late': 'due_at = 99999999999999999',
      'due early': 'due_at = -5',
      'placed late': 'place = 99999999999999999, expires_at = 8640000000000000',
      'placed late, with an expiry': 'place = 1e15, expires_at = 2e15',
      'no expiry': 'expires_at = 1e15',
      usual: 'seq = seq',
    };
    const queue = await openQueue(`sqlite:${path('q.db')}`);
    const jobs = Object.keys(strange).map((id) => ({ id, topic: 't', body: id, delayMs: HOUR_MS }));
    await queue.pushMany(jobs);
    await queue.push({ topic: 'dead', id: 'dead', body: 'b' });
    await queue.nack(await reserve(queue, 'dead'), { dead: true });
    const usual = (await queue.find('usual'))[0]?.dueAt?.toISOString();
    await queue.close();
    const database = openDatabase(path('q.db'));
    for (const [id, change] of Object.entries(strange))
      database.exec(`UPDATE job SET ${change} WHERE id = CAST('${id}' AS BLOB)`);
    database.exec('UPDATE dead SET failed_at = -1, dead_until = 99999999999999999');
    database.close();
    const exported = linesOf(await cli.run(['export', ...q])).sort();
    const last = '9999-12-31T23:59:59.999Z';
    const due = exported.map((line) => JSON.parse(line) as { id: string; dueAt: string });
    expect(Object.fromEntries(due.map(({ id, dueAt }) => [id, dueAt]))).to.deep.include({
      ...{ usual, 'due late': usual, 'due early': usual, 'no expiry': usual },
      ...{ 'placed late': last, 'placed late, with an expiry': last },
    });
    expect(exported.filter((line) => line.includes('"ttlMs":604800000'))).to.have.length(7);
    expect((await cli.run(['export', '--move', '--output-file', 'moved', ...q])).code).to.equal(0);
    expectQuiet(await cli.run(['import', 'moved', ...other]));
    expect(linesOf(await cli.run(['export', ...q]))).to.deep.equal([]);
    expect(
      linesOf(await cli.run(['export', ...other]))
        .map((line) => (JSON.parse(line) as { id: string }).id)
        .sort(),
    ).to.deep.equal([...Object.keys(strange), 'dead'].sort());
  });

  it('inspect of a missing named file exits with 69 and does not create it, and a missing default store is shown as empty', async () => {
    const [named, listed, theDefault] = await Promise.all([
      cli.run(['inspect', ...at('q.db')]),
      cli.run(['inspect', 't', ...at('q.db')]),
      cli.run(['inspect']),
    ]);
    for (const outcome of [named, listed]) {
      expect(outcome.code).to.equal(69);
      expect(outcome.stderr).to.match(
        /^delayer: sqlite:\S+ does not exist: there is no such file\. [^\n]+\n$/,
      );
    }
    expect(theDefault.code).to.equal(0);
    expect(databases()).to.be.empty;
  });

  it('an empty file counts as missing, and stays empty until a push fills it', async () => {
    const file = join(cli.home, 'q.db');
    writeFileSync(file, '');
    for (const [args, code] of [
      [['inspect'], 69],
      [['inspect', '--id', 'a'], 69],
      [['export'], 69],
      [['doctor'], 69],
      [['check'], 2],
      [['pop', 't'], 1],
      [['drain', 't'], 0],
      [['remove', 'a'], 1],
      [['serve', '--once'], 0],
    ] as const)
      expect((await cli.run([...args, ...at('q.db')])).code, args.join(' ')).to.equal(code);
    expect((await cli.run(['inspect', ...at('q.db')])).stderr).to.match(
      /does not exist: the file is empty\./,
    );
    expect(statSync(file).size).to.equal(0);
    expect(databases()).to.deep.equal(['q.db']);
    expectQuiet(await cli.run(['push', 't', 'b', '--id', 'a', ...at('q.db')]));
    expect((await cli.run(['pop', 't', '--output', 'id', ...at('q.db')])).stdout.toString()).to.equal('a\n');
  });

  it('a missing folder ends every command with 69, and is not created', async () => {
    const calls = [['push', 't', 'b'], ['pop', 't'], ['drain', 't'], ['serve'], ['inspect']];
    const outcomes = await Promise.all(calls.map((args) => cli.run([...args, ...at('no/q.db')])));
    for (const { code, stderr } of outcomes) {
      expect(code).to.equal(69);
      expect(stderr).to.match(/^delayer: sqlite:\S+ does not exist: there is no folder \S+\/no\. [^\n]+\n$/);
    }
    expect(databases()).to.be.empty;
  });

  it('bpop and drain --follow wait for a file to be created, and drain --follow also after it was deleted', async () => {
    const bpop = cli.start(['bpop', 'first', '--output', 'id', ...at('q.db')]);
    const follow = cli.start(['drain', 'second', '--follow', '--output', 'id', ...at('q.db')]);
    const push = (topic: string, id: string) => cli.run(['push', topic, 'b', '--id', id, ...at('q.db')]);
    await push('first', '1');
    expect((await bpop.ended).stdout.toString()).to.equal('1\n');
    await push('second', '2');
    await follow.printed(1);
    for (const end of ['', '-wal', '-shm']) rmSync(path(`q.db${end}`), { force: true });
    await follow.says(/was deleted or renamed while it was open/);
    await push('second', '3');
    expect(await follow.printed(2)).to.deep.equal(['2', '3']);
    await follow.end();
  });

  it('bpop ends at its timeout or by a signal while another process holds the file', async () => {
    await cli.run(['push', 'other', 'b', ...at('q.db')]);
    const other = openDatabase(path('q.db'));
    other.exec('BEGIN IMMEDIATE');
    const waiting = cli.start(['bpop', 't', ...at('q.db')]);
    const timed = await cli.run(['bpop', 't', '--timeout', '0.05', ...at('q.db')]);
    expect([timed.code, timed.stderr]).to.deep.equal([1, '']);
    expect((await waiting.end()).signal).to.equal('SIGTERM');
    other.exec('ROLLBACK');
    other.close();
  });
});

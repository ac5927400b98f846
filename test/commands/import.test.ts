import { expect } from 'chai';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type CliGround, documentOf, expectQuiet, forEachStore } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { drain, idsOf, only, statesOf, textOf } from '../support/jobs.js';

/** A line of an export: a job that was due long ago and never expires. */
const line = (id: string, more: Record<string, unknown> = {}) =>
  JSON.stringify({
    ...{ id, topic: 'orders', body: `body ${id}`, state: 'ready', dueAt: '2026-01-01T00:00:00.000Z' },
    ...{ expiresAt: null, attempts: 0, ...more },
  });

describe('import', () => {
  forEachStore((cli: CliGround, itOnce) => {
    const file = (name: string, lines: readonly string[] | Buffer) => {
      const path = join(cli.home, name);
      writeFileSync(path, Array.isArray(lines) ? `${lines.join('\n')}\n` : (lines as Buffer));
      return path;
    };
    const take = async () => (await drain(await cli.queue(), ['orders', 'other'])).map(textOf);

    it('import restores jobs and dead letters unchanged, and prints nothing in a pipe', async () => {
      const dead = { state: 'dead', reason: 'no such shop', failedAt: '2026-01-02T00:00:00.000Z' };
      const history = [{ attempt: 1, endedAt: '2026-01-02T00:00:00.000Z', outcome: 'dead', exitCode: 65 }];
      const path = file('jobs', [
        line('1', { attempts: 2, key: 'k' }),
        line('2', { ...dead, attempts: 1, history }),
      ]);
      const { stdout } = expectQuiet(await cli.run(['import', path]));
      expect(stdout).to.have.lengthOf(0);
      const queue = await cli.queue();
      const letter = only(await queue.find('2'));
      expect(letter).to.include({ state: 'dead', reason: 'no such shop', attempts: 1 });
      expect(only([...(letter.history ?? [])])).to.include({ exitCode: 65, outcome: 'dead' });
      const { jobs } = await queue.reserve({ topics: 'orders', limit: 9, leaseMs: 60_000 });
      expect(only(jobs)).to.include({ key: 'k', attempts: 3 });
    });

    it('import reports bad lines and conflicts by line number, imports the others, and exits with 65', async () => {
      await (await cli.queue()).push({ id: '3', topic: 'orders', body: 'other', delayMs: 60_000 });
      const path = file('jobs', [line('1'), '{"id":"2"}', line('3'), 'nonsense', line('5')]);
      const outcome = await cli.run(['import', path]);
      expect(outcome.code).to.equal(65);
      const [second, third, fourth, ...rest] = outcome.stderr.trimEnd().split('\n');
      expect(second).to.equal('delayer: line 2: the topic is missing');
      expect(third).to.match(/^delayer: line 3: the id "3" exists with other content/);
      expect(fourth).to.match(/^delayer: line 4: invalid JSON/);
      expect(rest).to.deep.equal([
        'delayer: 2 imported, 1 conflict, 2 bad lines; run it again to retry the refused lines',
      ]);
      expect(await take()).to.deep.equal(['body 1', 'body 5']);
    });

    it('import that is run again brings the jobs whose ids were taken before, and no others', async () => {
      const queue = await cli.queue();
      await queue.push({ id: '2', topic: 'orders', body: 'other' });
      const path = file('jobs', [line('1'), line('2'), line('3')]);
      expect((await cli.run(['import', path])).code).to.equal(65);
      expect((await cli.run(['import', path])).code).to.equal(65);
      expect((await take()).sort()).to.deep.equal(['body 1', 'body 3', 'other']);
      expectQuiet(await cli.run(['import', path]));
      expect(await take()).to.deep.equal(['body 2']);
      const third = await cli.run(['import', path]);
      expect(third).to.include({ code: 0 });
      expect(third.stderr).to.match(/the file was imported before \(3 jobs\)/);
      expect(await take()).to.deep.equal([]);
    });

    it('import takes a ready lifetime that only original clients push, as export prints it', async () => {
      const ttlMs = 4_000_000_000_000;
      const expiresAt = new Date(Date.UTC(2026, 0, 1) + ttlMs).toISOString();
      expectQuiet(
        await cli.run([
          'import',
          file('jobs', [line('1', { ttlMs, expiresAt }), line('2', { ttlMs: 1e14 })]),
        ]),
      );
      const queue = await cli.queue();
      expect(only(await queue.find('1')).expiresAt?.toISOString()).to.equal(expiresAt);
      expect(only(await queue.find('2')).expiresAt).to.be.undefined;
    });

    itOnce('import --shift refuses a job that would be due after the year 9999', async () => {
      const path = file('jobs', [line('1'), line('2', { dueAt: '9999-12-31T00:00:00.000Z' })]);
      const outcome = await cli.run(['import', path, '--shift', '+1d']);
      expect(outcome).to.include({ code: 65 });
      expect(outcome.stderr).to.match(/line 2: the due time is shifted behind the end of the year 9999/);
      expect(await take()).to.deep.equal(['body 1']);
    });

    itOnce('import --map-topic refuses two topics for one', async () => {
      const args = ['import', file('jobs', [line('1')]), '--map-topic', 'orders=a', '--map-topic'];
      expect(await cli.run([...args, 'orders=b'])).to.include({ code: 2 });
      expectQuiet(await cli.run([...args, 'orders=a']));
    });

    itOnce('import counts a bad line of an export once', async () => {
      const path = file('jobs', ['{"export":1}', line('1'), line(''), '{"exported":2,"states":{}}']);
      const outcome = await cli.run(['import', path]);
      expect(outcome.code).to.equal(65);
      expect(outcome.stderr).to.equal(
        'delayer: line 3: The id is empty. Give the id at least one byte.\ndelayer: 1 imported, 1 bad line\n',
      );
    });

    it('import that was killed and is run again loses no job and brings none back that was taken', async () => {
      const count = 12_000;
      const path = file(
        'jobs',
        Array.from({ length: count }, (_, i) => line(`${i}`)),
      );
      const queue = await cli.queue();
      const taken: string[] = [];
      const takeSome = async () => {
        const jobs = await queue.popMany('orders', 500);
        taken.push(...idsOf(jobs));
        return jobs.length;
      };
      let kills = 0;
      for (const after of [600, 4000]) {
        const importing = cli.start(['import', path]);
        let isOver = false;
        void importing.ended.then(() => (isOver = true));
        await eventually(async () => {
          await takeSome();
          return taken.length >= after || isOver;
        });
        if ((await importing.end('SIGKILL')).signal === 'SIGKILL') kills += 1;
      }
      expect(kills).to.be.greaterThan(0);
      expect((await cli.run(['import', path])).code).to.equal(0);
      while ((await takeSome()) > 0);
      expect(taken).to.have.lengthOf(count);
      expect(new Set(taken)).to.have.property('size', count);
      const again = await cli.run(['import', path]);
      expect(again.code).to.equal(0);
      expect(again.stderr).to.match(/the file was imported before \(12000 jobs\); --again imports it again/);
      expect(await takeSome()).to.equal(0);
      const anew = await cli.run(['import', path, '--again', '--json']);
      expect(documentOf<{ imported: number }>(anew).imported).to.equal(count);
    });

    itOnce('import recognises gzip, from a file and from stdin', async () => {
      const packed = gzipSync(`${line('1')}\n`);
      expectQuiet(await cli.run(['import', file('jobs.gz', packed)]));
      expectQuiet(await cli.run(['import'], { stdin: gzipSync(`${line('2')}\n`) }));
      expect(await take()).to.deep.equal(['body 1', 'body 2']);
    });

    itOnce('import --json that ends with an error prints what was imported before', async () => {
      const lines = Array.from({ length: 5000 }, (_, i) => `${line(`${i}`)}\n`).join('');
      const stdin = gzipSync(lines).subarray(0, -4);
      const outcome = await cli.run(['import', '--json'], { stdin });
      expect(outcome.code).to.equal(65);
      const counts = documentOf<{ imported: number }>(outcome);
      expect(counts).to.include({ isComplete: false });
      expect(counts.imported).to.be.above(0);
    });

    itOnce('import refuses a truncated file without --partial, compressed or not', async () => {
      const whole = ['{"export":1,"store":"s","at":""}', line('1'), line('2'), '{"exported":2,"states":{}}'];
      const packed = file('jobs.gz', gzipSync(`${whole.join('\n')}\n`));
      truncateSync(packed, gzipSync(whole.join('\n')).length - 12);
      for (const path of [file('jobs', whole.slice(0, 3)), packed]) {
        const refused = await cli.run(['import', path]);
        expect(refused.code).to.equal(65);
        expect(refused.stderr).to.match(/truncated.*--partial/);
      }
      expect(await take()).to.deep.equal([]);
      expect((await cli.run(['import', join(cli.home, 'jobs'), '--partial'])).code).to.equal(0);
      expect(await take()).to.deep.equal(['body 1', 'body 2']);
      expectQuiet(await cli.run(['import', file('whole', whole)]));
    });

    itOnce(
      'import says at the end that an export or a move from stdin was truncated, and exits with 65',
      async () => {
        const exported = `{"export":1,"store":"s","at":""}\n${line('1')}\n`;
        const moved = `{"move":1,"store":"s","at":""}\n${line('2')}\n{"confirmed":1,"notRemoved":[]}\n`;
        for (const stdin of [exported, moved]) {
          const cut = await cli.run(['import', '--json'], { stdin });
          expect(cut.code, stdin).to.equal(65);
          expect(documentOf(cut)).to.include({ isComplete: false, imported: 1 });
          const again = await cli.run(['import'], { stdin });
          expect(again.stderr).to.match(/the file is truncated: its last line is missing/);
          expectQuiet(await cli.run(['import', '--partial'], { stdin }));
        }
      },
    );

    itOnce('import exits with 65 when a file has fewer jobs than it says', async () => {
      const path = file('jobs', ['{"export":1}', line('1'), '{"exported":2,"states":{}}']);
      const outcome = await cli.run(['import', path]);
      expect(outcome.code).to.equal(65);
      expect(outcome.stderr).to.match(/should hold 2 jobs, and holds 1/);
    });

    itOnce('import refuses a file of a later version with 78', async () => {
      const outcome = await cli.run(['import', file('jobs', ['{"export":2}', line('1')])]);
      expect(outcome.code).to.equal(78);
      expect(outcome.stderr).to.match(/version 2 of the format; this version of delayer supports 1/);
    });

    it('import of a file of removed jobs takes those that were removed, and prints the command for the lines for which this is unknown', async () => {
      const path = file('removed', [
        '{"store":"s","command":"remove"}',
        ...[line('1'), line('2'), line('3'), '{"confirmed":3,"notRemoved":[1]}'],
        ...[line('4'), '{"confirmed":1,"notRemoved":[]}', line('5'), line('6', { topic: 'old' })],
      ]);
      // Flags instead of variables: the printed command has to name the store, and what is changed.
      const { DELAYER_STORE: store = '', DELAYER_PREFIX: prefix = 'delayer' } = cli.env;
      const flags = ['--store', store, '--prefix', prefix, '--map-topic', 'old=orders', '--shift', '-2h'];
      const env = { DELAYER_STORE: 'sqlite:other.db', DELAYER_PREFIX: 'other' };
      const outcome = await cli.run(['import', path, ...flags], { env });
      expect(outcome.code).to.equal(65);
      expect(outcome.stderr).to.include(
        'it is unknown whether the jobs of lines 8 to 9 were removed; this brings ',
      );
      const [, command = ''] =
        /that are gone: (sed -n .* \| delayer import --if-absent.*)$/m.exec(outcome.stderr) ?? [];
      expect(await take()).to.deep.equal(['body 1', 'body 3', 'body 4']);
      expectQuiet(await cli.sh(command, { env }));
      expect(await take()).to.deep.equal(['body 5', 'body 6']);
    });

    it('import --map-topic changes topics, and --shift moves due times and expiries', async () => {
      const dueAt = new Date(Date.now() + 3_600_000).toISOString();
      const expiresAt = new Date(Date.now() + 7_200_000).toISOString();
      const path = file('jobs', [line('1', { dueAt, expiresAt }), line('2')]);
      expectQuiet(await cli.run(['import', path, '--map-topic', 'orders=other', '--shift', '+2h']));
      const found = only(await (await cli.queue()).find('1'));
      expect(found.topic?.toString()).to.equal('other');
      expect(found.dueAt?.getTime()).to.equal(Date.parse(dueAt) + 7_200_000);
      expect(found.expiresAt?.getTime()).to.equal(Date.parse(expiresAt) + 7_200_000);
    });

    it('import keeps existing jobs with --if-absent, and replaces them with --replace', async () => {
      const queue = await cli.queue();
      await queue.push({ id: '1', topic: 'orders', body: 'old', delayMs: 3_600_000 });
      const path = file('jobs', [line('1')]);
      expect((await cli.run(['import', path, '--if-absent'])).code).to.equal(0);
      expect(statesOf(await queue.find('1'))).to.deep.equal(['delayed']);
      expect((await cli.run(['import', path, '--replace', '--again'])).code).to.equal(0);
      expect(await take()).to.deep.equal(['body 1']);
    });
  });
});

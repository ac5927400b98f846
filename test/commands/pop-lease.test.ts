import { expect } from 'chai';
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expectQuiet, forEachStore, jsonOf, linesOf } from '../support/cli.js';
import { HOUR_MS, MINUTE_MS, must, only, untilPast } from '../support/jobs.js';

const LEASE = /^[0-9a-f]{32}-[0-9a-f]+\.\d+\.\d+\.\d+$/;

describe('pop --lease', () => {
  forEachStore((cli, itOnce) => {
    const push = async (...ids: string[]) => {
      const queue = await cli.queue();
      await queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: `body ${id}` })));
    };
    const statesOf = async () => {
      const { jobs } = await (await cli.queue()).list('topic', { limit: 2000 });
      return Object.fromEntries(jobs.map(({ id, state }) => [id.toString(), state]));
    };
    const bodyFile = () => join(cli.home, 'body');

    for (const command of [
      ['pop', 'topic'],
      ['bpop', 'topic', '--timeout', '10'],
    ]) {
      const [name = ''] = command;
      it(`${name} --lease prints a job with its lease, and the job stays leased until it is acknowledged`, async () => {
        await push('a');
        const job = only(jsonOf(expectQuiet(await cli.run([...command, '--lease', '1h']))));
        expect(job).to.have.keys(
          ...['id', 'topic', 'body', 'state', 'dueAt', 'expiresAt', 'attempts'],
          ...['lease', 'leaseUntil', 'leasedBy', 'key'],
        );
        expect(job).to.include({ id: 'a', body: 'body a', state: 'leased', attempts: 1 });
        expect(Date.parse(String(job.leaseUntil)) - Date.now()).to.be.within(HOUR_MS - MINUTE_MS, HOUR_MS);
        expect(job.key).to.match(/^[0-9a-f]{32}-[0-9a-f]+\.\d+/);
        // The command has ended, so its parent process counts as the holder.
        expect(job.leasedBy).to.equal(`${hostname()}:${process.pid}`);
        expect(await statesOf()).to.deep.equal({ a: 'leased' });
        expectQuiet(await cli.run(['ack', String(job.lease)]));
        expect(await statesOf()).to.deep.equal({});
      });

      it(`${name} --lease leases up to --count jobs with several requests, and --output lease prints only leases`, async () => {
        const ids = Array.from({ length: 1201 }, (_, i) => `${i}`);
        await push(...ids);
        const args = [...command, '--lease', '1h', '--count', '1200', '--output', 'lease'];
        const leases = linesOf(expectQuiet(await cli.run(args)));
        expect(leases).to.have.length(1200);
        for (const lease of leases) expect(lease).to.match(LEASE);
        const held = await (await cli.queue()).ack(leases);
        expect(held.every((one) => one)).to.equal(true);
        expect(await statesOf()).to.deep.equal({ 1200: 'ready' });
      });

      itOnce(
        `${name} --lease exits with 1 when no job is ready, and does not change the body file`,
        async () => {
          writeFileSync(bodyFile(), 'as it was');
          const args = [...command.slice(0, 2), '--lease', '60s', '--body-file', bodyFile()];
          const wait = name === 'bpop' ? ['--timeout', '1ms'] : [];
          expect(await cli.run([...args, ...wait])).to.include({ code: 1, stderr: '' });
          expect(readFileSync(bodyFile(), 'utf8')).to.equal('as it was');
        },
      );

      it(`${name} --lease releases jobs that cannot be printed, without counting an attempt`, async () => {
        await push('a', 'b');
        const full = openSync('/dev/full', 'w');
        try {
          const args = [...command, '--lease', '1h', '--count', '2'];
          const outcome = await cli.run(args, { stdout: full });
          expect(outcome.code).to.equal(74);
          expect(outcome.stderr).to.match(/^delayer: [^\n]*\n$/);
        } finally {
          closeSync(full);
        }
        const popped = await (await cli.queue()).popMany('topic', 5);
        expect(popped.map(({ id, attempts }) => [id.toString(), attempts])).to.deep.equal([
          ['a', 1],
          ['b', 1],
        ]);
      });
    }

    it('bpop --lease waits for a job', async () => {
      const bpop = cli.start(['bpop', 'topic', '--lease', '1h', '--output', 'lease']);
      await bpop.hearsSignals();
      await push('a');
      const outcome = expectQuiet(await bpop.ended);
      expect(await (await cli.queue()).ack(linesOf(outcome))).to.deep.equal([true]);
    });

    it('bpop --lease ends by a signal while it waits, and leases no job', async () => {
      const bpop = cli.start(['bpop', 'topic', '--lease', '1h']);
      await bpop.hearsSignals();
      expect(await bpop.end('SIGTERM')).to.include({ code: null, signal: 'SIGTERM', stderr: '' });
      await push('a');
      expect(await (await cli.queue()).pop('topic')).to.include({ attempts: 1 });
    });

    itOnce(
      'a loop of sh gets lease and body without jq: lease=$(delayer pop --output lease --body-file F)',
      async () => {
        await push('a', 'b');
        const script = `
        f=$(mktemp)
        while lease=$(delayer pop topic --lease 60s --output lease --body-file "$f"); do
          cat "$f"; echo
          delayer ack "$lease"
        done`;
        expect(linesOf(expectQuiet(await cli.sh(script)))).to.deep.equal(['body a', 'body b']);
        expect(await statesOf()).to.deep.equal({});
      },
    );

    itOnce(
      '--body-file writes the exact bytes, readable for this user only, and follows a symbolic link',
      async () => {
        const body = Buffer.from([0, 0xff, 0x0a]);
        await (await cli.queue()).push({ topic: 'topic', body });
        mkdirSync(join(cli.home, 'there'));
        const target = join(cli.home, 'there', 'target');
        writeFileSync(target, 'before', { mode: 0o644 });
        symlinkSync(target, bodyFile());
        const args = ['pop', 'topic', '--lease', '60s', '--output', 'lease', '--body-file', bodyFile()];
        expectQuiet(await cli.run(args));
        expect(readFileSync(target)).to.deep.equal(body);
        expect(statSync(target).mode & 0o777).to.equal(0o600);
        expect(lstatSync(bodyFile()).isSymbolicLink()).to.equal(true);
        expect(readdirSync(join(cli.home, 'there'))).to.deep.equal(['target']);
      },
    );

    itOnce(
      '--body-file exits with 2 for what is not a file and 74 when writing fails, and no attempt is counted',
      async () => {
        await push('a');
        for (const [file, code, says] of [
          ['/dev/full', 2, /--body-file is not a regular file/],
          ['.', 2, /--body-file is not a regular file/],
          ['', 2, /--body-file is empty/],
          ['none/body', 74, /cannot write the body file/],
        ] as const) {
          const outcome = await cli.run(['pop', 'topic', '--lease', '60s', '--body-file', file]);
          expect(outcome.stderr, file)
            .to.match(says)
            .and.match(/^delayer: [^\n]*\n$/);
          expect(outcome.code).to.equal(code);
          expect(outcome.stdout).to.be.empty;
        }
        expect(await (await cli.queue()).pop('topic')).to.include({ attempts: 1 });
      },
    );

    itOnce('--body-file is removed again when the lease cannot be printed', async () => {
      await push('a');
      const script = `delayer pop topic --lease 60s --output lease --body-file '${bodyFile()}' >/dev/full`;
      expect((await cli.sh(script)).code).to.equal(74);
      expect(existsSync(bodyFile())).to.equal(false);
      expect(await statesOf()).to.deep.equal({ a: 'ready' });
    });

    for (const command of [
      ['pop', 'topic'],
      ['bpop', 'topic', '--timeout', '0.1'],
    ]) {
      it(`${command[0]} reports a job that becomes a dead letter because its last lease ended`, async () => {
        await push('a');
        const leased = await cli.run(['pop', 'topic', '--lease', '1ms', '--retries', '0']);
        await untilPast(await cli.queue(), Date.parse(String(only(jsonOf(leased)).leaseUntil)));
        const { code, stderr } = await cli.run(command);
        expect(code).to.equal(1);
        expect(stderr).to.match(
          /^delayer: the job "a" of "topic" is a dead letter: its lease ended[^\n]*\n$/,
        );
        expect(await statesOf()).to.deep.equal({ a: 'dead' });
      });
    }

    it('pop --lease exits with 1 and says so while the topic is paused', async () => {
      await push('a');
      await (await cli.queue()).pause('topic');
      const outcome = await cli.run(['pop', 'topic', '--lease', '60s']);
      expect(outcome.code).to.equal(1);
      expect(outcome.stderr).to.equal('delayer: all topics that were given are paused\n');
    });

    it('several pops with --lease at once lease each job once', async () => {
      const ids = Array.from({ length: 40 }, (_, i) => `${i}`);
      await push(...ids);
      const four = await Promise.all(
        [1, 2, 3, 4].map(() => cli.run(['pop', 'topic', '--lease', '1h', '--count', '40'])),
      );
      const taken = four.flatMap(jsonOf).map(({ id }) => String(id));
      expect(taken.sort()).to.deep.equal(ids.sort());
      const leases = new Set(four.flatMap(jsonOf).map(({ lease }) => lease));
      expect(leases.size).to.equal(40);
      expect(must(taken[0])).to.equal('0');
    });
  });
});

import { expect } from 'chai';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expectQuiet, forEachStore, linesOf, useCli } from '../support/cli.js';
import { must } from '../support/jobs.js';
import { Ground, isGone, TOPIC } from './handlers.js';

const NOT_DONE = 4;

describe('drain --exec', () => {
  forEachStore((cli, itOnce) => {
    const ground = new Ground(cli);
    const exec = (command: string, ...flags: string[]) =>
      cli.run(['drain', TOPIC, ...flags, '--exec', command]);

    it('a handler gets the body on stdin and the job in the environment, and exit code 0 means done', async () => {
      await ground.push('a', 'b');
      const command = 'cat; echo " $DELAYER_ID $DELAYER_TOPIC $DELAYER_ATTEMPT"';
      expect(linesOf(expectQuiet(await exec(command)))).to.deep.equal([
        'body of a a topic 1',
        'body of b b topic 1',
      ]);
      expect(await ground.states('a', 'b')).to.deep.equal([undefined, undefined]);
    });

    itOnce('a handler after -- runs without a shell, with its arguments unchanged', async () => {
      await ground.push('a');
      const args = ['drain', TOPIC, '--', 'printf', '%s|', '$HOME', 'two  words', '--exec', '*'];
      expect(expectQuiet(await cli.run(args)).stdout.toString()).to.equal('$HOME|two  words|--exec|*|\n');
    });

    it('a handler gets the exact bytes of the body', async () => {
      const body = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) % 256));
      await (await cli.queue()).push({ topic: TOPIC, body });
      expectQuiet(await exec('cat > body'));
      expect(readFileSync(ground.path('body')).equals(body)).to.equal(true);
    });

    it('a failed job is retried later, with the end of stderr as the reason, and drain exits with 4', async () => {
      await ground.push('a');
      const outcome = await exec('echo first >&2; echo no connection >&2; exit 7');
      expect(outcome.code).to.equal(NOT_DONE);
      expect(outcome.stderr).to.equal('first\nno connection\n');
      const job = await ground.find('a');
      expect(job).to.include({ state: 'delayed', attempts: 1 });
      expect(
        job?.history?.map(({ exitCode, reason, outcome }) => ({ exitCode, reason, outcome })),
      ).to.deep.equal([{ exitCode: 7, reason: 'first\nno connection', outcome: 'retried' }]);
    });

    itOnce('the reason of a failure without output on stderr is the exit code or the signal', async () => {
      await ground.push('coded', 'killed');
      await exec('if [ $DELAYER_ID = coded ]; then exit 3; else kill -9 $$; fi', '--retries', '0');
      const [coded, killed] = [await ground.find('coded'), await ground.find('killed')];
      expect(coded).to.include({ state: 'dead', reason: 'exit code 3' });
      expect(killed).to.include({ state: 'dead', reason: 'killed by SIGKILL' });
      expect(killed?.history?.[0]).to.include({ signal: 'SIGKILL' });
    });

    it('a job that fails without a retry left becomes a dead letter, which one line on stderr reports', async () => {
      await ground.push('a');
      const outcome = await exec('echo why >&2; exit 1', '--retries', '0');
      expect(outcome.code).to.equal(NOT_DONE);
      expect(outcome.stderr).to.equal(
        'why\ndelayer: the job "a" of "topic" is a dead letter after 1 attempt: why\n',
      );
      expect(await ground.states('a')).to.deep.equal(['dead']);
    });

    itOnce('exit code 65 makes a job a dead letter at once, whatever retries are left', async () => {
      await ground.push('a');
      expect((await exec('exit 65', '--retries', '9')).code).to.equal(NOT_DONE);
      expect(await ground.find('a')).to.include({ state: 'dead', attempts: 1, reason: 'exit code 65' });
    });

    it('drain exits with 0 when a failed job is done at its retry in the same run', async () => {
      await ground.push('a');
      const command = 'test "$DELAYER_ATTEMPT" = 2';
      const flags = ['--backoff', '1ms..1ms', '--loop', '--step', '200ms', '--for', '1500ms'];
      expectQuiet(await exec(command, ...flags));
      expect(await ground.states('a')).to.deep.equal([undefined]);
    });

    itOnce('the first retry comes after the first pause of --backoff', async () => {
      await ground.push('a');
      await exec('exit 1', '--backoff', '1h..2h');
      const job = await ground.find('a');
      expect(Number(job?.dueAt) - Date.now()).to.be.within(0.7 * 3_600_000, 1.3 * 3_600_000);
    });

    for (const [what, command, code, says] of [
      ['does not exist', ['--exec', 'nosuchcommand'], 127, /exit code 127: command not found/],
      ['is not executable', ['--exec', '/'], 126, /exit code 126: the command cannot be executed/],
      [
        'does not exist, without a shell,',
        ['--', 'nosuchcommand'],
        127,
        /cannot be started: spawn nosuchcommand ENOENT/,
      ],
      ['is not executable, without a shell,', ['--', '/'], 126, /cannot be started: spawn \/ EACCES/],
    ] as const) {
      itOnce(
        `a handler that ${what} ends drain with ${code}, and its job is released without counting an attempt`,
        async () => {
          await ground.push('a', 'b');
          const outcome = await cli.run(['drain', TOPIC, ...command]);
          expect(outcome.code).to.equal(code);
          expect(outcome.stderr).to.match(says);
          expect(await ground.find('a')).to.include({ state: 'ready', attempts: 0 });
        },
      );
    }

    itOnce(
      'a handler that can no longer be started ends drain with 127, and its job is released without counting an attempt',
      async () => {
        await ground.push('a', 'b', 'c');
        const handler = ground.path('handler');
        writeFileSync(handler, '#!/bin/sh\nrm -- "$0"\n', { mode: 0o700 });
        const outcome = await cli.run(['drain', TOPIC, '--retries', '0', '--', handler]);
        expect(outcome.code).to.equal(127);
        expect(outcome.stderr).to.match(/cannot be started: spawn \S+ ENOENT/);
        expect(await ground.find('a')).to.be.undefined;
        for (const id of ['b', 'c'])
          expect(await ground.find(id)).to.include({ state: 'ready', attempts: 0 });
      },
    );

    itOnce(
      'running out of file descriptors ends drain with 126 and a message, and no attempt is counted',
      async () => {
        const ids = Array.from({ length: 40 }, (_, i) => `job-${i}`);
        await ground.push(...ids);
        const flags = "--jobs 40 --retries 0 --exec 'sleep 1'";
        const outcome = await cli.sh(`ulimit -n 60; exec delayer drain ${TOPIC} ${flags}`);
        expect(outcome.code).to.equal(126);
        expect(outcome.stderr).to.match(
          /^delayer: the handler cannot be started: spawn \S+ EMFILE\. Too many files/,
        );
        const states = await ground.states(...ids);
        expect(states.filter((state) => state !== undefined && state !== 'ready')).to.be.empty;
        expect(states).to.include('ready');
        expect(states).to.include(undefined);
      },
    );

    itOnce(
      'a handler that is killed by a real-time signal has failed when a shell waits for it',
      async () => {
        await ground.push('a');
        expect((await exec("bash -c 'kill -RTMIN+5 $$'; exit $?")).code).to.equal(NOT_DONE);
        expect(await ground.find('a')).to.include({ state: 'delayed', attempts: 1 });
      },
    );

    itOnce('exit code 127 is a failed attempt once a handler has run', async () => {
      await ground.push('a', 'b');
      const outcome = await exec('test $DELAYER_ID = a || nosuchcommand', '--retries', '0');
      expect(outcome.code).to.equal(NOT_DONE);
      expect(await ground.states('a', 'b')).to.deep.equal([undefined, 'dead']);
    });

    itOnce('a handler that exits with 127 at its timeout has failed', async () => {
      await ground.push('a');
      const handler = 'trap "exit 127" TERM; sleep 30 & wait';
      const outcome = await exec(handler, '--timeout', '300ms', '--retries', '0');
      expect(outcome.code).to.equal(NOT_DONE);
      expect(outcome.stderr).to.contain('timed out after');
      expect(await ground.states('a')).to.deep.equal(['dead']);
    });

    itOnce('--jobs 2 runs two handlers at once, and not three', async () => {
      await ground.push('a', 'b', 'c');
      // Each of the first two waits for the other to begin, and checks that the third has not begun.
      const command = `touch $DELAYER_ID; case $DELAYER_ID in a) o=b;; b) o=a;; *) exit 0;; esac
        until [ -e $o ]; do sleep 0.02; done
        test ! -e c || exit 1
        touch $DELAYER_ID.looked; until [ -e $o.looked ]; do sleep 0.02; done`;
      expectQuiet(await exec(command, '--jobs', '2'));
    });

    itOnce(
      'a handler that exceeds --timeout is ended with its children, and its attempt has failed',
      async () => {
        await ground.push('a');
        const command = 'sleep 1000 & echo $! > child; echo $$ > group; wait';
        const outcome = await exec(command, '--timeout', '700ms', '--retries', '0');
        expect(outcome.code).to.equal(NOT_DONE);
        expect(await ground.find('a')).to.include({ state: 'dead', reason: 'timed out after 700 ms' });
        await isGone(ground.read('child').trim());
        await isGone(ground.read('group').trim());
      },
    );

    itOnce(
      '--max limits the jobs of a run, --rate the starts per second, and --halt ends it after failures in a row',
      async () => {
        await ground.push('a', 'b', 'c', 'd', 'e', 'f', 'g');
        const limits = ['--max', '3', '--rate', '2/s'];
        const starts = linesOf(expectQuiet(await exec('echo $DELAYER_ID; date +%s%3N >> starts', ...limits)));
        expect(starts).to.deep.equal(['a', 'b', 'c']);
        const [first, , third] = ground.read('starts').split('\n').map(Number);
        // A second, less the time by which the first handler may have begun late.
        expect(must(third) - must(first)).to.be.at.least(300);
        const outcome = await exec('exit 1', '--halt', '2');
        expect(outcome.code).to.equal(NOT_DONE);
        expect(outcome.stderr).to.equal('delayer: 2 jobs in a row failed; no more are taken\n');
        expect(await ground.states('d', 'e', 'f', 'g')).to.deep.equal([
          'delayed',
          'delayed',
          'ready',
          'ready',
        ]);
      },
    );

    for (const [verb, call, code, state] of [
      ['acknowledges its job', 'ack([lease])', 0, undefined],
      [
        'nacks its job',
        "nack([lease], { delayMs: 3600000, reason: 'not yet' })",
        NOT_DONE,
        { state: 'delayed', attempts: 1 },
      ],
      [
        'makes its job a dead letter',
        'nack([lease], { dead: true })',
        NOT_DONE,
        { state: 'dead', attempts: 1 },
      ],
    ] as const) {
      it(`when a handler ${verb} itself, its exit code is ignored, and drain exits with ${code}`, async () => {
        await ground.push('a');
        settleWith(`await queue.${call};`);
        // 127 of the first handler ends drain, if it decides anything.
        const outcome = await exec(`${process.execPath} settle.mjs; exit 127`);
        expect([outcome.code, outcome.stderr]).to.deep.equal([code, '']);
        const found = await ground.find('a');
        if (state === undefined) expect(found).to.equal(undefined);
        else expect(found).to.include(state);
      });
    }

    it('when a handler releases its job and it is done in the same run, drain exits with 0', async () => {
      await ground.push('a');
      settleWith('await queue.release([lease]);');
      const outcome = await exec(`[ -e tried ] || { touch tried; ${process.execPath} settle.mjs; exit 1; }`);
      expect([outcome.code, outcome.stderr]).to.deep.equal([0, '']);
    });

    function settleWith(call: string): void {
      const library = new URL('../../dist/index.mjs', import.meta.url).pathname;
      const script = `import { openQueue } from ${JSON.stringify(library)};
        const queue = await openQueue(process.env.DELAYER_STORE, { prefix: process.env.DELAYER_PREFIX });
        const lease = process.env.DELAYER_LEASE;
        ${call}
        await queue.close();`;
      writeFileSync(ground.path('settle.mjs'), script);
    }

    it('--rate does not make drain wait for the next start when no job is left', async () => {
      await ground.push('a', 'b');
      expectQuiet(await exec('true', '--rate', '2/h'));
      expect(await ground.states('a', 'b')).to.deep.equal([undefined, undefined]);
    });

    it('delayer in a handler uses the store of its drain', async () => {
      await ground.push('a');
      // In another folder, and with another default store.
      expectQuiet(await exec('cd / && delayer push other "next of $DELAYER_ID" --id b'));
      expect((await (await cli.queue()).pop('other'))?.body.toString()).to.equal('next of a');
    });

    it('--lock lets one drain work at a time, and another one exits with 0 without a job', async () => {
      await ground.push('a', 'b');
      const first = cli.start([
        'drain',
        TOPIC,
        '--lock',
        '--exec',
        'echo $$ > $DELAYER_ID; until [ -e go ]; do sleep 0.02; done',
      ]);
      await ground.line('a');
      expect(expectQuiet(await exec('touch second', '--lock')).stdout.toString()).to.equal('');
      const window = ['--lock', '--loop', '--step', '100ms', '--for', '1s'];
      expectQuiet(await exec('touch second', ...window));
      writeFileSync(ground.path('go'), '');
      expectQuiet(await first.ended);
      expect(readdirSync(cli.home)).to.not.include('second');
      // The lock is free after the end of the first.
      await ground.push('c');
      expectQuiet(await exec('true', '--lock'));
      expect(await ground.states('c')).to.deep.equal([undefined]);
    });

    it('--loop starts no handler after its window, and running handlers finish', async () => {
      await ground.push('a', 'b');
      const loop = ['--loop', '--step', '100ms', '--for', '1s'];
      expectQuiet(await exec('sleep 2; echo done >> ended', ...loop));
      expect(ground.read('ended')).to.equal('done\n');
      expect(await ground.states('a', 'b')).to.deep.equal([undefined, 'ready']);
    });

    it('--follow handles jobs as they are pushed, until a signal', async () => {
      const follow = cli.start(['drain', TOPIC, '--follow', '--exec', 'echo $DELAYER_ID']);
      await ground.push('a');
      await follow.printed(1);
      await ground.push('b');
      expect(await follow.printed(2)).to.deep.equal(['a', 'b']);
      expect(await follow.end()).to.include({ code: null, signal: 'SIGTERM', stderr: '' });
    });

    it('a full disk behind stdout ends drain with 74; handled jobs are done, and the others stay in the queue', async () => {
      await ground.push('a', 'b', 'c');
      const full = openSync('/dev/full', 'w');
      const outcome = await cli.run(['drain', TOPIC, '--exec', 'echo x; sleep 0.2'], { stdout: full });
      closeSync(full);
      expect(outcome.code).to.equal(74);
      expect(outcome.stderr).to.match(/^delayer: cannot write to stdout: ENOSPC[^\n]*\n$/);
      const states = await ground.states('a', 'b', 'c');
      expect(states[0]).to.equal(undefined);
      expect(states[2]).to.equal('ready');
    });

    itOnce(
      'a job log on a full disk or in a missing folder ends drain with 74, and no job is lost',
      async () => {
        await ground.push('a', 'b', 'c');
        const none = await exec('touch ran', '--joblog', 'none/log');
        expect(none.code).to.equal(74);
        expect(none.stderr).to.match(/^delayer: cannot write to none\/log: ENOENT[^\n]*\n$/);
        expect(readdirSync(cli.home)).to.not.include('ran');
        const full = await exec('sleep 0.2', '--joblog', '/dev/full');
        expect(full.code).to.equal(74);
        expect(full.stderr).to.match(/^delayer: cannot write to \/dev\/full: ENOSPC[^\n]*\n$/);
        expect((await ground.states('c'))[0]).to.equal('ready');
      },
    );
  });
});

describe('the environment of a handler', () => {
  const cli = useCli((home) => ({ DELAYER_STORE: `sqlite:${home}/queue.db` }));
  const ground = new Ground(cli);

  it('names that contain NUL or are not UTF-8 are given in base64, and those above 32 KiB are left out', async () => {
    const queue = await cli.queue();
    const id = Buffer.from([0xff, 0x41, 0x00]);
    const topic = Buffer.from('a\0b');
    await queue.push({ id, topic, body: 'b' });
    await queue.push({ id: 'x'.repeat(40_000), topic, body: 'b' });
    const command = 'echo "[$DELAYER_ID] $DELAYER_ID_BASE64 [$DELAYER_TOPIC] $DELAYER_TOPIC_BASE64"';
    const outcome = await cli.run(['drain', '--base64', topic.toString('base64'), '--exec', command]);
    const topicBase64 = topic.toString('base64');
    expect(linesOf(expectQuiet(outcome))).to.deep.equal([
      `[] ${id.toString('base64')} [] ${topicBase64}`,
      `[]  [] ${topicBase64}`,
    ]);
  });

  it('a handler gets the due time, the lease and the key, and no variables of an outer handler', async () => {
    await ground.push('a');
    const env = { DELAYER_ID_BASE64: 'outer', DELAYER_LEASE_BASE64: 'outer' };
    const outcome = await cli.run(['drain', TOPIC, '--exec', 'env | grep ^DELAYER_ | sort'], { env });
    const names = linesOf(expectQuiet(outcome)).map((line) => line.split('=')[0]);
    expect(names).to.deep.equal(
      ['ATTEMPT', 'DUE_AT', 'ID', 'KEY', 'LEASE', 'PREFIX', 'STORE', 'TOPIC'].map(
        (name) => `DELAYER_${name}`,
      ),
    );
  });

  it('a delayer in a handler uses the store of its drain, whatever the name of the folder', async () => {
    const folder = ground.path('n?m, ~ a:b');
    mkdirSync(folder);
    const env = { DELAYER_STORE: 'sqlite:queue.db' };
    expectQuiet(await cli.run(['push', TOPIC, 'body', '--id', 'a'], { env, cwd: folder }));
    const args = ['drain', TOPIC, '--exec', 'delayer push other "$DELAYER_STORE"'];
    expectQuiet(await cli.run(args, { env, cwd: folder }));
    const popped = expectQuiet(await cli.run(['pop', 'other'], { env, cwd: folder }));
    expect(popped.stdout.toString()).to.contain(`sqlite:${folder}/queue.db`);
  });

  it('a handler gets no password of the store, and the absolute paths of its files', async () => {
    await ground.push('a');
    writeFileSync(ground.path('password'), 'secret');
    writeFileSync(ground.path('config.json'), '{}');
    const env = {
      DELAYER_CONFIG: 'config.json',
      DELAYER_STORE: 'sqlite:queue.db',
      DELAYER_REDIS_PASSWORD: 'secret',
      DELAYER_REDIS_PASSWORD_FILE: 'password',
      DB_PASSWORD: 'mine',
    };
    const outcome = await cli.run(['drain', TOPIC, '--exec', 'env'], { env });
    const lines = linesOf(expectQuiet(outcome));
    expect(lines).to.include(`DELAYER_STORE=sqlite:${ground.path('queue.db')}`);
    expect(lines).to.include(`DELAYER_CONFIG=${ground.path('config.json')}`);
    expect(lines).to.include(`DELAYER_REDIS_PASSWORD_FILE=${ground.path('password')}`);
    expect(lines).to.include('DB_PASSWORD=mine');
    expect(lines.join('\n')).to.not.match(/secret/);
  });
});

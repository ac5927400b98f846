import { expect } from 'chai';
import { fileURLToPath } from 'node:url';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expectQuiet, forEachStore, linesOf, useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { Ground, isAlive, isGone, pendingSignals, TOPIC } from './handlers.js';

/** A handler that reads its body, writes its process id and that of a child to files, and runs until the file `go` exists. */
const UNTIL_GO =
  'cat > /dev/null; sleep 1000 & echo $! > child; echo $$ > handler; until [ -e go ]; do sleep 0.02; done; kill $(cat child)';
/** The same, but SIGTERM does not end it. */
const STUBBORN = `trap "echo told > told" TERM; ${UNTIL_GO}`;

describe('signals to drain --exec', function () {
  this.timeout(60_000);
  forEachStore((cli, itOnce) => {
    const ground = new Ground(cli);
    const start = (command: string, ...flags: string[]) =>
      cli.start(['drain', TOPIC, ...flags, '--exec', command]);

    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      it(`at the first ${signal} the running handler finishes, and no more jobs are taken`, async () => {
        await ground.push('a', 'b');
        const drain = start(UNTIL_GO);
        await ground.line('handler');
        drain.child.kill(signal);
        await eventually(() => pendingSignals(drain.pid) === 0);
        writeFileSync(ground.path('go'), '');
        expect(await drain.ended).to.include({ code: null, signal, stderr: '' });
        expect(await ground.states('a', 'b')).to.deep.equal([undefined, 'ready']);
      });
    }

    it('at a hang-up of the terminal (SIGHUP) the running handler finishes, and no more jobs are taken', async () => {
      await ground.push('a', 'b');
      const handler = `echo $PPID > worker; ${UNTIL_GO}`;
      const terminal = cli.startTerminal(`delayer drain ${TOPIC} --exec '${handler}'`);
      await ground.line('handler');
      const worker = Number(await ground.line('worker'));
      process.kill(worker, 'SIGHUP');
      await eventually(() => pendingSignals(worker) === 0);
      writeFileSync(ground.path('go'), '');
      await terminal.ended;
      expect(await ground.states('a', 'b')).to.deep.equal([undefined, 'ready']);
    });

    it('the second signal ends the process groups of handlers, and their jobs are released without counting an attempt', async () => {
      await ground.push('a', 'b');
      const drain = start(UNTIL_GO);
      const [handler, child] = [await ground.line('handler'), await ground.line('child')];
      drain.child.kill('SIGINT');
      // Signals that are pending together may be merged.
      await eventually(() => pendingSignals(drain.pid) === 0);
      drain.child.kill('SIGTERM');
      expect(await drain.ended).to.include({ code: null, signal: 'SIGTERM', stderr: '' });
      expect([isAlive(handler), isAlive(child)]).to.deep.equal([false, false]);
      expect(await ground.find('a')).to.include({ state: 'ready', attempts: 0 });
      expect(await ground.states('b')).to.deep.equal(['ready']);
    });

    it('the third signal ends drain at once, and the watchdog kills handlers that ignore SIGTERM', async () => {
      await ground.push('a');
      const drain = start(STUBBORN);
      const [handler, child] = [await ground.line('handler'), await ground.line('child')];
      for (const told of [undefined, 'told'] as const) {
        drain.child.kill('SIGTERM');
        await eventually(() => pendingSignals(drain.pid) === 0);
        if (told !== undefined) await ground.line(told);
      }
      drain.child.kill('SIGTERM');
      expect(await drain.ended).to.include({ code: null, signal: 'SIGTERM' });
      await isGone(handler);
      await isGone(child);
      expect(await ground.states('a')).to.deep.equal(['leased']);
    });

    it('with a reader of stdout that has stopped, the second signal ends a handler that prints, and its job is released', async () => {
      await ground.push('a');
      cli.startSh(toStoppedReader('echo $PPID > worker; echo $$ > handler; exec yes'));
      const [worker, handler] = [await ground.line('worker'), await ground.line('handler')];
      await isBlocked(handler);
      process.kill(Number(worker), 'SIGTERM');
      await eventually(() => pendingSignals(Number(worker)) === 0);
      process.kill(Number(worker), 'SIGTERM');
      await isGone(handler);
      await eventually(async () => (await ground.find('a'))?.state === 'ready', { withinMs: 10_000 });
      expect(await ground.find('a')).to.include({ attempts: 0 });
      await isGone(worker);
      writeFileSync(ground.path('read'), '');
      expect(await ground.line('code')).to.equal('143');
    });

    itOnce(
      'with a reader of stdout that has stopped, the second signal does not undo a job whose handler has ended',
      async () => {
        await ground.push('a');
        const handler = 'echo $PPID > worker; yes & echo $! > printing; until [ -e go ]; do sleep 0.02; done';
        cli.startSh(toStoppedReader(`echo $$ > handler; ${handler}`));
        const [worker, ended] = [await ground.line('worker'), await ground.line('handler')];
        await isBlocked(await ground.line('printing'));
        writeFileSync(ground.path('go'), '');
        await isGone(ended);
        // Its output waits for the reader.
        expect(await ground.states('a')).to.deep.equal(['leased']);
        process.kill(Number(worker), 'SIGTERM');
        await eventually(() => pendingSignals(Number(worker)) === 0);
        process.kill(Number(worker), 'SIGTERM');
        await isGone(worker);
        expect(await ground.states('a')).to.deep.equal([undefined]);
      },
    );

    itOnce(
      'with a reader of stdout that has stopped, a handler that prints fails at its --timeout',
      async () => {
        await ground.push('a');
        cli.startSh(toStoppedReader('echo $PPID > worker; exec yes', '--timeout', '1s', '--retries', '0'));
        await ground.line('worker');
        await eventually(async () => (await ground.find('a'))?.state === 'dead', { withinMs: 15_000 });
        expect(await ground.find('a')).to.include({ reason: 'timed out after 1 s' });
      },
    );

    it('when drain is killed by SIGKILL, its handlers and their children are killed too', async () => {
      await ground.push('a');
      const drain = start(STUBBORN);
      const [handler, child] = [await ground.line('handler'), await ground.line('child')];
      drain.child.kill('SIGKILL');
      await isGone(handler);
      await isGone(child);
      expect(await ground.states('a')).to.deep.equal(['leased']);
    });

    it('when the process group of drain is killed, its handlers and their children are killed too', async () => {
      await ground.push('a');
      const drain = start(UNTIL_GO);
      const handler = await ground.line('handler');
      drain.killGroup();
      await isGone(handler);
      await isGone(await ground.line('child'));
    });
  });
});

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('processes of drain --exec', function () {
  this.timeout(60_000);
  const cli = useCli((home) => ({ DELAYER_STORE: `sqlite:${home}/queue.db` }));
  const ground = new Ground(cli);

  it('a handler inherits its own three pipes, and not that of the watchdog', async () => {
    await ground.push('a', 'b');
    // The second handler is started after the watchdog.
    const outcome = await cli.run(['drain', TOPIC, '--exec', 'ls -l /proc/$$/fd | grep -c socket']);
    expect(linesOf(expectQuiet(outcome))).to.deep.equal(['3', '3']);
  });

  it('the watchdog ends with drain, and leaves no zombie', async () => {
    await ground.push('a');
    const command = 'ps -o pid= --ppid $PPID > children; echo done';
    expectQuiet(await cli.run(['drain', TOPIC, '--exec', command]));
    const children = ground
      .read('children')
      .split('\n')
      .map((pid) => pid.trim())
      .filter((pid) => pid !== '');
    // The handler and the watchdog.
    expect(children).to.have.length(2);
    for (const pid of children) expect(readdirSync('/proc')).to.not.include(pid);
  });

  it('a process that a handler leaves running goes on, and does not delay drain', async () => {
    await ground.push('a', 'b');
    const outcome = await cli.run([
      'drain',
      TOPIC,
      '--exec',
      'cat > /dev/null; sleep 1000 & echo $! > child.$DELAYER_ID; echo $DELAYER_ID',
    ]);
    expect(linesOf(expectQuiet(outcome))).to.deep.equal(['a', 'b']);
    for (const id of ['a', 'b']) {
      const child = ground.read(`child.${id}`).trim();
      expect(isAlive(child)).to.equal(true);
      process.kill(Number(child), 'SIGKILL');
    }
  });

  it('a handler that daemonises is done when its first process ends, and the daemon survives a kill of drain', async () => {
    await ground.push('a', 'b');
    const command =
      'if [ $DELAYER_ID = a ]; then setsid sh -c "echo \\$\\$ > daemon; exec sleep 1000" & else cat > /dev/null; echo $$ > handler; sleep 1000; fi';
    const drain = cli.start(['drain', TOPIC, '--exec', command]);
    const [daemon, handler] = [await ground.line('daemon'), await ground.line('handler')];
    expect(await ground.states('a')).to.deep.equal([undefined]);
    drain.child.kill('SIGKILL');
    await isGone(handler);
    expect(isAlive(daemon)).to.equal(true);
    process.kill(Number(daemon), 'SIGKILL');
  });

  it('Ctrl-C reaches drain and not its handlers', async () => {
    await ground.push('a');
    const drain = cli.start(['drain', TOPIC, '--exec', UNTIL_GO]);
    const handler = await ground.line('handler');
    // Like Ctrl-C, to the whole process group.
    process.kill(-drain.pid, 'SIGINT');
    await eventually(() => pendingSignals(drain.pid) === 0);
    expect(isAlive(handler)).to.equal(true);
    writeFileSync(ground.path('go'), '');
    expect(await drain.ended).to.include({ code: null, signal: 'SIGINT' });
    expect(await ground.states('a')).to.deep.equal([undefined]);
  });

  it('as process 1 drain runs handlers, ends with 128+n, and leaves no zombies', async () => {
    await ground.push('a', 'b');
    const command =
      'echo $DELAYER_ID; grep -l "^State:.*Z" /proc/[0-9]*/status; if [ $DELAYER_ID = b ]; then kill -TERM 1; fi';
    const outcome = await cli.sh(
      `unshare --pid --fork --mount-proc ${process.execPath} ${new URL('../../bin/run.js', import.meta.url).pathname} drain ${TOPIC} --follow --exec '${command}'; echo $?`,
    );
    expect(linesOf(outcome)).to.deep.equal(['a', 'b', '143']);
  });

  it('drain does not wait for processes that ended and that process 1 does not reap', async () => {
    // The shell ends by TERM together with its child, which then belongs to process 1.
    const code = `
      import { spawn } from 'node:child_process';
      import { once } from 'node:events';
      import { GroupEnd } from '${ROOT}/src/worker/handlers/exec/group.ts';
      const shell = spawn('sh', ['-c', 'sleep 100 & echo begun; wait'], { detached: true });
      await once(shell.stdout, 'data');
      await new GroupEnd(shell.pid, 3_600_000).wait();
      console.log(process.pid);`;
    const node = `${process.execPath} --import=tsx --input-type=module`;
    const outcome = await cli.sh(`cd ${ROOT} && unshare --pid --fork --mount-proc ${node} -e "$CODE"`, {
      env: { CODE: code },
    });
    expect(linesOf(outcome)).to.deep.equal(['1']);
  });
});

/** A drain whose stdout is read when the file `read` exists; its exit code is in the file `code`. */
function toStoppedReader(handler: string, ...flags: readonly string[]): string {
  const drain = ['delayer', 'drain', TOPIC, ...flags, '--exec', `'${handler}'`].join(' ');
  return `{ ${drain}; echo $? > code; } | { until [ -e read ]; do sleep 0.02; done; cat > /dev/null; }`;
}

/** Waits until a process that prints has stopped to do so: it uses no more processor time. */
async function isBlocked(pid: string): Promise<void> {
  const usedTime = () => readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ').slice(13, 15).join(' ');
  let [last, looks] = ['', 0];
  await eventually(() => {
    const used = usedTime();
    looks = used === last ? looks + 1 : 0;
    last = used;
    return looks > 40;
  });
}

import { expect } from 'chai';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { catchesSignals, expectQuiet, linesOf, type Running, useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';

const CTRL_C = '\u0003';

describe('commands in a shell', () => {
  const cli = useCli((home) => ({ DELAYER_STORE: `sqlite:${home}/queue.db` }));

  /** Waits for the process id that a command writes to a file. */
  const pidIn = (file: string): Promise<number> =>
    eventually(() => {
      const text = readFileSync(join(cli.home, file), 'utf8');
      if (!text.endsWith('\n')) throw new Error(`there is no number in ${file} yet`);
      return Number(text);
    });
  /** Installs `delayer-here`, which is delayer with its process id in the file `pid`. */
  const withPid = () => {
    const script = '#!/bin/sh\necho $$ >pid\nexec delayer "$@"\n';
    writeFileSync(join(cli.home, 'bin', 'delayer-here'), script, { mode: 0o755 });
  };
  const isAlive = (pid: number) => {
    try {
      return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
    } catch {
      return false;
    }
  };
  /** The processes that watch the reader for a process of delayer. */
  const watchersOf = (pid: number) =>
    readdirSync('/proc').filter((entry) => {
      try {
        return (
          /^\d+$/.test(entry) && readFileSync(`/proc/${entry}/cmdline`, 'latin1').includes(`--pid=${pid}\0`)
        );
      } catch {
        return false; // It has just ended.
      }
    });

  describe('signals', () => {
    for (const command of ['bpop topic', 'drain topic --follow']) {
      it(`Ctrl-C ends a shell loop around \`delayer ${command}\``, async () => {
        withPid();
        const loop = `bash -c 'for i in 1; do delayer-here ${command}; echo again; done'`;
        const terminal = cli.startTerminal(loop);
        const pid = await pidIn('pid');
        await eventually(() => catchesSignals(pid));
        terminal.child.stdin?.write(CTRL_C);
        const { code, stdout } = await terminal.ended;
        expect(code).to.equal(130);
        expect(stdout.toString()).to.not.include('again');
      });
    }

    it('a command as process 1 of a container exits with 128+n, because its own signal cannot end it', async () => {
      const inContainer = (command: string) =>
        cli.startSh(`exec unshare --map-root-user --pid --fork --kill-child delayer ${command}`);
      const probe = await cli.sh('unshare --map-root-user --pid --fork true');
      expect(probe.code, `user namespaces are needed: ${probe.stderr}`).to.equal(0);
      const child = ({ pid }: Running): Promise<number> =>
        eventually(() => {
          const inside = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
          if (!catchesSignals(inside)) throw new Error('it has not begun');
          return inside;
        });
      const bpop = inContainer('bpop topic');
      process.kill(await child(bpop), 'SIGTERM');
      expect((await bpop.ended).code).to.equal(143);
    });
  });

  describe('a hang-up', () => {
    const follow = 'delayer-here drain topic --follow --output body';
    /** Runs a command in the background of a terminal and closes the terminal; returns the process id. */
    const hangUp = async (command: string): Promise<number> => {
      withPid();
      const terminal = cli.startTerminal(`bash --norc -i`);
      terminal.child.stdin?.write(`${command} &\n`);
      const pid = await pidIn('pid');
      await eventually(() => catchesSignals(pid));
      terminal.child.kill('SIGKILL'); // The master side of the terminal goes with it.
      await terminal.ended;
      return pid;
    };
    const pids: number[] = [];
    afterEach(() => {
      for (const pid of pids.splice(0)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    });

    for (const command of [
      `nohup ${follow}`,
      `nohup sh -c '${follow} | cat >out'`,
      `(trap '' HUP; ${follow} >out)`,
      `${follow} </dev/null >out 2>&1`,
    ]) {
      it(`a hang-up does not end \`${command.replace('-here', '')} &\``, async () => {
        const pid = await hangUp(command);
        pids.push(pid);
        expectQuiet(await cli.run(['push', 'topic', 'after the hang-up']));
        const printed = () =>
          ['nohup.out', 'out'].map((file) => {
            try {
              return readFileSync(join(cli.home, file), 'utf8');
            } catch {
              return '';
            }
          });
        await eventually(() => printed().join('').includes('after the hang-up'));
        expect(isAlive(pid)).to.be.true;
      });
    }

    it('a hang-up ends a command that uses the terminal', async () => {
      const pid = await hangUp(follow);
      pids.push(pid);
      await eventually(() => !isAlive(pid));
    });
  });

  describe('a reader that is gone', () => {
    for (const command of ['drain topic --follow', 'bpop topic']) {
      it(`\`delayer ${command} | reader\` ends while it waits when its reader ends, and leaves no process behind`, async () => {
        withPid();
        const pipeline = cli.startSh(`delayer-here ${command} | true; echo "\${PIPESTATUS[0]}"`);
        expect(linesOf(expectQuiet(await pipeline.endsByItself()))).to.deep.equal(['141']);
        const pid = await pidIn('pid');
        await eventually(() => watchersOf(pid).length === 0);
        // It takes no job any more.
        expectQuiet(await cli.run(['push', 'topic', 'b', '--id', 'a']));
        expect(linesOf(await cli.run(['pop', 'topic', '--output', 'id']))).to.deep.equal(['a']);
      });
    }

    it('a command ends when the reader behind a socket ends, such as a Node program', async () => {
      const follow = cli.start(['drain', 'topic', '--follow']);
      await follow.hearsSignals();
      follow.child.stdout?.destroy();
      expect((await follow.endsByItself()).code).to.equal(141);
    });

    it('the process that watches the reader ends when delayer is killed', async () => {
      withPid();
      const pipeline = cli.startSh('delayer-here drain topic --follow | cat');
      const pid = await pidIn('pid');
      await eventually(() => watchersOf(pid).length === 1);
      process.kill(pid, 'SIGKILL');
      await eventually(() => watchersOf(pid).length === 0);
      await pipeline.ended;
    });

    it('stdout ends when delayer is killed, also before anybody has waited for it', async () => {
      withPid();
      // cat, in the place of the shell that started delayer, never waits for it.
      const reader = cli.startSh('mkfifo out; delayer-here drain topic --follow >out & exec cat out');
      const pid = await pidIn('pid');
      await eventually(() => watchersOf(pid).length === 1);
      process.kill(pid, 'SIGKILL');
      expect(await reader.endsByItself()).to.include({ code: 0 });
    });

    it('a command keeps waiting on a machine without GNU tail', async () => {
      const tail = '#!/bin/sh\necho >"$HOME/tried"; echo "tail: unrecognized option: pid" >&2; exit 1\n';
      writeFileSync(join(cli.home, 'bin', 'tail'), tail, { mode: 0o755 });
      const follow = cli.startSh('delayer drain topic --follow --output body | cat');
      await eventually(() => existsSync(join(cli.home, 'tried')));
      expectQuiet(await cli.run(['push', 'topic', 'body']));
      expect(await follow.printed(1)).to.deep.equal(['body']);
      expect(follow.stderr).to.equal('');
    });
  });
});

import { expect } from 'chai';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CliGround, forEachStore, useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { HOUR_MS, must, only } from '../support/jobs.js';
import { RedisServer } from '../support/redis-server.js';
import { type TmuxTerminal, useTmux } from '../support/tmux.js';

/** The modes of a terminal that a full-screen program changes. */
const MODES = ['alternate_on', 'cursor_flag', 'wrap_flag'];
const AS_IT_WAS = '0 1 1';

/**
 * Starts top in a script that prints its exit code, and whether it has restored the modes of the terminal, which an
 * interactive shell would set itself.
 */
async function start(cli: CliGround, terminal: TmuxTerminal, interval = '200ms'): Promise<void> {
  const lines = [
    'stty -g > modes',
    `sh -c 'echo $$ > pid; exec delayer top --interval ${interval}'`,
    'echo "code $?"',
    'stty -g | cmp - modes && echo same modes',
  ];
  writeFileSync(join(cli.home, 'script'), lines.join('\n'));
  await terminal.typeLine('clear; sh script');
  await terminal.shows(/q quit/);
}

const pidOf = ({ home }: CliGround): number => Number(readFileSync(join(home, 'pid'), 'utf8'));

/** Waits until top has ended with this code, and expects the terminal to be restored. */
async function expectGivenBack(terminal: TmuxTerminal, code: number): Promise<void> {
  await terminal.showsNo(/q quit/);
  await terminal.shows(new RegExp(`^code ${code}\nsame modes`, 'm'));
  expect(await terminal.flags(...MODES)).to.equal(AS_IT_WAS);
}

const modesOf = (terminal: TmuxTerminal) => terminal.flags('alternate_on', 'cursor_flag');

describe('delayer top', () => {
  forEachStore((cli) => {
    const terminal = useTmux(() => ({ ...cli.env }));

    it('top shows topics, jobs and a job in 80 × 24, and promotes, removes and pauses after a question', async () => {
      const queue = await cli.queue();
      for (const id of ['o1', 'o2', 'o3'])
        await queue.push({ id, topic: 'close_order', body: `{"of":"${id}"}`, delayMs: HOUR_MS });
      await queue.push({ id: 'm1', topic: 'send_mail', body: 'b', delayMs: HOUR_MS });
      await start(cli, terminal);
      expect(await modesOf(terminal)).to.equal('1 0');
      const lines = await terminal.shows(/^> close_order .*\b3\b/m);
      expect(lines).to.have.length(24);
      expect(lines.join('\n'))
        .to.include('4 delayed')
        .and.to.match(/every 200 ms/);

      await terminal.press('/', 'm', 'a', 'i', 'l');
      await terminal.showsNo(/close_order/);
      await terminal.press('Enter', 'Escape');
      await terminal.shows(/close_order/);

      await terminal.press('g', 'Enter');
      await terminal.shows(/^> o1 +delayed/m);
      await terminal.press('j', 'Enter');
      await terminal.shows(/It is not due yet: it will be ready in/);
      await terminal.press('p');
      await terminal.shows(/promote the job "o2" of close_order to ready now\? \[y\/N\]/);
      expect((await queue.find('o2')).map(({ state }) => state)).to.deep.equal(['delayed']);
      await terminal.press('y');
      await terminal.shows(/promoted "o2"/);
      expect(only(await queue.find('o2')).state).to.equal('ready');
      await terminal.press('Escape');
      await terminal.shows(/^> o2 +ready/m);

      await terminal.press('r');
      await terminal.shows(/remove the ready job "o2" of close_order\? \[y\/N\]/);
      await terminal.press('n');
      await terminal.shows(/nothing was done/);
      expect(await queue.find('o2')).to.have.length(1);
      await terminal.press('x', 'y');
      await terminal.shows(/removed "o2"; it is kept in/);
      expect(await queue.find('o2')).to.deep.equal([]);

      await terminal.press('P');
      await terminal.shows(/pause close_order until it is resumed\? \[y\/N\]/);
      await terminal.press('y');
      await terminal.shows(/paused close_order/);
      expect(must((await queue.stats()).topics[0]).pausedUntilMs).to.equal(Infinity);
      await terminal.press('Escape');
      await terminal.shows(/^> \|\| close_order/m);
      await terminal.press('P', 'y');
      await terminal.shows(/resumed close_order/);
      expect(must((await queue.stats()).topics[0]).pausedUntilMs).to.equal(undefined);

      await terminal.press('q');
      await expectGivenBack(terminal, 0);
      const kept = /the removed jobs are in (\S+?);/.exec((await terminal.lines()).join(''));
      expect((await cli.run(['import', must(kept?.[1])])).code).to.equal(0);
      expect(only(await queue.find('o2')).body?.toString()).to.equal('{"of":"o2"}');
    });

    it('top does not act on a job that has changed since the question', async () => {
      const queue = await cli.queue();
      await queue.push({ id: 'o1', topic: 'close_order', body: 'b', delayMs: HOUR_MS });
      await start(cli, terminal, '1h');
      await terminal.press('Enter');
      await terminal.shows(/^> o1 +delayed/m);
      await terminal.press('r');
      await terminal.shows(/remove the delayed job "o1"/);
      await queue.reschedule([{ id: 'o1', delayMs: 2 * HOUR_MS }]);
      await terminal.press('y');
      await terminal.shows(/left alone: "o1" has changed meanwhile/);
      expect(await queue.find('o1')).to.have.length(1);
    });
  });

  describe('on a terminal', () => {
    const cli = useCli((home) => ({ DELAYER_STORE: `sqlite:${home}/queue.db` }));
    const terminal = useTmux(() => ({ ...cli.env }));
    beforeEach(async () => {
      const queue = await cli.queue();
      await queue.push({ id: '注文', topic: '日本語のキュー', body: 'こんにちは😀', delayMs: HOUR_MS });
      await queue.push({ id: 'm1', topic: 'mail', body: 'b', delayMs: HOUR_MS });
    });

    it('restores the terminal and dies by the signal at SIGTERM, SIGHUP, SIGINT and SIGQUIT', async () => {
      for (const [signal, code] of [
        ['SIGTERM', 143],
        ['SIGHUP', 129],
        ['SIGINT', 130],
        ['SIGQUIT', 131],
      ] as const) {
        await start(cli, terminal);
        process.kill(pidOf(cli), signal);
        await expectGivenBack(terminal, code);
      }
    });

    it('restores the terminal after Ctrl-C, which also ends the shell script around it', async () => {
      await terminal.typeLine('sh -c "delayer top; echo not reached"; echo not reached');
      await terminal.shows(/q quit/);
      await terminal.press('C-c');
      await terminal.showsNo(/q quit/);
      await terminal.typeLine('echo "code $?"');
      const lines = await terminal.shows(/code 130/);
      expect(lines.filter((line) => line === 'not reached')).to.deep.equal([]);
      expect(await terminal.flags(...MODES)).to.equal(AS_IT_WAS);
    });

    it('restores the terminal while it is stopped by Ctrl-Z, and goes on after fg', async () => {
      await start(cli, terminal);
      await terminal.press('j', 'C-z');
      await terminal.shows(/Stopped/);
      expect(await terminal.flags(...MODES)).to.equal(AS_IT_WAS);
      await terminal.typeLine('fg');
      await terminal.shows(/^> 日本語のキュー/m);
      expect(await modesOf(terminal)).to.equal('1 0');
      process.kill(pidOf(cli), 'SIGTERM');
      await terminal.showsNo(/q quit/);
      expect(await terminal.flags(...MODES)).to.equal(AS_IT_WAS);
    });

    it('restores the terminal when the program fails, and prints the error', async () => {
      // Nothing in the program fails on demand, so a module that is loaded before it throws after a while.
      const throwing = 'setTimeout(() => { throw new Error("planted") }, 1500)';
      await terminal.typeLine(
        `clear; NODE_OPTIONS='--import data:text/javascript,${encodeURIComponent(throwing)}' delayer top; echo "code $?"`,
      );
      await terminal.shows(/q quit/);
      const lines = await terminal.shows(/code \d+/);
      expect(lines.join('\n')).to.include('planted');
      expect(await terminal.flags(...MODES)).to.equal(AS_IT_WAS);
    });

    it('redraws the screen when it is resized, with wide characters aligned', async () => {
      await start(cli, terminal);
      for (const [columns, rows] of [
        [40, 10],
        [120, 30],
        [60, 20],
        [15, 4],
        [80, 24],
      ] as const) {
        await terminal.resize(columns, rows);
        const isDrawn = async () => {
          const lines = await terminal.lines();
          const shown = lines.filter((line) => line.includes('mail') || line.includes('日'));
          // The line at the bottom, or at the top of a low screen, shows that it was drawn for this size.
          const isOfSize =
            rows < 8 ? lines[0]?.startsWith('  topic') : lines.at(-1)?.startsWith('Enter open');
          return lines.length === rows && shown.length === 2 && isOfSize;
        };
        await eventually(isDrawn, { everyMs: 30 });
      }
      await terminal.press('j', 'Enter');
      await terminal.shows(/^> 注文 +delayed +in \S+ +0 +こんにちは😀$/m);
    });
  });

  describe('on a store that goes away', () => {
    let server: RedisServer;
    before(async () => {
      server = await RedisServer.start();
    });
    after(() => server.stop());
    const cli = useCli(() => ({ DELAYER_STORE: server.url }));
    const terminal = useTmux(() => ({ ...cli.env }));

    it('reports that the store does not answer, and goes on when it is back', async () => {
      const queue = await cli.queue();
      await queue.push({ topic: 'orders', body: 'b', delayMs: HOUR_MS });
      await start(cli, terminal);
      await terminal.shows(/^> orders/m);
      await server.kill();
      await terminal.shows(/the store does not answer, retrying/);
      const lines = await terminal.shows(/no answer, as of/);
      expect(lines.join('\n')).to.match(/^> orders/m);
      await server.restart();
      await terminal.shows(/the store answers again/);
      await terminal.showsNo(/no answer, as of/);
      await terminal.press('q');
      await expectGivenBack(terminal, 0);
    });
  });

  describe('where it cannot run', () => {
    const cli = useCli((home) => ({ DELAYER_STORE: `sqlite:${home}/queue.db` }));

    it('exits with 2 without a terminal, and names inspect instead', async () => {
      for (const outcome of [
        await cli.run(['top']),
        await cli.sh('delayer top </dev/null'),
        await cli.sh(`script -qec 'delayer top | cat; exit \${PIPESTATUS[0]}' /dev/null`, {
          env: { SHELL: '/bin/bash' },
        }),
        await cli.sh(`script -qec 'TERM=dumb delayer top' /dev/null`, { env: { SHELL: '/bin/bash' } }),
      ]) {
        const told = outcome.stderr + outcome.stdout.toString();
        expect(told.trim().split('\n')).to.have.length(1);
        expect(told).to.include('delayer inspect');
        expect(outcome.code).to.equal(2);
      }
    });

    it('exits with 2 for an invalid interval, and with 69 for a missing store', async () => {
      for (const interval of ['0', 'often', '1ms', '-1s', '30d']) {
        const outcome = await cli.run(['top', '--interval', interval]);
        expect([outcome.code, outcome.stderr.includes('--interval')], interval).to.deep.equal([2, true]);
      }
      const shown = await cli.terminal('delayer top; echo "code $?"');
      expect(shown).to.include('code 69').and.to.not.include('\x1b[?1049h');
    });
  });
});

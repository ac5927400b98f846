import { expect } from 'chai';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';
import { HOUR_MS } from '../support/jobs.js';
import { expectQuiet, forEachStore, linesOf } from '../support/cli.js';

describe('stdin', () => {
  forEachStore((cli, itOnce) => {
    for (const [command, line] of [
      [['push', '--batch', '-'], '{"topic":"topic","body":"b"}\n'],
      [['push', '--batch'], '{"topic":"topic","body":"b"}\n'],
      [['remove', '-'], 'a\n'],
      [['promote', '-'], 'a\n'],
      [['inspect', '--id', '-'], 'a\n'],
      [['ack', '-', '--json'], `${'0'.repeat(32)}-00000001.1.1.1\n`],
    ] as const) {
      it(`\`delayer ${command.join(' ')}\` ends at an error while stdin is open and silent`, async () => {
        expectQuiet(await cli.run(['push', 'topic', 'b', '--id', 'a', '--delay', '1h']));
        const full = openSync('/dev/full', 'w');
        const started = cli.start(command, { stdout: full });
        closeSync(full);
        started.child.stdin?.write(line);
        expect((await started.endsByItself()).code).to.equal(74);
      });
    }

    itOnce(
      'a shell loop pushes any line with --body or after --, and reads its stdin undisturbed',
      async () => {
        const lines = ['first', '-', '--', '--help', '--json', '--id=x', '-1', '  blanks  ', 'last'];
        writeFileSync(join(cli.home, 'lines'), lines.map((line) => `${line}\n`).join(''));
        for (const push of ['push topic --body "$x"', 'push topic --body="$x"', 'push topic -- "$x"']) {
          const loop = `while IFS= read -r x; do delayer ${push} >/dev/null; done <lines`;
          expectQuiet(await cli.sh(loop));
          const bodies = linesOf(await cli.run(['drain', 'topic', '--output', 'body']));
          expect(bodies, push).to.deep.equal(lines);
        }
      },
    );

    itOnce('every command that reads stdin from a terminal prints a hint about Ctrl-D', async () => {
      const commands = [
        ...['push topic -', 'push --batch', 'push --batch -', 'edit 1 -', 'import', 'import -'],
        ...['remove -', 'promote -', 'reschedule - --delay 1h', 'requeue -', 'inspect --id -', 'export -'],
        ...['ack -', 'nack -', 'release -', 'extend - --lease 60s'],
      ];
      const loop = commands.map((words) => `delayer ${words}`).join('; ');
      await (await cli.queue()).push({ topic: 'topic', id: '1', body: 'b', delayMs: HOUR_MS });
      const started = cli.startTerminal(`${loop}; echo the end`);
      const told = () =>
        started.stdout.toString().split('reading from the terminal; Ctrl-D ends it').length - 1;
      for (const [i, words] of commands.entries()) {
        await eventually(() => told() > i, { withinMs: 30_000 }).catch(() => {
          throw new Error(`delayer ${words} does not tell: ${started.stdout.toString()}`);
        });
        started.child.stdin?.write('\x04');
      }
      await started.printsText(/^the end/m, 30_000);
      expect(told()).to.equal(commands.length);
    });

    itOnce('remove -- - removes the job with the id -, and does not read stdin', async () => {
      expectQuiet(await cli.run(['push', 'topic', 'b', '--id', '-', '--delay', '1h']));
      const { code, stdout } = await cli.start(['remove', '--', '-']).endsByItself();
      expect([code, stdout.toString()]).to.deep.equal([0, '-\n']);
    });
  });
});

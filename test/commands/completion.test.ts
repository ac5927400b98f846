import { expect } from 'chai';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BaseCommand } from '../../src/cli/base-command.js';
import { COMMANDS } from '../../src/commands/index.js';
import { type Env, expectQuiet, linesOf, useCli } from '../support/cli.js';
import { useTmux } from '../support/tmux.js';

/** Each shell, and how it runs the script that tells what it offers. */
const SHELLS = { bash: 'bash', zsh: 'zsh -f', fish: 'fish' };

const COMMAND_NAMES = [...Object.keys(COMMANDS), 'help'];

/** Command lines at whose end TAB is pressed, and what is offered, in any order. */
const OFFERS: Readonly<Record<string, readonly string[]>> = {
  // Commands.
  'delayer ': COMMAND_NAMES,
  'delayer pu': ['purge', 'push'],
  'delayer --store redis://localhost:6379 ins': ['inspect'],
  'delayer --store=redis://localhost ins': ['inspect'],
  'delayer --json --prefix p ins': ['inspect'],
  'delayer help ins': ['inspect'],
  'delayer nothing ': [],
  // Flags.
  'delayer --ver': ['--verbose', '--version'],
  'delayer push --ver': ['--verbose'],
  'delayer push orders --ret': ['--retries'],
  'delayer push orders --retries 3 --ret': [],
  'delayer push orders --retries=3 --ret': [],
  'delayer --json push --js': [],
  'delayer inspect --topic a --to': ['--topic'],
  'delayer push --delay 30m --at': [],
  'delayer push --at 12:00 --del': [],
  'delayer serve -c delayer.conf --conf': [],
  'delayer push -- --ret': [],
  // Fixed values.
  'delayer pop q --output ': ['json', 'body', 'id', 'lease'],
  'delayer pop q --output=l': ['lease'],
  'delayer drain q --output ': ['json', 'body', 'id'],
  'delayer inspect --state d': ['delayed', 'due', 'dead'],
  'delayer inspect --state delayed,d': ['due', 'dead'],
  'delayer inspect --state=delayed,d': ['due', 'dead'],
  'delayer completion ': ['bash', 'zsh', 'fish'],
  'delayer completion bash ': [],
  'delayer config ': ['show', 'set', 'use', 'remove'],
  // Contexts.
  'delayer --context ': ['live', 'test'],
  'delayer push q --context=l': ['live'],
  'delayer config use t': ['test'],
  // Files and folders.
  'delayer push q --file jo': ['jobs.ndjson', 'joblogs'],
  'delayer push q --file=jobs': ['jobs.ndjson'],
  'delayer drain q --joblog jobs': ['jobs.ndjson'],
  'delayer drain q --output-dir jo': ['joblogs'],
  'delayer serve -c jobs': ['jobs.ndjson'],
  'delayer -c jobs': ['jobs.ndjson'],
  'delayer -c delayer.conf -d --pid-file jobs': ['jobs.ndjson'],
  'delayer import jobs': ['jobs.ndjson'],
  'delayer push --batch jobs': ['jobs.ndjson'],
  'delayer push jobs': [],
  // Any text.
  'delayer push q --id ': [],
  'delayer push q --body ': [],
  'delayer inspect --id=': [],
  'delayer pop jo': [],
  // The handler of drain.
  'delayer drain q -- delay': ['delayer'],
  'delayer drain q -- cat jobs': ['jobs.ndjson'],
};

describe('completion', () => {
  const cli = useCli();

  const scriptFor = async (shell: string): Promise<string> => {
    const path = join(cli.home, `completion.${shell}`);
    writeFileSync(path, expectQuiet(await cli.run(['completion', shell])).stdout);
    return path;
  };

  /** What a shell offers for each of these command lines, in a folder with a few files, with two contexts. */
  const offersOf = async (shell: keyof typeof SHELLS, lines: readonly string[], env: Env = {}) => {
    const folder = join(cli.home, 'work');
    mkdirSync(join(folder, 'joblogs'), { recursive: true });
    writeFileSync(join(folder, 'jobs.ndjson'), '');
    mkdirSync(join(cli.home, 'config', 'delayer'), { recursive: true });
    writeFileSync(
      join(cli.home, 'config', 'delayer', 'config.json'),
      JSON.stringify({ contexts: { live: { store: 'redis://live' }, test: { store: 'redis://test' } } }),
    );
    const teller = fileURLToPath(new URL(`../support/shells/offers.${shell}`, import.meta.url));
    const script = await scriptFor(shell);
    const words = [teller, script, ...lines].map((word) => `'${word}'`).join(' ');
    const told = expectQuiet(
      await cli.sh(`${SHELLS[shell]} ${words}`, { cwd: folder, env }),
    ).stdout.toString();
    const offers = told.split(/^--\n/m).slice(0, -1);
    return lines.map((line, i) => ({ line, offered: toWords(offers[i] ?? '') }));
  };

  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    describe(`in ${shell}`, () => {
      it('offers what may stand at the end of the command line', async () => {
        const expected = Object.entries(OFFERS).map(([line, offered]) => ({
          line,
          offered: [...offered].sort(),
        }));
        expect(await offersOf(shell, Object.keys(OFFERS))).to.deep.equal(expected);
      });

      it('offers every flag of every command', async () => {
        const all = Object.entries(COMMANDS).map(async ([name, load]) => {
          const { default: command } = await load();
          const flags = Object.entries({ ...BaseCommand.baseFlags, ...command.flags });
          const names = flags.flatMap(([flag, { char }]) => [`--${flag}`, ...(char ? [`-${char}`] : [])]);
          return { line: `delayer ${name} -`, offered: [...names, '--help', '-h'].sort() };
        });
        const expected = await Promise.all(all);
        expect(
          await offersOf(
            shell,
            expected.map(({ line }) => line),
          ),
        ).to.deep.equal(expected);
      });
    });
  }

  it('in bash also completes where words are split at blanks only', async () => {
    const script = await scriptFor('bash');
    const teller = fileURLToPath(new URL('../support/shells/offers.bash', import.meta.url));
    const run = `COMP_WORDBREAKS=' '; set -- '${script}' 'delayer --store=redis://a pop q --output=l'; . '${teller}'`;
    expect(linesOf(expectQuiet(await cli.sh(run)))).to.deep.equal(['--output=lease', '--']);
  });

  it('in fish shows what commands and flags do', async () => {
    const script = await scriptFor('fish');
    const run = `fish -c 'source ${script}; complete -C "delayer pus"; complete -C "delayer pause --fo"'`;
    const { default: push } = await COMMANDS.push();
    const { default: pause } = await COMMANDS.pause();
    expect(linesOf(expectQuiet(await cli.sh(run)))).to.deep.equal([
      `push\t${push.summary}`,
      `--for\t${pause.flags.for.description ?? ''}`,
    ]);
  });

  it('needs the name of a shell that it knows', async () => {
    const { code, stderr } = await cli.run(['completion'], { env: { SHELL: '/bin/bash' } });
    expect({ code, stderr }).to.deep.equal({
      code: 2,
      stderr: 'delayer: SHELL is missing. Usage: delayer completion bash|zsh|fish\n',
    });
    const unknown = await cli.run(['completion', 'tcsh']);
    expect(unknown).to.include({
      code: 2,
      stderr: 'delayer: unknown shell "tcsh". The shells are bash, zsh, fish.\n',
    });
  });

  describe('on a terminal', () => {
    const terminal = useTmux(() => cli.env, { columns: 100, rows: 30 });

    it('in bash completes blanks in paths and quotes, redirections, and words in the middle of a line', async () => {
      writeFileSync(join(cli.home, 'some jobs.ndjson'), '');
      await terminal.typeLine('PS1="> "; source <(delayer completion bash); clear');
      await terminal.shows(/^> *$/m);
      await terminal.press('delayer imp', 'Tab', 'some', 'Tab');
      await terminal.shows(/^> delayer import some\\ jobs\.ndjson/m);
      await terminal.press('C-u', 'delayer push q --file=some', 'Tab', '--repl', 'Tab');
      await terminal.shows(/^> delayer push q --file=some\\ jobs\.ndjson --replace/m);
      await terminal.press('C-u', `delayer inspect --where "a = 'b'" --sor`, 'Tab', 'due');
      await terminal.shows(/^> delayer inspect --where "a = 'b'" --sort due/m);
      await terminal.press('C-u', 'delayer import < some', 'Tab');
      await terminal.shows(/^> delayer import < some\\ jobs\.ndjson/m);
      await terminal.press('C-u', 'delayer --store redis://localhost ins', 'Tab', '--state=dela', 'Tab');
      await terminal.shows(/^> delayer --store redis:\/\/localhost inspect --state=delayed/m);
      await terminal.press('C-u', 'delayer pus --at 12:00', 'C-a', ...Array<string>(11).fill('C-f'), 'Tab');
      await terminal.shows(/^> delayer push +--at 12:00/m);
    });

    it('in fish completes by a file in its folder', async () => {
      await terminal.typeLine('mkdir -p config/fish/completions');
      await terminal.typeLine('delayer completion fish > config/fish/completions/delayer.fish');
      await terminal.typeLine('exec fish -C \'function fish_prompt; echo "> "; end; clear\'');
      await terminal.shows(/^> *$/m);
      await terminal.press('delayer pus', 'Tab', '--repl', 'Tab', '--file=bi', 'Tab', 'del', 'Tab');
      await terminal.shows(/^> delayer push --replace --file=bin\/delayer/m);
    });

    it('in zsh shows what commands do, by a file in fpath', async () => {
      await terminal.typeLine('mkdir functions; delayer completion zsh > functions/_delayer');
      await terminal.typeLine('exec zsh -f');
      await terminal.typeLine(
        "PS1='> '; fpath=($PWD/functions $fpath); autoload -Uz compinit; compinit -u; clear",
      );
      await terminal.shows(/^> *$/m);
      await terminal.press('delayer pu', 'Tab');
      await terminal.shows(/^push +-- Add a job/m);
    });
  });
});

/** The words, in order, without the parts of a word that stand before its last = or comma. */
function toWords(told: string): string[] {
  const words = told
    .split('\n')
    .slice(0, -1)
    .map((line) =>
      line
        .replace(/\t.*/, '')
        .replace(/^--[^=]*=/, '')
        .replace(/^.*,/, '')
        .replace(/\/$/, ''),
    );
  return [...new Set(words)].sort();
}

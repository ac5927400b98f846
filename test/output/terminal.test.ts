import { expect } from 'chai';
import { expectQuiet, linesOf, useCli } from '../support/cli.js';

/** An escape sequence for a colour. */
const COLOUR = /\u001b\[\d+m/g;
/** Control characters, which move the cursor, ring or colour; newlines aside. */
const RAW = /[\u0000-\u0009\u000b-\u000c\u000e-\u001f\u007f-\u009f]/;

const ESC = '\u001b';
const EVIL = [
  `${ESC}[2J${ESC}]0;title\u0007`,
  'bell\u0007 and back\b\b\b',
  'line\r\nfeed',
  'C1 \u009b31m CSI',
  `${ESC}]52;c;cm0gLXJm\u0007`,
] as const;

describe('output on a terminal', () => {
  const cli = useCli((home) => ({ DELAYER_STORE: `sqlite:${home}/queue.db` }));
  const fill = async () => {
    const queue = await cli.queue();
    await queue.pushMany(
      EVIL.map((text, i) => ({ id: `${i}${text}`, topic: 'topic', body: `${text}${text}`, delayMs: 0 })),
    );
    await queue.push({ topic: `topic ${EVIL.join('')}`, body: 'b', delayMs: 3_600_000 });
  };
  const withoutColour = (text: string) => text.replaceAll(COLOUR, '');

  for (const command of [
    'delayer inspect',
    'delayer inspect topic',
    'delayer inspect topic --json',
    'delayer drain topic',
    'delayer drain topic --output id',
    'delayer drain topic --output body',
    'delayer pop topic --count 9',
  ]) {
    it(`control characters of a job are escaped on a terminal: ${command}`, async () => {
      await fill();
      const shown = await cli.terminal(command);
      expect(withoutColour(shown).replaceAll('\r\n', '\n')).to.not.match(RAW);
      expect(shown).to.match(/\\x1b|\\u001b/);
    });
  }

  it('a list of jobs uses the width of the terminal and fits into it', async () => {
    const queue = await cli.queue();
    await queue.push({ id: 'a', topic: 'topic', body: 'long '.repeat(100), delayMs: 3_600_000 });
    for (const [columns, least] of [
      [200, 199],
      [130, 129],
    ] as const) {
      const shown = withoutColour(await cli.terminal(`stty cols ${columns}; delayer inspect topic`));
      const widths = shown.split('\r\n').map((line) => line.length);
      expect(Math.max(...widths)).to.be.within(least, columns);
    }
  });

  it('characters that reorder text are escaped on a terminal, in tables and in JSON', async () => {
    const queue = await cli.queue();
    await queue.push({ id: 'right\u202eto left', topic: 'topic', body: 'b' });
    for (const command of ['delayer inspect topic', 'delayer inspect topic --json', 'delayer pop topic']) {
      const shown = await cli.terminal(command);
      expect(shown, command).to.include('\\u202e').and.to.not.include('\u202e');
    }
  });

  it('control characters of an id are escaped in the messages of remove, push and inspect --id', async () => {
    await fill();
    const id = `1${EVIL[0]}`;
    const env = { EVIL_ID: `0${EVIL[0]}`, NO_SUCH: id };
    const commands = [
      'delayer inspect --id "$EVIL_ID"',
      'delayer remove "$EVIL_ID" "$NO_SUCH"',
      'delayer remove --any-state "$EVIL_ID"',
      'delayer push topic b --id "$NO_SUCH"; delayer push topic c --id "$NO_SUCH"; delayer push topic b --id "$NO_SUCH"',
      'delayer push "$NO_SUCH" b --delay "$NO_SUCH"',
      'delayer "$NO_SUCH"',
      'delayer push topic body --"$NO_SUCH"',
    ];
    for (const command of commands) {
      const shown = withoutColour(await cli.terminal(command, { env })).replaceAll('\r\n', '\n');
      expect(shown, command).to.not.match(RAW);
      expect(shown, command).to.not.equal('');
    }
  });

  it('tables have colours on a terminal only, and not with NO_COLOR', async () => {
    await fill();
    expect(await cli.terminal('delayer inspect')).to.match(COLOUR);
    expect(await cli.terminal('delayer inspect', { env: { NO_COLOR: '1' } })).to.not.include(ESC);
    expect((await cli.run(['inspect'])).stdout.toString()).to.not.include(ESC);
    expect((await cli.sh('delayer inspect | cat')).stdout.toString()).to.not.include(ESC);
  });

  for (const [what, flags, env, isColoured] of [
    ['--color never', '--color never', { CLICOLOR_FORCE: '1' }, false],
    ['CLICOLOR=0', '', { CLICOLOR: '0' }, false],
    ['TERM=dumb', '', { TERM: 'dumb' }, false],
    ['CLICOLOR=0 and --color always', '--color always', { CLICOLOR: '0' }, true],
    ['NO_COLOR and --color always', '--color always', { NO_COLOR: '1' }, true],
  ] as const) {
    it(`tables have ${isColoured ? '' : 'no '}colours on a terminal with ${what}`, async () => {
      expectQuiet(await cli.run(['push', 'topic', 'b', '--id', 'a']));
      const seen = await cli.terminal(`delayer inspect ${flags}`, { env });
      expect(seen.includes(`${ESC}[1m`)).to.equal(isColoured);
    });
  }

  for (const [what, flags, env, isColoured] of [
    ['--color always', ['--color', 'always'], {}, true],
    ['CLICOLOR_FORCE=1', [], { CLICOLOR_FORCE: '1' }, true],
    ['CLICOLOR_FORCE=0', [], { CLICOLOR_FORCE: '0' }, false],
    ['CLICOLOR_FORCE=1 and NO_COLOR', [], { CLICOLOR_FORCE: '1', NO_COLOR: '1' }, false],
    ['--color auto', ['--color', 'auto'], {}, false],
  ] as const) {
    it(`tables have ${isColoured ? '' : 'no '}colours in a pipe with ${what}`, async () => {
      expectQuiet(await cli.run(['push', 'topic', 'b', '--id', 'a']));
      const { stdout } = expectQuiet(await cli.run(['inspect', ...flags], { env }));
      expect(stdout.includes(`${ESC}[1m`)).to.equal(isColoured);
    });
  }

  it('pop prints the same JSON on a terminal as in a pipe, without colour', async () => {
    const queue = await cli.queue();
    await queue.push({ id: 'a', topic: 'topic', body: `{"a":1} ${EVIL[3]}` });
    const shown = await cli.terminal('delayer pop topic');
    await queue.push({ id: 'a', topic: 'topic', body: `{"a":1} ${EVIL[3]}` });
    const piped = linesOf(await cli.run(['pop', 'topic']));
    const times = /"(dueAt|expiresAt)":"[^"]*"/g;
    expect(shown.replace('\r\n', '').replace(times, '')).to.equal(piped[0]?.replace(times, ''));
  });

  it('push --batch shows its progress on a terminal only', async () => {
    const lines = Array.from({ length: 300 }, () => '{"topic":"topic","body":"b"}\n').join('');
    const quiet = await cli.run(['push', '--batch'], { stdin: lines });
    expect(quiet.stderr).to.equal('');
    const command = `yes '{"topic":"topic","body":"b"}' | head -n 2000 | delayer push --batch >/dev/null`;
    const shown = await cli.terminal(command);
    expect(shown).to.match(/\r\u001b\[K\d+ pushed/);
    expect(shown.trimEnd().split('\n').at(-1)).to.include('delayer: 2000 pushed');
    const drain = `delayer drain topic --exec 'sleep 0.5' --max 1`;
    expect(await cli.terminal(drain)).to.include('\r\u001b[K');
    const dumb = await cli.terminal(`${command}; ${drain}`, { env: { TERM: 'dumb' } });
    expect(dumb).to.include('delayer: 2000 pushed').and.to.include('1 done in').and.not.include('\u001b');
  });

  it('pop, drain, inspect, remove and push do not ask questions or read stdin unless told to', async () => {
    await fill();
    for (const args of [
      ['pop', 'topic'],
      ['drain', 'topic'],
      ['inspect'],
      ['remove', 'x'],
      ['push', 'topic', 'b'],
    ]) {
      // Stdin stays open: a command that reads it would not end.
      const outcome = await cli.start(args).ended;
      expect(outcome.code, args.join(' ')).to.be.oneOf([0, 1]);
    }
  });
});

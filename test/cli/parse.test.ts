import { expect } from 'chai';
import { DelayerError } from '../../src/core/errors.js';
import { type CommandSpec, type FlagSpec, parseArguments } from '../../src/cli/parse.js';

const text: Pick<FlagSpec, 'type' | 'parse'> = { type: 'option', parse: (given) => Promise.resolve(given) };
const SPEC: CommandSpec = {
  usage: 'delayer do TOPIC [BODY] [flags]',
  flags: {
    json: { type: 'boolean', parse: () => Promise.resolve(true) },
    id: text,
    force: { type: 'boolean', char: 'f', parse: () => Promise.resolve(true), exclusive: ['at'] },
    at: text,
    step: { ...text, dependsOn: ['at'] },
    count: { ...text, default: 1, parse: (given) => Promise.resolve(Number(given)) },
    state: { ...text, multiple: true, delimiter: ',', options: ['ready', 'delayed'] },
  },
  args: { topic: { required: true }, body: {} },
};

const parse = (...argv: string[]) => parseArguments(argv, SPEC);

async function refusal(...argv: string[]): Promise<DelayerError> {
  try {
    await parse(...argv);
  } catch (error) {
    if (error instanceof DelayerError) return error;
    throw error;
  }
  throw new Error(`${argv.join(' ')} was not refused`);
}

describe('parsing arguments', () => {
  it('the parser separates flags, their values and arguments in any order', async () => {
    const { flags, args } = await parse('--id', 'a', 'topic', '--json', 'body', '--count=3');
    expect(args).to.deep.equal({ topic: 'topic', body: 'body' });
    expect(flags).to.include({ id: 'a', json: true, count: 3, force: false, at: undefined });
  });

  it('the parser keeps arguments in order when one of them equals the value of a flag', async () => {
    const spec = { ...SPEC, args: { topic: { required: true, multiple: true } } };
    const { args } = await parseArguments(['--id', 'b', 'a', 'b'], spec);
    expect(args).to.deep.equal({ topic: ['a', 'b'] });
  });

  it('the parser reads negative numbers, a single dash and everything after -- as arguments', async () => {
    expect((await parse('topic', '-5')).args).to.deep.equal({ topic: 'topic', body: '-5' });
    expect((await parse('topic', '-')).args).to.deep.equal({ topic: 'topic', body: '-' });
    expect((await parse('--', '--json', '--')).args).to.deep.equal({ topic: '--json', body: '--' });
  });

  it('the parser takes -0 for a flag that the command does not have, never for an argument', async () => {
    expect((await refusal('t', '-0')).message).to.equal('unknown flag "-0"');
  });

  it('the parser accepts a value that begins with a dash unless it is a flag, and any value after =', async () => {
    expect((await parse('t', '--id', '-1')).flags).to.include({ id: '-1' });
    expect((await parse('t', '--id=--json')).flags).to.include({ id: '--json', json: false });
    expect((await parse('t', '--id=')).flags).to.include({ id: '' });
  });

  it('the parser accepts =true and =false for a switch and nothing else, and the last one counts', async () => {
    expect((await parse('t', '--json=true')).flags).to.include({ json: true });
    expect((await parse('t', '--json', '--json=false')).flags).to.include({ json: false });
    for (const value of ['', 'yes', '1', 'TRUE', 'a=b'])
      expect((await refusal('t', `--json=${value}`)).message).to.include('invalid value for --json: ');
  });

  it('the parser accepts the one-letter form of a flag', async () => {
    expect((await parse('t', '-f')).flags).to.include({ force: true });
  });

  it('the parser collects repeated and comma-separated values of a flag that takes several, and refuses other flags given twice', async () => {
    expect((await parse('t', '--state', 'ready,delayed', '--state=ready')).flags.state).to.deep.equal([
      ...['ready', 'delayed', 'ready'],
    ]);
    expect((await refusal('t', '--id', 'a', '--id', 'b')).message).to.equal('--id is given twice');
  });

  it('the parser names a missing argument with the usage of the command, and refuses an unexpected one', async () => {
    const { code, message, hint } = await refusal();
    expect({ code, message, hint }).to.deep.equal({
      code: 'usage',
      message: 'TOPIC is missing',
      hint: 'Usage: delayer do TOPIC [BODY] [flags]',
    });
    expect((await refusal('t', 'b', 'c')).message).to.equal('unexpected argument "c"');
  });

  it('the parser suggests the nearest flag or value for a mistyped one', async () => {
    expect((await refusal('t', '--jsno')).hint).to.equal('Did you mean --json?');
    expect((await refusal('t', '--state', 'redy')).hint).to.equal(
      'Did you mean ready? The values are ready, delayed.',
    );
    expect((await refusal('t', '--state', 'lost')).hint).to.equal('The values are ready, delayed.');
  });

  it('the error about an unknown flag does not repeat its value, which may be a password', async () => {
    const { message, hint } = await refusal('t', '--sotre=redis://:secret@host');
    expect(message + hint).to.not.include('secret');
  });

  it('the parser refuses flags that exclude each other, and a flag without the one that it needs', async () => {
    expect((await refusal('t', '--force', '--at', 'x')).message).to.equal(
      '--force and --at cannot be used together',
    );
    expect((await refusal('t', '--step', '1')).message).to.equal('--step needs --at');
    expect((await parse('t', '--step', '1', '--at', 'x')).flags).to.include({ step: '1', at: 'x' });
  });

  it("the parser passes on the error of a flag's own parser unchanged", async () => {
    const thrown = new DelayerError('usage', 'too long', { hint: 'Write less.' });
    const spec: CommandSpec = {
      ...SPEC,
      flags: { id: { type: 'option', parse: () => Promise.reject(thrown) } },
    };
    const error: unknown = await parseArguments(['t', '--id', 'x'], spec).catch((caught: unknown) => caught);
    expect(error).to.equal(thrown);
  });
});

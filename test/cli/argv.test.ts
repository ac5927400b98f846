import { expect } from 'chai';
import { hasSwitch, putCommandFirst, splitAtDashes } from '../../src/cli/argv.js';

const FLAGS = {
  store: { type: 'option' },
  id: { type: 'option' },
  json: { type: 'boolean' },
} as const;

describe('flags before the command', () => {
  const ordered = (...argv: string[]) => putCommandFirst(argv, FLAGS);

  it('flags before the command are moved behind it', () => {
    expect(ordered('--store', 'url', '--json', 'pop', 'x')).to.deep.equal([
      ...['pop', '--store', 'url', '--json', 'x'],
    ]);
    expect(ordered('--store=url', 'pop', '--id', 'x')).to.deep.equal(['pop', '--store=url', '--id', 'x']);
  });

  it('flags before the command are not moved when no command follows, or when not all commands have the flag', () => {
    for (const argv of [[], ['--json'], ['--store'], ['--help'], ['--nonsense', 'pop'], ['pop', '--json']]) {
      expect(ordered(...argv)).to.deep.equal(argv);
    }
  });
});

describe('an argument list', () => {
  it('an argument list is split at the first --', () => {
    expect(splitAtDashes(['a', '--', 'b', '--', 'c'])).to.deep.equal({
      before: ['a'],
      after: ['b', '--', 'c'],
    });
    expect(splitAtDashes(['a', '-'])).to.deep.equal({ before: ['a', '-'], after: undefined });
  });

  it('an argument list contains a switch only where it stands before -- and is not set to false', () => {
    expect(hasSwitch(['pop', '--json'], 'json')).to.be.true;
    expect(hasSwitch(['pop', '--json=true'], 'json')).to.be.true;
    expect(hasSwitch(['pop', '--json=false'], 'json')).to.be.false;
    expect(hasSwitch(['pop', '--', '--json'], 'json')).to.be.false;
  });
});

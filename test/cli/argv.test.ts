import { expect } from 'chai';
import { putCommandFirst, settleSwitches } from '../../src/cli/argv.js';
import { usageError } from '../core/usage-error.js';

const FLAGS = {
  store: { type: 'option' },
  id: { type: 'option' },
  json: { type: 'boolean' },
} as const;

describe('a switch', () => {
  const settled = (...argv: string[]) => settleSwitches(argv, FLAGS);

  it('is set by =true, and left out by =false', () => {
    expect(settled('a', '--json=true', 'b')).to.deep.equal(['a', '--json', 'b']);
    expect(settled('a', '--json=false', 'b')).to.deep.equal(['a', 'b']);
  });

  it('takes no other value', () => {
    for (const value of ['', 'yes', '1', 'TRUE', 'a=b']) usageError(() => settled(`--json=${value}`));
  });

  it('is what stands in its place alone: no value of an option, no argument, nothing behind --', () => {
    for (const argv of [
      ['--id', '--json=false'],
      ['--id=--json=false'],
      ['a', '--', '--json=false'],
      ['json=false', '-json=false'],
      ['--other=false', '--id=false', '--json'],
    ]) {
      expect(settled(...argv)).to.deep.equal(argv);
    }
  });
});

describe('flags before the command', () => {
  const ordered = (...argv: string[]) => putCommandFirst(argv, FLAGS);

  it('are moved behind it', () => {
    expect(ordered('--store', 'url', '--json', 'pop', 'x')).to.deep.equal([
      ...['pop', '--store', 'url', '--json', 'x'],
    ]);
    expect(ordered('--store=url', 'pop', '--id', 'x')).to.deep.equal(['pop', '--store=url', '--id', 'x']);
  });

  it('stay where there is no command, or a flag that not all commands have', () => {
    for (const argv of [[], ['--json'], ['--store'], ['--help'], ['--nonsense', 'pop'], ['pop', '--json']]) {
      expect(ordered(...argv)).to.deep.equal(argv);
    }
  });
});

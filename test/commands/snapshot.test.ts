import { expect } from 'chai';
import { readFileSync, writeFileSync } from 'node:fs';
import { BaseCommand } from '../../src/cli/base-command.js';
import { COMMANDS } from '../../src/commands/index.js';

const SNAPSHOT = new URL('snapshot.json', import.meta.url);

/** What a script that is written today depends on. */
function surface(): unknown {
  return Object.fromEntries(
    Object.entries(COMMANDS).map(([name, command]) => {
      const flags = { ...BaseCommand.baseFlags, ...command.flags };
      return [
        name,
        {
          args: Object.entries(command.args).map(([arg, { required }]) => ({
            arg,
            required: required === true,
          })),
          strict: command.strict,
          flags: Object.fromEntries(
            Object.entries(flags)
              .sort(([a], [b]) => (a < b ? -1 : 1))
              .map(([flag, definition]) => [flag, pick(definition as unknown as Record<string, unknown>)]),
          ),
        },
      ];
    }),
  );
}

function pick(flag: Record<string, unknown>): unknown {
  const kept = ['type', 'char', 'default', 'options', 'multiple', 'exclusive', 'dependsOn', 'required'];
  return Object.fromEntries(kept.flatMap((name) => (flag[name] === undefined ? [] : [[name, flag[name]]])));
}

describe('the command line', () => {
  // A change that is meant: UPDATE_SNAPSHOT=1 npx mocha test/commands/snapshot.test.ts, then prettier
  it('has the commands, arguments and flags of test/commands/snapshot.json', () => {
    const current = JSON.parse(JSON.stringify(surface())) as unknown;
    if (process.env.UPDATE_SNAPSHOT === '1') {
      writeFileSync(SNAPSHOT, `${JSON.stringify(current, undefined, 2)}\n`);
    }
    expect(current).to.deep.equal(JSON.parse(readFileSync(SNAPSHOT, 'utf8')));
  });
});

import { expect } from 'chai';
import { readFileSync, writeFileSync } from 'node:fs';
import { BaseCommand } from '../../src/cli/base-command.js';
import { COMMANDS } from '../../src/commands/index.js';

const SNAPSHOT = new URL('snapshot.json', import.meta.url);

/** The command line that scripts depend on. */
async function surface(): Promise<unknown> {
  const commands = Object.entries(COMMANDS).map(async ([name, load]) => {
    const { default: command } = await load();
    const flags = { ...BaseCommand.baseFlags, ...command.flags };
    const args = Object.entries(command.args).map(([arg, definition]) => ({
      arg,
      ...pick(definition, ['required', 'multiple']),
    }));
    const kept = ['type', 'char', 'default', 'options', 'multiple', 'exclusive', 'dependsOn', 'required'];
    const picked = Object.entries(flags)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([flag, definition]) => [flag, pick(definition, kept)] as const);
    return [name, { args, flags: Object.fromEntries(picked) }] as const;
  });
  return Object.fromEntries(await Promise.all(commands));
}

function pick(definition: unknown, names: readonly string[]): Record<string, unknown> {
  const fields = definition as Record<string, unknown>;
  return Object.fromEntries(
    names.flatMap((name) => (fields[name] === undefined ? [] : [[name, fields[name]]])),
  );
}

describe('the command line', () => {
  // To accept an intended change: UPDATE_SNAPSHOT=1 npx mocha test/commands/snapshot.test.ts, then prettier
  it('the command line has the commands, arguments and flags of test/commands/snapshot.json', async () => {
    const current = JSON.parse(JSON.stringify(await surface())) as unknown;
    if (process.env.UPDATE_SNAPSHOT === '1') {
      writeFileSync(SNAPSHOT, `${JSON.stringify(current, undefined, 2)}\n`);
    }
    expect(current).to.deep.equal(JSON.parse(readFileSync(SNAPSHOT, 'utf8')));
  });
});

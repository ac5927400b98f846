import { Config } from '@oclif/core/config';
import { putCommandFirst } from './cli/argv.js';
import { BaseCommand } from './cli/base-command.js';
import { asksForHelp, runByOclif } from './cli/help.js';
import { COMMANDS } from './commands/index.js';

/**
 * What a command that is named outright needs of oclif's configuration: no plugins, hooks or manifest,
 * which would take several times as long to load as the command itself.
 */
class BareConfig extends Config {
  override bin = 'delayer';
  override runHook(): ReturnType<Config['runHook']> {
    return Promise.resolve({ failures: [], successes: [] });
  }
}

/**
 * Runs a command line; help, versions and mistyped commands are oclif's business.
 * @param root the folder of package.json
 */
export async function main(argv: readonly string[], root: string): Promise<void> {
  const given = putCommandFirst(argv, BaseCommand.baseFlags);
  const [name = '', ...rest] = given;
  if (!isCommand(name) || asksForHelp(rest)) return runByOclif(given, root, Object.keys(COMMANDS));
  await COMMANDS[name].start(name, rest, new BareConfig({ root }));
}

function isCommand(name: string): name is keyof typeof COMMANDS {
  return Object.hasOwn(COMMANDS, name);
}

import { bindTexts, putCommandFirst } from './cli/argv.js';
import { BaseCommand } from './cli/base-command.js';
import { asksForHelp, runByOclif } from './cli/help.js';
import { fromOriginal } from './cli/serve/original.js';
import { COMMANDS } from './commands/index.js';

/**
 * Runs a command line: loads the command that is named, and it alone.
 * @param root the folder of package.json
 */
export async function main(argv: readonly string[], root: string): Promise<void> {
  const shared = BaseCommand.baseFlags;
  const given = putCommandFirst(bindTexts(fromOriginal(argv)), shared);
  const [name = '', ...rest] = given;
  if (!isCommand(name) || asksForHelp(rest))
    return runByOclif(given, root, Object.keys(COMMANDS), Object.keys(shared));
  const { default: command } = await COMMANDS[name]();
  await command.run(rest, { id: name, root });
}

function isCommand(name: string): name is keyof typeof COMMANDS {
  return Object.hasOwn(COMMANDS, name);
}

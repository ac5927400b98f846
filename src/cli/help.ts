import { DelayerError } from '../core/errors.js';
import { OutputError } from '../output/stdout.js';
import { splitAtDashes } from './argv.js';
import { homeFolder } from './config/settings.js';
import { reportError } from './errors.js';
import { nearest } from './nearest.js';

const HELP_FLAGS = ['--help', '-h'];
const OCLIF_FLAGS = [...HELP_FLAGS, '--version'];

/** Is there a help flag, before a -- ends the flags? */
export function asksForHelp(argv: readonly string[]): boolean {
  return splitAtDashes(argv).before.some((arg) => HELP_FLAGS.includes(arg));
}

/** Help and `--version`, which oclif makes; and the error for a command that does not exist. */
export async function runByOclif(
  argv: readonly string[],
  root: string,
  names: readonly string[],
): Promise<void> {
  const [name = '', ...rest] = argv;
  const asked = name === 'help' ? rest.find((arg) => !arg.startsWith('-')) : name;
  // `--help | head -1` has seen enough. oclif's own listener is not in the bundle.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    reportError(new OutputError(0, error), argv, '');
  });
  const args = name === 'help' ? [...rest, '--help'] : name === '-h' ? ['--help', ...rest] : argv;
  try {
    if (asked !== undefined && argv.length > 0 && !names.includes(asked) && !OCLIF_FLAGS.includes(asked))
      throw unknownCommand(asked, names);
    // oclif asks the system for both, and fails for a user whom it does not know, as in a container.
    process.env.HOME = homeFolder() ?? '/';
    process.env.SHELL ??= '/bin/sh';
    const { run } = await import('@oclif/core');
    // Without plugins that a user may have installed for other programs on oclif.
    await run([...args], { root, userPlugins: false, devPlugins: false });
  } catch (error) {
    // oclif ends help in this way.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIT') reportError(error as Error, argv, '');
  }
}

function unknownCommand(name: string, names: readonly string[]): DelayerError {
  const isFlag = name.startsWith('-');
  const known = isFlag ? OCLIF_FLAGS : names;
  const meant = nearest(name, known);
  const all = isFlag ? 'Flags go behind the command' : `The commands are ${names.join(', ')}`;
  // What stands behind a = may be a password.
  const typed = JSON.stringify(isFlag ? name.replace(/=[\s\S]*/, '') : name);
  return new DelayerError('usage', `unknown ${isFlag ? 'flag' : 'command'} ${typed}`, {
    hint: `${meant === undefined ? '' : `Did you mean ${meant}? `}${all}; see \`delayer --help\`.`,
  });
}

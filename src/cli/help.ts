import { DelayerError } from '../core/errors.js';
import { OutputError } from '../output/stdout.js';
import { splitAtDashes } from './argv.js';
import { homeFolder } from './config/environment.js';
import { reportError } from './errors.js';
import { nearest } from './nearest.js';

const HELP_FLAGS = ['--help', '-h'];
const OCLIF_FLAGS = [...HELP_FLAGS, '--version'];

/** Is there a help flag, before a -- ends the flags? */
export function asksForHelp(argv: readonly string[]): boolean {
  return splitAtDashes(argv).before.some((arg) => HELP_FLAGS.includes(arg));
}

/**
 * Prints help and `--version`, which oclif makes, or throws the error for a command that does not exist.
 * @param commands their names
 * @param sharedFlags the names of the flags of all commands
 */
export async function runByOclif(
  argv: readonly string[],
  root: string,
  commands: readonly string[],
  sharedFlags: readonly string[],
): Promise<void> {
  const [name = '', ...rest] = argv;
  const asked = name === 'help' ? rest.find((arg) => !arg.startsWith('-')) : name;
  // The reader of `--help | head -1` has seen enough. oclif's own listener is not in the bundle.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    reportError(new OutputError(0, error), argv, '');
  });
  const args = name === 'help' ? [...rest, '--help'] : name === '-h' ? ['--help', ...rest] : argv;
  try {
    if (asked !== undefined && argv.length > 0 && ![...commands, ...OCLIF_FLAGS].includes(asked))
      throw isFlag(asked) ? flagError(asked, commands, sharedFlags) : unknownCommand(asked, commands);
    // oclif asks the system for both values, and fails for a user without an entry in passwd, as in a container.
    process.env.HOME = homeFolder() ?? '/';
    process.env.SHELL ??= '/bin/sh';
    const { default: oclif } = await import('@oclif/core');
    // Ignores plugins that a user may have installed for other oclif programs.
    await oclif.run([...args], { root, userPlugins: false, devPlugins: false });
  } catch (error) {
    // oclif ends help in this way.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIT') reportError(error as Error, argv, '');
  }
}

function unknownCommand(name: string, commands: readonly string[]): DelayerError {
  const meant = nearest(name, commands);
  return new DelayerError('usage', `unknown command ${JSON.stringify(name)}`, {
    hint: `${meant === undefined ? '' : `Did you mean ${meant}? `}The commands are ${commands.join(', ')}; see \`delayer --help\`.`,
  });
}

const isFlag = (arg: string): boolean => arg.startsWith('-') && arg !== '-';

/** The error of a flag that stands where the command belongs. */
function flagError(flag: string, commands: readonly string[], sharedFlags: readonly string[]): DelayerError {
  // The text behind a = may be a password.
  const typed = flag.replace(/=[\s\S]*/, '');
  if (sharedFlags.includes(typed.replace(/^--/, '')))
    return new DelayerError('usage', 'the command is missing', {
      hint: `The commands are ${commands.join(', ')}; see \`delayer --help\`.`,
    });
  const meant = nearest(typed, [...OCLIF_FLAGS, ...sharedFlags.map((name) => `--${name}`)]);
  return new DelayerError('usage', `unknown flag ${JSON.stringify(typed)} before the command`, {
    hint: `${meant === undefined ? '' : `Did you mean ${meant}? `}See \`delayer --help\`.`,
  });
}

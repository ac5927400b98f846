import { DelayerError } from '../core/errors.js';
import { OutputError } from '../output/stdout.js';
import { homeFolder } from './config/settings.js';
import { reportFailure } from './errors.js';

const HELP_FLAGS = ['--help', '-h'];
const OCLIF_FLAGS = [...HELP_FLAGS, '--version'];

/** Is there a help flag, before a -- ends the flags? */
export function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end === -1 ? argv : argv.slice(0, end)).some((arg) => HELP_FLAGS.includes(arg));
}

/** Help, `--version`, and a command that does not exist. */
export async function runByOclif(
  argv: readonly string[],
  root: string,
  names: readonly string[],
): Promise<void> {
  const [name = '', ...rest] = argv;
  const asked = name === 'help' ? rest.find((arg) => !arg.startsWith('-')) : name;
  const { run } = await import('@oclif/core');
  // `--help | head -1` has seen enough. oclif's own listener is not in the bundle.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    reportFailure(new OutputError(0, error), argv, '');
  });
  const args = name === 'help' ? [...rest, '--help'] : name === '-h' ? ['--help', ...rest] : argv;
  try {
    if (asked !== undefined && argv.length > 0 && !names.includes(asked) && !OCLIF_FLAGS.includes(asked)) {
      throw new DelayerError('usage', `There is no command ${JSON.stringify(asked)}`, {
        hint: `The commands are ${names.join(', ')}; see \`delayer --help\`.`,
      });
    }
    // oclif asks the system for both, and fails for a user whom it does not know, as in a container.
    process.env.HOME = homeFolder() ?? '/';
    process.env.SHELL ??= '/bin/sh';
    // Plugins that a user may have installed for oclif are looked for nowhere.
    await run([...args], { root, userPlugins: false, devPlugins: false });
  } catch (error) {
    reportFailure(error as Error, argv, '');
  }
}

import { DelayerError } from '../core/errors.js';
import { sayError } from './say.js';

const HELP_FLAGS = ['--help', '-h'];

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
  const known = names.includes(name);
  if (name !== '' && name !== 'help' && !name.startsWith('-') && !known) {
    const error = new DelayerError('usage', `There is no command ${JSON.stringify(name)}`, {
      hint: `The commands are ${names.join(', ')}; see \`delayer --help\`.`,
    });
    process.exitCode = error.exitCode;
    sayError(error, rest.includes('--json'));
    return;
  }
  const { run } = await import('@oclif/core');
  const args = name === 'help' ? [...rest, '--help'] : name === '-h' ? ['--help', ...rest] : argv;
  await run([...args], { root });
}

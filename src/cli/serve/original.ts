/**
 * The original daemon's flags, and those of `serve` that replace them. Go's flags may have one dash or two.
 */
const FLAGS: Readonly<Record<string, string>> = {
  c: '--configuration',
  configuration: '--configuration',
  d: '--daemon',
  daemon: '--daemon',
};
const ASKING: Readonly<Record<string, string>> = { v: '--version', version: '--version', help: '--help' };

/** How Go writes the value of a flag that is true or false. */
const TRUE = /^(?:1|t|T|true|TRUE|True)$/;
const FALSE = /^(?:0|f|F|false|FALSE|False)$/;

/** Where the original looks for its configuration when none is named. */
const DEFAULT_FILE = 'delayer.conf';

/**
 * Turns a command line of the original daemon, `delayer -c delayer.conf -d`, into one of `serve`; leaves any other
 * as it is. No command of delayer begins with one of these flags.
 */
export function fromOriginal(argv: readonly string[]): readonly string[] {
  const first = nameOf(argv[0] ?? '');
  if (Object.hasOwn(ASKING, first)) return [ASKING[first] ?? '', ...argv.slice(1)];
  if (!Object.hasOwn(FLAGS, first)) return argv;
  const flags = argv.flatMap((arg) => {
    const flag = Object.hasOwn(FLAGS, nameOf(arg)) ? FLAGS[nameOf(arg)] : undefined;
    if (flag === undefined) return [arg];
    if (!arg.includes('=')) return [flag];
    const value = arg.slice(arg.indexOf('=') + 1);
    if (flag === '--configuration') return [flag, value];
    if (FALSE.test(value)) return [];
    return TRUE.test(value) ? [flag] : [`${flag}=${value}`];
  });
  return ['serve', ...flags, ...(flags.includes('--configuration') ? [] : ['--configuration', DEFAULT_FILE])];
}

/** The name without dashes and value; empty when it is no flag. */
function nameOf(arg: string): string {
  return /^--?([a-z]+)(?:=|$)/.exec(arg)?.[1] ?? '';
}

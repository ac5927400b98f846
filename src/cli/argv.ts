import { DelayerError } from '../core/errors.js';

/** What is known of flags, by name: a boolean one is a switch, an option takes a value. */
type FlagTypes = Readonly<Record<string, { readonly type: 'boolean' | 'option' }>>;

/**
 * Moves flags that stand before the command behind it, as kubectl and redis-cli users write them.
 * @param shared the flags of all commands
 */
export function putCommandFirst(argv: readonly string[], shared: FlagTypes): readonly string[] {
  let at = 0;
  for (;;) {
    const [name = '', value] = splitFlag(argv[at] ?? '');
    const type = shared[name]?.type;
    if (type === undefined) break;
    at += type === 'option' && value === undefined ? 2 : 1;
  }
  const command = argv[at];
  return command === undefined ? argv : [command, ...argv.slice(0, at), ...argv.slice(at + 1)];
}

/**
 * Settles switches that are given a value: `--json=true` is `--json`, `--json=false` is none. oclif would
 * set the switch either way, and take the value for an argument.
 * @throws DelayerError `usage` for any other value
 */
export function settleSwitches(argv: readonly string[], flags: FlagTypes): string[] {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  return argv.flatMap((arg, i) => {
    const [name = '', value] = splitFlag(arg);
    const before = splitFlag(argv[i - 1] ?? '');
    const isValue = before[1] === undefined && flags[before[0] ?? '']?.type === 'option';
    if (i >= end || isValue || value === undefined || flags[name]?.type !== 'boolean') return [arg];
    if (value === 'true') return [`--${name}`];
    if (value === 'false') return [];
    throw new DelayerError('usage', `--${name} takes no value but true or false: ${JSON.stringify(value)}`);
  });
}

/** `--name=value` or `--name` in its parts; nothing when it is no flag. */
function splitFlag(arg: string): [name: string | undefined, value: string | undefined] {
  const [, name, value] = /^--([^=]+)(?:=([\s\S]*))?$/.exec(arg) ?? [];
  return [name, value];
}

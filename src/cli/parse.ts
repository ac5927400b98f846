import { DelayerError } from '../core/errors.js';
import { splitAtDashes, splitFlag } from './argv.js';
import { nearest } from './nearest.js';

/** The part of oclif's flag definition that parsing needs. */
export interface FlagSpec {
  readonly type: 'boolean' | 'option';
  readonly char?: string | undefined;
  readonly multiple?: boolean | undefined;
  readonly delimiter?: ',' | undefined;
  readonly options?: readonly string[] | undefined;
  readonly default?: unknown;
  readonly exclusive?: readonly string[] | undefined;
  readonly dependsOn?: readonly string[] | undefined;
  readonly parse: (text: string, context: object, flag: FlagSpec) => Promise<unknown>;
}

/** An argument as oclif defines it. One that is `multiple` takes all that are left. */
export interface ArgSpec {
  readonly required?: boolean | undefined;
  readonly multiple?: boolean | undefined;
}

export interface CommandSpec {
  readonly flags: Readonly<Record<string, FlagSpec>>;
  readonly args: Readonly<Record<string, ArgSpec>>;
  /** How the command is called, for hints. */
  readonly usage: string;
}

interface Given {
  /** The flags that were typed, with their text; undefined for a switch. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly positionals: readonly string[];
}

/**
 * Parses the arguments of a command by its oclif definitions. docs/design.md says why oclif's own parser
 * does not do it.
 * @throws DelayerError `usage`; what a flag's own parser throws
 */
export async function parseArguments(
  argv: readonly string[],
  { flags, args, usage }: CommandSpec,
): Promise<{ flags: Record<string, unknown>; args: Record<string, unknown>; argv: readonly string[] }> {
  const { values, positionals } = readArguments(argv, flags);
  assertTogether(values, flags);
  return {
    flags: await parseFlags(values, flags),
    args: assignArgs(positionals, args, usage),
    argv: positionals,
  };
}

function readArguments(argv: readonly string[], flags: CommandSpec['flags']): Given {
  const { before, after = [] } = splitAtDashes(argv);
  const values = new Map<string, string[]>();
  const positionals: string[] = [];
  for (let i = 0; i < before.length; i += 1) {
    const arg = before[i] ?? '';
    if (!looksLikeFlag(arg, flags)) {
      positionals.push(arg);
      continue;
    }
    const { name, flag, value } = findFlag(arg, flags);
    if (flag.type === 'boolean') {
      if (isSet(name, value)) values.set(name, []);
      else values.delete(name);
      continue;
    }
    const earlier = values.get(name) ?? [];
    if (earlier.length > 0 && flag.multiple !== true)
      throw new DelayerError('usage', `--${name} is given twice`, { hint: 'Give it once.' });
    if (value === undefined) i += 1;
    values.set(name, [...earlier, value ?? nextValue(name, before[i], flags)]);
  }
  return { values, positionals: [...positionals, ...after] };
}

/** `-` is stdin, and `-5` is a number unless the command has a flag `-5`. `-0` is a flag of some commands only. */
function looksLikeFlag(arg: string, flags: CommandSpec['flags']): boolean {
  if (!arg.startsWith('-') || arg === '-') return false;
  return (
    arg === '-0' ||
    !/^-\d+(\.\d+)?$/.test(arg) ||
    Object.values(flags).some(({ char }) => arg === `-${char ?? ''}`)
  );
}

function findFlag(
  arg: string,
  flags: CommandSpec['flags'],
): { name: string; flag: FlagSpec; value: string | undefined } {
  const { name, value } = splitFlag(arg);
  const [known, flag] =
    Object.entries(flags).find(([flagName, { char }]) => flagName === name || `-${char ?? ''}` === arg) ?? [];
  if (known !== undefined && flag !== undefined) return { name: known, flag, value };
  // The text behind a = may be a password.
  const typed = name === '' ? arg : `--${name}`;
  const meant = name === '' ? undefined : nearest(name, Object.keys(flags));
  throw new DelayerError('usage', `unknown flag ${JSON.stringify(typed)}`, {
    hint: meant === undefined ? 'Put text that begins with a dash after --.' : `Did you mean --${meant}?`,
  });
}

function isSet(name: string, value = 'true'): boolean {
  if (value === 'true' || value === 'false') return value === 'true';
  throw new DelayerError('usage', `invalid value for --${name}: ${JSON.stringify(value)}`, {
    hint: 'The values are true and false.',
  });
}

function nextValue(name: string, next: string | undefined, flags: CommandSpec['flags']): string {
  const isFlag = next !== undefined && Object.hasOwn(flags, splitFlag(next).name);
  if (next !== undefined && !isFlag) return next;
  throw new DelayerError('usage', `--${name} needs a value`, {
    hint: `Write --${name} VALUE, or --${name}=VALUE for one that begins with a dash.`,
  });
}

function assertTogether(values: Given['values'], flags: CommandSpec['flags']): void {
  for (const name of values.keys()) {
    const { exclusive = [], dependsOn = [] } = flags[name] ?? {};
    const other = exclusive.find((one) => values.has(one));
    if (other !== undefined)
      throw new DelayerError('usage', `--${name} and --${other} cannot be used together`, {
        hint: 'Leave one of them out.',
      });
    const missing = dependsOn.find((one) => !values.has(one));
    if (missing !== undefined)
      throw new DelayerError('usage', `--${name} needs --${missing}`, { hint: `Add --${missing}.` });
  }
}

async function parseFlags(
  values: Given['values'],
  flags: CommandSpec['flags'],
): Promise<Record<string, unknown>> {
  const parsed: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(flags)) {
    const texts = values.get(name);
    if (flag.type === 'boolean') parsed[name] = texts !== undefined;
    else if (texts === undefined) parsed[name] = flag.default;
    else {
      const all = flag.delimiter === undefined ? texts : texts.flatMap((text) => text.split(','));
      const results: unknown[] = [];
      for (const text of all) results.push(await flag.parse(assertOption(name, flag, text), {}, flag));
      parsed[name] = flag.multiple === true ? results : results[0];
    }
  }
  return parsed;
}

function assertOption(name: string, { options }: FlagSpec, text: string): string {
  if (options === undefined || options.includes(text)) return text;
  const meant = nearest(text, options);
  throw new DelayerError('usage', `invalid value for --${name}: ${JSON.stringify(text)}`, {
    hint: `${meant === undefined ? '' : `Did you mean ${meant}? `}The values are ${options.join(', ')}.`,
  });
}

function assignArgs(
  positionals: readonly string[],
  args: CommandSpec['args'],
  usage: string,
): Record<string, unknown> {
  const left = [...positionals];
  const assigned: Record<string, unknown> = {};
  const missing: string[] = [];
  for (const [name, { required, multiple }] of Object.entries(args)) {
    if (left.length === 0 && required === true) missing.push(name.toUpperCase());
    else if (multiple === true) assigned[name] = left.splice(0);
    else assigned[name] = left.shift();
  }
  const hint = `Usage: ${usage}`;
  if (missing.length > 0) {
    const are = missing.length === 1 ? 'is' : 'are';
    throw new DelayerError('usage', `${missing.join(' and ')} ${are} missing`, { hint });
  }
  if (left.length > 0)
    throw new DelayerError('usage', `unexpected argument ${JSON.stringify(left[0])}`, { hint });
  return assigned;
}

/** What is known of a flag here: enough to know whether a value follows it. */
type FlagTypes = Readonly<Record<string, { readonly type: 'boolean' | 'option' }>>;

/**
 * Moves flags that stand before the command behind it, where users of kubectl and redis-cli write them.
 * @param shared the flags of all commands
 */
export function putCommandFirst(argv: readonly string[], shared: FlagTypes): readonly string[] {
  let at = 0;
  for (;;) {
    const { name, value } = splitFlag(argv[at] ?? '');
    const type = shared[name]?.type;
    if (type === undefined) break;
    at += type === 'option' && value === undefined ? 2 : 1;
  }
  const command = argv[at];
  return command === undefined ? argv : [command, ...argv.slice(0, at), ...argv.slice(at + 1)];
}

/** Flags whose value is any text, `--help` and `--` included. */
const TEXT_FLAGS = ['--body', '--reason'];

/** Writes `--body TEXT` as `--body=TEXT`, so that nothing takes the text for a flag. */
export function bindTexts(argv: readonly string[]): string[] {
  const bound: string[] = [];
  for (let i = 0; i < argv.length; i += 1) {
    const arg = argv[i] ?? '';
    if (arg === '--') return [...bound, ...argv.slice(i)];
    const text = TEXT_FLAGS.includes(arg) ? argv[i + 1] : undefined;
    if (text !== undefined) i += 1;
    bound.push(text === undefined ? arg : `${arg}=${text}`);
  }
  return bound;
}

/** `--name=value` or `--name` in its parts; the name is empty when it is neither. */
export function splitFlag(arg: string): { readonly name: string; readonly value: string | undefined } {
  const [, name = '', value] = /^--([^=]+)(?:=([\s\S]*))?$/.exec(arg) ?? [];
  return { name, value };
}

/** What stands before the first `--`, and what stands after it; nothing when there is none. */
export function splitAtDashes(argv: readonly string[]): {
  readonly before: string[];
  readonly after: string[] | undefined;
} {
  const at = argv.indexOf('--');
  return at === -1
    ? { before: [...argv], after: undefined }
    : { before: argv.slice(0, at), after: argv.slice(at + 1) };
}

/**
 * How many arguments stand behind `--`: these are the last ones, and a `-` among them is a dash, not stdin.
 */
export function countBehindDashes(argv: readonly string[]): number {
  return splitAtDashes(argv).after?.length ?? 0;
}

/** Is this switch set? Used for errors that come before the arguments are parsed, or from parsing them. */
export function hasSwitch(argv: readonly string[], name: string): boolean {
  const { before } = splitAtDashes(argv);
  return before.includes(`--${name}`) || before.includes(`--${name}=true`);
}

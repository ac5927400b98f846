/** The part of oclif's manifest that is needed; it is built from the definitions of the commands. */
export interface Manifest {
  readonly commands: Readonly<Record<string, ManifestCommand>>;
}

interface ManifestCommand {
  readonly summary?: string;
  readonly usage?: string | readonly string[];
  readonly args: Readonly<Record<string, { readonly options?: readonly string[] }>>;
  readonly flags: Readonly<Record<string, ManifestFlag>>;
}

interface ManifestFlag {
  readonly type: 'boolean' | 'option';
  readonly char?: string;
  readonly description?: string;
  readonly helpValue?: string;
  readonly multiple?: boolean;
  readonly delimiter?: string;
  readonly options?: readonly string[];
  readonly exclusive?: readonly string[];
}

/** What a shell offers for a value: paths, the names of the contexts, fixed words, or nothing (any text). */
export type Values =
  | { readonly kind: 'text' | 'files' | 'folders' | 'contexts' }
  | { readonly kind: 'words'; readonly words: readonly string[]; readonly isList: boolean };

export interface FlagModel {
  /** As they are typed: `--configuration`, `-c`. */
  readonly names: readonly string[];
  readonly description: string;
  /** What stands for the value in help. */
  readonly label: string;
  /** Undefined for a switch. */
  readonly values: Values | undefined;
  /** The flags, as they are typed, beside which it is not offered: itself, unless it may repeat. */
  readonly hiders: readonly string[];
}

export interface CommandModel {
  readonly name: string;
  readonly summary: string;
  /** Without those of all commands. */
  readonly flags: readonly FlagModel[];
  /** What its arguments may be, in order; those that are not here are text. */
  readonly args: readonly Values[];
  /** The flag without which its arguments are text, as with `push --batch FILE`. */
  readonly needs: string | undefined;
  /** Whether a program and its arguments follow `--`. */
  readonly runsProgram: boolean;
}

export interface CompletionModel {
  /** The flags of all commands, which may also stand before the command; `--help` is one of them. */
  readonly shared: readonly FlagModel[];
  readonly commands: readonly CommandModel[];
}

const TEXT: Values = { kind: 'text' };
const FILES: Values = { kind: 'files' };

/** oclif adds it to each command, and not to the manifest. */
const HELP: FlagModel = {
  ...{ names: ['--help', '-h'], description: 'show help', label: '', values: undefined },
  hiders: ['--help', '-h'],
};

/** @param shared the names of the flags of all commands */
export function toModel({ commands }: Manifest, shared: readonly string[]): CompletionModel {
  const [first] = Object.values(commands);
  const isShared = (name: string) => shared.includes(name);
  const help: CommandModel = {
    ...{ name: 'help', summary: 'Show help of delayer or of a command.', flags: [] },
    ...{ args: [wordsOf(Object.keys(commands))], needs: undefined, runsProgram: false },
  };
  return {
    shared: [...toFlags(first?.flags ?? {}, isShared), HELP],
    commands: [
      ...Object.entries(commands).map(([name, command]) => toCommand(name, command, isShared)),
      help,
    ],
  };
}

function toCommand(
  name: string,
  { summary = '', usage = [], args, flags }: ManifestCommand,
  isShared: (flag: string) => boolean,
): CommandModel {
  const forms = [usage].flat();
  // A switch, behind which FILE is an argument.
  const needs = forms
    .map((form) => /--(\S+) \[?FILE\b/.exec(form)?.[1] ?? '')
    .find((flag) => flags[flag]?.type === 'boolean');
  return {
    name,
    summary,
    flags: toFlags(flags, (flag) => !isShared(flag)),
    args: needs === undefined ? toArgs(args) : [FILES],
    needs: needs && `--${needs}`,
    runsProgram: forms.some((form) => form.includes(' -- ')),
  };
}

function toFlags(flags: ManifestCommand['flags'], isWanted: (name: string) => boolean): readonly FlagModel[] {
  return Object.entries(flags)
    .filter(([name]) => isWanted(name))
    .map(([name, flag]) => ({
      names: typed(name, flag),
      description: flag.description ?? '',
      label: flag.helpValue ?? name.toUpperCase(),
      values: flag.type === 'boolean' ? undefined : valuesOf(name, flag),
      hiders: [
        ...(flag.multiple === true ? [] : typed(name, flag)),
        ...Object.entries(flags)
          .filter(
            ([other, { exclusive = [] }]) =>
              flag.exclusive?.includes(other) === true || exclusive.includes(name),
          )
          .flatMap(([other, definition]) => typed(other, definition)),
      ],
    }));
}

const typed = (name: string, { char }: ManifestFlag): string[] => [
  `--${name}`,
  ...(char === undefined ? [] : [`-${char}`]),
];

function valuesOf(name: string, { options, delimiter, helpValue }: ManifestFlag): Values {
  if (options !== undefined) return wordsOf(options, delimiter !== undefined);
  if (name === 'context') return { kind: 'contexts' };
  if (helpValue === 'DIR') return { kind: 'folders' };
  return helpValue === 'FILE' || helpValue === 'PATH' ? FILES : TEXT;
}

function toArgs(args: ManifestCommand['args']): readonly Values[] {
  const values = Object.entries(args).map(([name, { options }]): Values => {
    if (options !== undefined) return wordsOf(options);
    if (name === 'file') return FILES;
    // The NAME of config.
    return name === 'name' ? { kind: 'contexts' } : TEXT;
  });
  return values.every(({ kind }) => kind === 'text') ? [] : values;
}

const wordsOf = (words: readonly string[], isList = false): Values => ({ kind: 'words', words, isList });

import type { CommandModel, CompletionModel, FlagModel, Values } from './model.js';

/** What the script for zsh has in the place of `@…@`. */
export function zshParts({ shared, commands }: CompletionModel): Record<string, string> {
  const described = commands.map(({ name, summary }) => `    ${quote(`${name}:${summary}`)}`);
  return {
    shared: specsOf(shared).join('\n'),
    commands: described.join('\n'),
    arguments: commands.flatMap(linesOf).join('\n'),
  };
}

function linesOf({ name, flags, args, needs, runsProgram }: CommandModel): string[] {
  const given =
    needs === undefined
      ? (action: string) => action
      : (action: string) => `{ (( $words[(I)${needs}] )) && ${action} }`;
  const places = args.map((values, i) => `    ${quote(`${i + 1}: :${given(actionOf(values))}`)}`);
  return [
    `  ${name})`,
    ...(runsProgram
      ? ['    if (( behind < CURRENT )); then', '      shift behind words; (( CURRENT -= behind ))']
      : []),
    ...(runsProgram ? ['      _normal', '      return', '    fi'] : []),
    '    _arguments -S $shared \\',
    ...[...specsOf(flags), ...places].map((spec) => `  ${spec} \\`),
    // Any other argument, behind which there may be flags.
    "      '*: : '",
    '    ;;',
  ];
}

const specsOf = (flags: readonly FlagModel[]): string[] =>
  flags.flatMap(({ names, hiders, description, label, values }) =>
    names.map((name) => {
      const beside = hiders.length > 0 ? `(${hiders.join(' ')})` : '';
      const often = hiders.includes(name) ? '' : '*';
      const value = values === undefined ? '' : `:${escape(label)}:${actionOf(values)}`;
      return `    ${quote(`${beside}${often}${name}${toSign(name, values)}[${escape(description)}]${value}`)}`;
    }),
  );

/** `--flag=` may also have its value in the next word. */
const toSign = (name: string, values: Values | undefined): string =>
  values !== undefined && name.startsWith('--') ? '=' : '';

function actionOf(values: Values): string {
  switch (values.kind) {
    case 'text':
      return ' ';
    case 'files':
      return '_files';
    case 'folders':
      return '_files -/';
    case 'contexts':
      return '_delayer_contexts';
    case 'words':
      return values.isList ? `_sequence compadd - ${values.words.join(' ')}` : `(${values.words.join(' ')})`;
  }
}

const escape = (text: string): string => text.replace(/[\\[\]:]/g, '\\$&');

const quote = (text: string): string => `'${text.replace(/'/g, "'\\''")}'`;

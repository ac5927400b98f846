import type { CommandModel, CompletionModel, FlagModel, Values } from './model.js';

/** What the script for bash has in the place of `@…@`. */
export function bashParts({ shared, commands }: CompletionModel): Record<string, string> {
  return {
    names: commands.map(({ name }) => name).join(' '),
    commands: ["  '')", `    flags='${rowsOf(shared)}`, "'", '    ;;', ...commands.flatMap(linesOf)].join(
      '\n',
    ),
  };
}

function linesOf({ name, flags, args, needs, runsProgram }: CommandModel): string[] {
  return [
    `  ${name})`,
    ...(flags.length === 0 ? [] : [`    flags+='${rowsOf(flags).slice(1)}`, "'"]),
    ...(args.length === 0 ? [] : [`    args=(${args.map((values) => `'${textOf(values)}'`).join(' ')})`]),
    ...(needs === undefined ? [] : [`    needs=${needs}`]),
    ...(runsProgram ? ['    program=yes'] : []),
    '    ;;',
  ];
}

/** A line for each name of each flag, with a line feed before it. */
const rowsOf = (flags: readonly FlagModel[]): string =>
  flags
    .flatMap(({ names, hiders, values }) =>
      names.map((name) => `\n${name} ${hiders.join('|') || '-'} ${values ? textOf(values) : 'switch'}`),
    )
    .join('');

function textOf(values: Values): string {
  if (values.kind !== 'words') return values.kind;
  return `${values.isList ? 'list' : 'words'}:${values.words.join(' ')}`;
}

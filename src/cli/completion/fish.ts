import type { CommandModel, CompletionModel, FlagModel, Values } from './model.js';

/** What the script for fish has in the place of `@…@`. */
export function fishParts({ shared, commands }: CompletionModel): Record<string, string> {
  const taking = shared.filter(({ values }) => values !== undefined).flatMap(({ names }) => names);
  return {
    taking: taking.join(' '),
    completions: [
      ...shared.map((flag) => flagLine([], flag)),
      line(['not __delayer_command >/dev/null'], `-l version -d ${quote('show the version')}`),
      ...commands.flatMap(linesOf),
    ].join('\n'),
  };
}

function linesOf({ name, summary, flags, args, needs, runsProgram }: CommandModel): string[] {
  const isIt = `__delayer_is ${name}`;
  const conditions = [isIt, ...(needs === undefined ? [] : [`not __delayer_lacks ${needs}`])];
  return [
    line(['not __delayer_command >/dev/null'], `-a ${name} -d ${quote(summary)}`),
    ...flags.map((flag) => flagLine([isIt], flag)),
    ...args.map((values, i) => line([...conditions, ...placeOf(i, args)], valuesOf(values))),
    ...(runsProgram ? [line([isIt, '__delayer_runs_program'], "-a '(__delayer_program)'")] : []),
  ];
}

/** Whether an argument is the next one: by the words that may stand before it, for flags have values as well. */
function placeOf(i: number, args: readonly Values[]): string[] {
  const [own, before] = [args[i], args[i - 1]];
  return [
    ...(own?.kind === 'words' ? [`__delayer_lacks ${own.words.join(' ')}`] : []),
    ...(before?.kind === 'words' ? [`not __delayer_lacks ${before.words.join(' ')}`] : []),
  ];
}

function flagLine(conditions: readonly string[], { names, hiders, description, values }: FlagModel): string {
  const lacks =
    hiders.length === 0
      ? []
      : [`__delayer_lacks ${values === undefined ? '' : 'before '}${hiders.join(' ')}`];
  const words = names.map((name) => name.replace(/^--/, '-l ').replace(/^-(?!l )/, '-s '));
  const value = values === undefined ? '' : ` -r ${valuesOf(values)}`;
  return line([...conditions, ...lacks], `${words.join(' ')}${value} -d ${quote(description)}`);
}

const line = (conditions: readonly string[], rest: string): string =>
  `complete -c delayer ${conditions.length === 0 ? '' : `-n ${quote(conditions.join('; and '))} `}${rest}`;

function valuesOf(values: Values): string {
  switch (values.kind) {
    case 'text':
      return '-f';
    case 'files':
      return '-F';
    case 'folders':
      return "-f -a '(__fish_complete_directories)'";
    case 'contexts':
      return "-f -a '(__delayer_contexts)'";
    case 'words': {
      const words = values.words.join(' ');
      return `-f -a ${quote(values.isList ? `(__delayer_list ${words})` : words)}`;
    }
  }
}

const quote = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;

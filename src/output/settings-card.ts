import chalk from 'chalk';
import { dim, NONE } from './cells.js';
import { escapeText } from './escape.js';
import { type Cell, drawTable } from './layout.js';

/** The settings of commands that are given no flags. No password is in them. */
export interface SettingsView {
  /** Null where the URL is wrong; then `problem` says how. */
  readonly store: string | null;
  readonly problem?: string | undefined;
  readonly chosenBy: string;
  readonly context?: string | undefined;
  readonly prefix: string;
  /** Undefined where none is given apart from the URL. */
  readonly passwordFrom?: string | undefined;
  /** Null where there is no home for it. It need not exist. */
  readonly configFile: string | null;
  readonly contexts: readonly ContextView[];
}

export interface ContextView {
  readonly name: string;
  readonly store: string | null;
  readonly problem?: string | undefined;
  readonly prefix: string;
  readonly passwordFile?: string | undefined;
  /** Is it the one that the config file chooses? */
  readonly isCurrent: boolean;
}

/**
 * The settings, and below them a row for each context.
 * @param width cells of the terminal; absent where there is none
 */
export function settingsCard(view: SettingsView, width: number | undefined): string {
  const { context, passwordFrom } = view;
  const row = (name: string, value: Cell): Cell[] => [{ text: name, paint: chalk.bold }, value];
  const rows = [
    row('store', storeCell(view)),
    row('chosen by', {
      text: context === undefined ? view.chosenBy : `${view.chosenBy}, context ${escapeText(context)}`,
    }),
    row('prefix', { text: escapeText(view.prefix) }),
    row('password', passwordFrom === undefined ? NONE : { text: escapeText(passwordFrom) }),
    row(
      'config file',
      view.configFile === null ? dim('no home directory') : { text: escapeText(view.configFile) },
    ),
  ];
  const card = drawTable({
    columns: [{ head: '' }, { head: '' }],
    rows,
    width,
    hasHead: false,
    isBordered: false,
  });
  return `${card}\n${view.contexts.length === 0 ? '' : `\n${contextsTable(view.contexts, width)}\n`}`;
}

function contextsTable(contexts: readonly ContextView[], width: number | undefined): string {
  const columns = [
    { head: 'context' },
    { head: 'store', minWidth: 20 },
    { head: 'prefix', minWidth: 8 },
    { head: 'password file', minWidth: 8, drop: 1 },
    { head: 'current' },
  ];
  const rows = contexts.map((one): Cell[] => [
    { text: escapeText(one.name) },
    storeCell(one),
    { text: escapeText(one.prefix) },
    one.passwordFile === undefined ? NONE : { text: escapeText(one.passwordFile) },
    one.isCurrent ? { text: 'yes', paint: chalk.green } : NONE,
  ]);
  return drawTable({ columns, rows, width, paintHead: chalk.bold });
}

function storeCell({
  store,
  problem,
}: {
  readonly store: string | null;
  readonly problem?: string | undefined;
}): Cell {
  return store === null ? { text: escapeText(problem ?? ''), paint: chalk.red } : { text: escapeText(store) };
}

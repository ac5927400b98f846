import * as Flags from './oclif/flags.js';
import { DelayerError } from '../core/errors.js';
import { columnName, type NamedColumn, type Order } from '../output/columns.js';
import { nearest } from './nearest.js';

/** How a user wants a table to look. */
export const tableFlags = {
  columns: Flags.string({
    multiple: true,
    delimiter: ',' as const,
    helpGroup: 'TABLE',
    helpValue: 'NAME,…',
    description: 'show these columns, in this order',
  }),
  sort: Flags.string({
    helpGroup: 'TABLE',
    helpValue: 'NAME',
    description: 'sort by this column; -NAME sorts in descending order',
  }),
  'no-headers': Flags.boolean({
    helpGroup: 'TABLE',
    description: 'print rows without headers, for programs',
  }),
};

/**
 * The columns of these names. They are not dropped or narrowed on a narrow terminal, because the user asked for
 * them.
 * @throws DelayerError `usage` for a name that no column has
 */
export function chooseColumns<Row>(
  all: readonly NamedColumn<Row>[],
  names: readonly string[],
): NamedColumn<Row>[] {
  return names.map((name) => ({ ...find(all, name, 'columns'), drop: undefined }));
}

/** @throws DelayerError `usage` for a name that no column has */
export function toOrder<Row>(
  all: readonly NamedColumn<Row>[],
  text: string | undefined,
): Order<Row> | undefined {
  if (text === undefined) return undefined;
  const isDescending = text.startsWith('-');
  return { column: find(all, isDescending ? text.slice(1) : text, 'sort'), isDescending };
}

function find<Row>(all: readonly NamedColumn<Row>[], name: string, flag: string): NamedColumn<Row> {
  const column = all.find((one) => columnName(one) === name);
  if (column) return column;
  const names = all.map(columnName);
  const meant = nearest(name, names);
  throw new DelayerError('usage', `unknown column for --${flag}: ${JSON.stringify(name)}`, {
    hint: `${meant === undefined ? '' : `Did you mean ${meant}? `}The columns are ${names.join(', ')}.`,
  });
}

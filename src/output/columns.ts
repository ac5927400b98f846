import type { Cell, Column } from './layout.js';

/** The output for which a table is drawn. */
export interface View {
  readonly now: Date;
  /** Cells of the terminal; absent where there is none. */
  readonly width: number | undefined;
}

/** A column that users may name. */
export interface NamedColumn<Row> extends Column {
  readonly cell: (row: Row, view: View) => Cell;
  /** The value that rows are sorted by; rows without one come last. */
  readonly value: (row: Row, view: View) => number | string | undefined;
}

/**
 * The name that users type: the head of the column with dashes, because names are separated by commas, and words by
 * spaces.
 */
export const columnName = ({ head }: Column): string => head.replaceAll(' ', '-');

export interface Order<Row> {
  readonly column: NamedColumn<Row>;
  readonly isDescending: boolean;
}

/** Compares rows by a column: numbers by size, text byte by byte as latin1. */
export function comparing<Row>({ column, isDescending }: Order<Row>, view: View): (a: Row, b: Row) => number {
  const sign = isDescending ? -1 : 1;
  return (a, b) => {
    const [left, right] = [column.value(a, view), column.value(b, view)];
    if (left === right) return 0;
    if (left === undefined || right === undefined) return left === undefined ? 1 : -1;
    return left < right ? -sign : sign;
  };
}

export const cellsOf = <Row>(row: Row, columns: readonly NamedColumn<Row>[], view: View): Cell[] =>
  columns.map(({ cell }) => cell(row, view));

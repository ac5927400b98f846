import type { Cell, Column } from './layout.js';

/** What a table is drawn for. */
export interface View {
  readonly now: Date;
  /** Cells of the terminal; absent where there is none. */
  readonly width: number | undefined;
}

/** A column that users may name. */
export interface NamedColumn<Row> extends Column {
  readonly cell: (row: Row, view: View) => Cell;
  /** What rows are sorted by; absent where nothing is known of the row, which comes last then. */
  readonly value: (row: Row, view: View) => number | string | undefined;
}

/** How users name it: as its head, with dashes, for they separate names by commas and words by spaces. */
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

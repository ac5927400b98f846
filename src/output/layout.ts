import Table from 'cli-table3';
import stringWidth from 'string-width';

type Row = readonly string[];

/**
 * Rows that are drawn with borders. cli-table3 compares each cell with all cells above it, so its time grows
 * with the square of the rows; and a list that is longer goes through a pager or grep, not past an eye.
 */
const MAX_BORDERED_ROWS = 500;

/** Colours, as chalk writes them. */
const COLOUR = /\u001b\[[\d;]*m/g;
const ASCII = /^[ -~]*$/;

/**
 * Lays rows out in columns, each row on one line: with borders, or, where there are very many rows, with two
 * spaces between the columns.
 * @param head may be empty
 */
export function drawTable(head: Row, rows: readonly Row[]): string {
  if (rows.length > MAX_BORDERED_ROWS) return alignColumns(head.length > 0 ? [head, ...rows] : rows);
  const table = new Table({ head: [...head], style: { head: [], border: [], compact: true } });
  for (const row of rows) table.push([...row]);
  return table.toString();
}

/** Cells of a terminal that a table with borders needs. */
export function tableWidth(head: Row, rows: readonly Row[]): number {
  return columnWidths([head, ...rows]).reduce((sum, width) => sum + width + 3, 1);
}

function alignColumns(rows: readonly Row[]): string {
  const widths = columnWidths(rows);
  const line = (row: Row) => row.map((cell, i) => pad(cell, widths[i] ?? 0)).join('  ');
  return rows.map((row) => line(row).trimEnd()).join('\n');
}

function columnWidths(rows: readonly Row[]): number[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cellWidth(cell));
  }
  return widths;
}

function pad(cell: string, width: number): string {
  return cell + ' '.repeat(width - cellWidth(cell));
}

/** Cells of a terminal that a text takes: letters of some scripts and emoji take two. */
function cellWidth(cell: string): number {
  const text = cell.replace(COLOUR, '');
  return ASCII.test(text) ? text.length : stringWidth(text);
}

import stringWidth from 'string-width';

type Row = readonly string[];

/** Colours, as chalk writes them. */
const COLOUR = /\u001b\[[\d;]*m/g;
const ASCII = /^[ -~]*$/;

/**
 * Draws a table: borders around it and between the columns, a line below the head, each row on one line.
 * Its time grows with its rows, while libraries for tables compare each cell with all rows above it.
 * @param head may be empty
 */
export function drawTable(head: Row, rows: readonly Row[]): string {
  const widths = columnWidths(head, rows);
  const border = (left: string, middle: string, right: string) =>
    left + widths.map((width) => '─'.repeat(width + 2)).join(middle) + right;
  const line = (row: Row) => `│ ${row.map((cell, i) => pad(cell, widths[i] ?? 0)).join(' │ ')} │`;
  return [
    border('┌', '┬', '┐'),
    ...(head.length > 0 ? [line(head), border('├', '┼', '┤')] : []),
    ...rows.map(line),
    border('└', '┴', '┘'),
  ].join('\n');
}

/** Cells of a terminal that a table needs. */
export function tableWidth(head: Row, rows: readonly Row[]): number {
  const widths = columnWidths(head, rows);
  return widths.reduce((sum, width) => sum + width + 3, 1);
}

function columnWidths(head: Row, rows: readonly Row[]): number[] {
  const widths = head.map(cellWidth);
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

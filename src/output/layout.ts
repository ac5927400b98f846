import Table from 'cli-table3';
import { cellWidth, cutToWidth } from './cell-width.js';

/** A cell of a table. */
export interface Cell {
  readonly text: string;
  /** A shorter text, for a narrow terminal. */
  readonly short?: string | undefined;
  /** A text without spaces, for a pipe: programs split lines at spaces. */
  readonly plain?: string | undefined;
  /** Colours, applied after the text was cut. */
  readonly paint?: ((text: string) => string) | undefined;
}

export interface Column {
  readonly head: string;
  readonly alignRight?: boolean;
  /** To how many cells it may be cut on a narrow terminal; absent when it is never cut. */
  readonly minWidth?: number;
  /** On a narrow terminal the column with the lowest number is left out first. Absent: never. */
  readonly drop?: number | undefined;
}

export interface TableOptions {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  /**
   * Cells of the terminal; absent without one: whole text, without borders, in columns that are aligned except where
   * a text is very long.
   */
  readonly width: number | undefined;
  readonly paintHead?: (text: string) => string;
  /** True when absent. */
  readonly hasHead?: boolean | undefined;
  /** May it have borders if there is room? True when absent. */
  readonly isBordered?: boolean | undefined;
}

/** One way to draw a table. */
interface Look {
  readonly bordered: boolean;
  readonly form: 'text' | 'short' | 'plain';
  /** Columns whose `drop` is not above this are left out. */
  readonly dropped: number;
}

const PIPE: Look = { bordered: false, form: 'plain', dropped: 0 };
/** In this order; the first that fits is taken. If none fits, columns are left out one by one. */
const WHOLE_LOOKS: readonly Look[] = [
  { bordered: true, form: 'text', dropped: 0 },
  { bordered: true, form: 'short', dropped: 0 },
  { bordered: false, form: 'short', dropped: 0 },
];

/**
 * The most rows that are drawn with borders. cli-table3 compares each cell with all cells above it, so its time
 * grows with the square of the rows; and longer lists are read with a pager or grep.
 */
const MAX_BORDERED_ROWS = 500;
/**
 * The widest text (cells) that widens its column in a pipe. A wider one is whole, but moves the rest of its own row:
 * padding all rows to an id of a megabyte would take memory by rows times its length.
 */
const MAX_PADDED_WIDTH = 256;
/** A placeholder for one cell while cli-table3 draws: a private-use character, one cell wide. */
const PLACEHOLDER = '\ue000';

const GAP = '  ';
/** If even the narrowest look does not fit, columns are cut to so many cells. */
const LEAST_WIDTH = 4;

/** Draws rows, each on one line, below their head, if there is one; ends without a newline. */
export function drawTable({ rows, ...options }: TableOptions): string {
  return new TableParts(options).draw(rows);
}

/**
 * A table that is drawn part by part. The first part decides how it looks and how wide its columns are; in a pipe,
 * columns widen when a later part needs it.
 */
export class TableParts {
  private layout: Layout | undefined;

  constructor(private readonly options: Omit<TableOptions, 'rows'>) {}

  /** The lines of the next rows, below the head in the first part; ends without a newline. */
  draw(rows: TableOptions['rows']): string {
    const { columns, paintHead = (text: string) => text, hasHead = true } = this.options;
    const { width, isBordered = true } = this.options;
    const isFirst = this.layout === undefined;
    const { look, widths } = (this.layout ??= layOut(columns, rows, width, { hasHead, isBordered }));
    const now = width === undefined && !isFirst ? widen(widths, pipeWidths([], rows)) : widths;
    this.layout = { look, widths: now };
    const head =
      isFirst && hasHead ? columns.map(({ head: text }) => ({ text, paint: paintHead })) : undefined;
    return drawLines(columns, rows, this.layout, head);
  }
}

interface Layout {
  readonly look: Look;
  readonly widths: readonly number[];
}

function layOut(
  columns: readonly Column[],
  rows: TableOptions['rows'],
  width: number | undefined,
  { hasHead, isBordered }: { readonly hasHead: boolean; readonly isBordered: boolean },
): Layout {
  const heads = hasHead ? columns : [];
  if (width === undefined) return { look: PIPE, widths: pipeWidths(heads, rows) };
  const looks = [...WHOLE_LOOKS, ...droppingLooks(columns)];
  const mayHaveBorders = isBordered && rows.length <= MAX_BORDERED_ROWS;
  for (const look of looks.filter(({ bordered }) => mayHaveBorders || !bordered)) {
    const room = width - frameWidth(columns, look);
    const widths = fit(columns, naturalWidths(heads, rows, look), room, look);
    if (sum(shown(columns, widths, look)) <= room) return { look, widths };
  }
  const look = looks.at(-1) ?? PIPE;
  const room = width - frameWidth(columns, look);
  return { look, widths: cut(columns, naturalWidths(heads, rows, look), room, look) };
}

/** The looks with one column less each. */
function droppingLooks(columns: readonly Column[]): Look[] {
  const order = columns.flatMap(({ drop }) => drop ?? []).sort((a, b) => a - b);
  return order.map((dropped) => ({ bordered: false, form: 'short', dropped }));
}

const widen = (widths: readonly number[], others: readonly number[]): number[] =>
  widths.map((width, i) => Math.max(width, others[i] ?? 0));

const textOf = (cell: Cell, { form }: Look): string =>
  (form === 'text' ? undefined : cell[form]) ?? cell.text;

/** @param widest a text that is wider (cells) counts as none */
function naturalWidths(
  columns: readonly Column[],
  rows: TableOptions['rows'],
  look: Look,
  widest = Infinity,
): number[] {
  const widths = columns.map(({ head }) => cellWidth(head));
  for (const row of rows) {
    for (const [i, cell] of row.entries()) {
      const width = cellWidth(textOf(cell, look));
      widths[i] = Math.max(widths[i] ?? 0, width <= widest ? width : 0);
    }
  }
  return widths;
}

const pipeWidths = (columns: readonly Column[], rows: TableOptions['rows']): number[] =>
  naturalWidths(columns, rows, PIPE, MAX_PADDED_WIDTH);

/** Shrinks columns that may be cut to what the others leave, and no further than needed. */
function fit(columns: readonly Column[], natural: readonly number[], room: number, look: Look): number[] {
  const least = natural.map((width, i) => Math.min(width, columns[i]?.minWidth ?? width));
  let left = room - sum(shown(columns, least, look));
  return natural.map((width, i) => {
    const smallest = least[i] ?? width;
    const more = Math.max(0, Math.min(width - smallest, left));
    left -= more;
    return smallest + more;
  });
}

/** Cuts the widest columns. */
function cut(columns: readonly Column[], widths: readonly number[], room: number, look: Look): number[] {
  let most = Math.max(...widths);
  const cutTo = () => widths.map((width) => Math.min(width, most));
  while (most > LEAST_WIDTH && sum(shown(columns, cutTo(), look)) > room) most -= 1;
  return cutTo();
}

function drawLines(
  columns: readonly Column[],
  rows: TableOptions['rows'],
  { look, widths }: Layout,
  head: readonly Cell[] | undefined,
): string {
  const hasHead = head?.some(({ text }) => text !== '') ?? false;
  const cellsOf = (row: readonly Cell[]): string[] => {
    const cells = row.map((cell, i) => {
      const whole = textOf(cell, look);
      const text = look === PIPE ? whole : cutToWidth(whole, widths[i] ?? 0);
      const space = ' '.repeat(Math.max(0, (widths[i] ?? 0) - cellWidth(text)));
      const painted = cell.paint ? cell.paint(text) : text;
      return columns[i]?.alignRight === true ? space + painted : painted + space;
    });
    return shown(columns, cells, look);
  };
  const lines = [...(head && hasHead ? [head] : []), ...rows].map(cellsOf);
  if (look.bordered) return frame(lines, shown(columns, widths, look), hasHead);
  return lines.map((cells) => cells.join(GAP).trimEnd()).join('\n');
}

/**
 * Puts borders around cells that are as wide as their columns. cli-table3 counts some characters otherwise than
 * terminals do (see `cellWidth`), so it draws placeholders, which are then replaced by the cells.
 */
function frame(lines: readonly string[][], widths: readonly number[], hasHead: boolean): string {
  const places = widths.map((width) => PLACEHOLDER.repeat(Math.max(1, width)));
  const table = new Table({
    style: { head: [], border: [], compact: true },
    ...(hasHead ? { head: places } : {}),
  });
  for (let i = hasHead ? 1 : 0; i < lines.length; i += 1) table.push(places);
  const cells = lines.flatMap((line) => line.map((cell) => (cell === '' ? ' ' : cell))).values();
  return table.toString().replaceAll(new RegExp(`${PLACEHOLDER}+`, 'g'), () => cells.next().value ?? '');
}

function shown<T>(columns: readonly Column[], perColumn: readonly T[], { dropped }: Look): T[] {
  return perColumn.filter((_, i) => (columns[i]?.drop ?? Infinity) > dropped);
}

/** Cells between and around the columns. */
function frameWidth(columns: readonly Column[], look: Look): number {
  const count = shown(columns, columns, look).length;
  return look.bordered ? 3 * count + 1 : GAP.length * (count - 1);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

import { cellWidth } from '../output/cell-width.js';

/** Lines with colours: SGR sequences take no cells. Text of jobs in them has been escaped before. */

const COLOUR = /\x1b\[[\d;]*m/g;
/** Matches a colour, or a character. */
const PIECES = /\x1b\[[\d;]*m|./gsu;
const RESET = '\x1b[0m';

/** The visible part of a line. */
export const plain = (line: string): string => line.replace(COLOUR, '');

/** Cells that a line takes. */
export const cellsOf = (line: string): number => cellWidth(plain(line));

/** As much of a line as fits, with its colours; an ellipsis stands for the rest. */
export function clip(line: string, width: number): string {
  if (cellsOf(line) <= width) return line;
  if (width < 1) return '';
  let cells = 0;
  let kept = '';
  for (const [piece] of line.matchAll(PIECES)) {
    const isColour = piece.length > 1 && piece.startsWith('\x1b');
    cells += isColour ? 0 : cellWidth(piece);
    if (cells > width - 1) break;
    kept += piece;
  }
  return `${kept}…${kept.includes('\x1b') ? RESET : ''}`;
}

/** A line broken at blanks, if it has some, into lines that fit; colours end with each line. */
export function wrap(line: string, width: number): string[] {
  if (cellsOf(line) <= width) return [line];
  if (line.includes('\x1b')) return [clip(line, width)];
  const lines: string[] = [];
  let rest = line;
  while (cellWidth(rest) > width) {
    const whole = prefixOf(rest, width);
    const blank = whole.lastIndexOf(' ');
    // A word longer than half a line is broken, because ids and JSON have no blanks.
    const isWord = rest[whole.length] !== ' ' && blank > whole.length / 2;
    const part = isWord ? whole.slice(0, blank) : whole;
    lines.push(part);
    rest = rest.slice(part.length).replace(/^ /, '');
  }
  return rest === '' ? lines : [...lines, rest];
}

/** The longest beginning of a text that fits; one character at least. */
function prefixOf(text: string, width: number): string {
  let cells = 0;
  let prefix = '';
  for (const char of text) {
    cells += cellWidth(char);
    if (cells > width && prefix !== '') break;
    prefix += char;
  }
  return prefix;
}

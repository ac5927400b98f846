import { cellsOf } from './lines.js';
import type { Size } from './state.js';

const RESET = '\x1b[0m';
const TO_END = '\x1b[K';
const CLEAR = '\x1b[2J';

/** What a terminal shows, so that only the lines that differ are sent to it. */
export class Screen {
  private shown: readonly string[] = [];
  private size: Size | undefined;

  /** What the terminal shows is not known any more: all of it is drawn next. */
  forget(): void {
    this.size = undefined;
  }

  /** What makes the screen show the lines, of which each fits; empty where it shows them already. */
  draw(lines: readonly string[], size: Size): string {
    const isWhole = this.size?.columns !== size.columns || this.size.rows !== size.rows;
    const before = isWhole ? [] : this.shown;
    this.shown = lines;
    this.size = size;
    const changes = lines.flatMap((line, i) =>
      line === (before[i] ?? '') ? [] : [lineAt(i, line, size.columns)],
    );
    return (isWhole ? RESET + CLEAR : '') + changes.join('');
  }
}

/** A line that ends in the last column is not cleared behind: some terminals would clear its last cell. */
function lineAt(row: number, line: string, columns: number): string {
  return `\x1b[${row + 1};1H${line}${cellsOf(line) < columns ? TO_END : ''}`;
}

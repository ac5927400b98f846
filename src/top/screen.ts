import { cellsOf } from './lines.js';
import type { Size } from './state.js';

const RESET = '\x1b[0m';
const TO_END = '\x1b[K';
const CLEAR = '\x1b[2J';

/** Remembers what a terminal shows, so that only changed lines are sent to it. */
export class Screen {
  private shown: readonly string[] = [];
  private size: Size | undefined;

  /** It is not known any more what the terminal shows, so everything is drawn next. */
  forget(): void {
    this.size = undefined;
  }

  /**
   * The output that makes the screen show these lines, each of which fits; empty when it shows them already.
   */
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

/**
 * After a line that ends in the last column nothing is cleared, because some terminals would clear its last cell.
 */
function lineAt(row: number, line: string, columns: number): string {
  return `\x1b[${row + 1};1H${line}${cellsOf(line) < columns ? TO_END : ''}`;
}

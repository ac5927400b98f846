import { cellWidth } from './cell-width.js';
import { writeStdout } from './stdout.js';

/** SGR sequences, which set colours. */
const COLOURS = /\u001b\[[\d;]*m/g;

/** Text on a terminal that is redrawn in place; the last one stays there. */
export class RedrawnText {
  private rows = 0;

  /** Cuts off what does not fit: lines that have scrolled off the top cannot be redrawn. */
  async draw(text: string, { width, height }: { width: number; height: number }): Promise<void> {
    const back = this.rows === 0 ? '' : `\u001b[${this.rows}A`;
    const lines = text.trimEnd().split('\n');
    this.rows = 0;
    let shown = '';
    for (const line of lines) {
      const rows = Math.max(1, Math.ceil(cellWidth(line.replace(COLOURS, '')) / width));
      // The last row is for the cursor.
      if (this.rows + rows >= height) break;
      this.rows += rows;
      shown += `${line}\n`;
    }
    await writeStdout(`${back}\r\u001b[J${shown}`);
  }
}

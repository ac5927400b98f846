import type { Queue } from '../core/queue.js';
import { escapeText } from '../output/escape.js';
import { stdoutIsTerminal } from '../output/stdout.js';
import { terminalHeight, terminalWidth, wantsColour } from './config/settings.js';

/** Cells that a table may take; undefined where no terminal sets a bound. */
export function tableWidth(): number | undefined {
  return stdoutIsTerminal() ? terminalWidth() : undefined;
}

/** Columns and rows of the terminal on stdout. */
export const terminalSize = (): { width: number; height: number } => ({
  width: terminalWidth(),
  height: terminalHeight(),
});

/** Loads what draws a table, and decides on colours: only when one is drawn. */
export async function loadTable<T>(load: () => Promise<T>): Promise<T> {
  const [{ useColour }, table] = await Promise.all([import('../output/paint.js'), load()]);
  useColour(stdoutIsTerminal() && wantsColour());
  return table;
}

/** Says on a terminal which store a table shows: a line above it. */
export function tableTitle({ label }: Queue): string {
  return stdoutIsTerminal() ? `${escapeText(label)}\n` : '';
}

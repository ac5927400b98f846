import type { Queue } from '../core/queue.js';
import { escapeText } from '../output/escape.js';
import { stdoutIsTerminal } from '../output/stdout.js';
import { terminalHeight, terminalWidth, wantsColour } from './config/terminal.js';

/** How many cells wide a table may be; undefined when no terminal limits it. */
export function tableWidth(): number | undefined {
  return stdoutIsTerminal() ? terminalWidth() : undefined;
}

/** Columns and rows of the terminal on stdout. */
export const terminalSize = (): { width: number; height: number } => ({
  width: terminalWidth(),
  height: terminalHeight(),
});

/** Loads the code that draws tables, and decides on colours; only when a table is drawn. */
export async function loadTable<T>(load: () => Promise<T>): Promise<T> {
  const [{ useColour }, table] = await Promise.all([import('../output/paint.js'), load()]);
  useColour(wantsColour(stdoutIsTerminal()));
  return table;
}

/** On a terminal a line above the table names its store. */
export function tableTitle({ label }: Queue): string {
  return stdoutIsTerminal() ? `${escapeText(label)}\n` : '';
}

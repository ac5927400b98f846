import type { Queue } from '../core/queue.js';
import { escapeText } from '../output/escape.js';
import { stdoutIsTerminal } from '../output/stdout.js';
import { terminalWidth, wantsColour } from './config/settings.js';

/** Cells that a table may take; undefined where no terminal sets a bound. */
export function tableWidth(): number | undefined {
  return stdoutIsTerminal() ? terminalWidth() : undefined;
}

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

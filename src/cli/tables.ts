import { stdoutIsTerminal } from '../output/stdout.js';
import { terminalWidth, wantsColour } from './config/settings.js';

/** Cells that a table may take; undefined where no terminal sets a bound. */
export function tableWidth(): number | undefined {
  return stdoutIsTerminal() ? terminalWidth() : undefined;
}

/** Tables and colours are loaded only when a table is drawn. */
export async function loadTables(): Promise<typeof import('../output/table.js')> {
  const tables = await import('../output/table.js');
  tables.useColour(stdoutIsTerminal() && wantsColour());
  return tables;
}

/** The same of those for dead letters. */
export async function loadDeadTables(): Promise<typeof import('../output/dead-table.js')> {
  await loadTables();
  return import('../output/dead-table.js');
}

/** The same of that for daemons. */
export async function loadDaemonsTable(): Promise<typeof import('../output/daemons-table.js')> {
  await loadTables();
  return import('../output/daemons-table.js');
}

import { setting } from './environment.js';

export const COLOUR_CHOICES = ['auto', 'always', 'never'] as const;
export type ColourChoice = (typeof COLOUR_CHOICES)[number];

let colourChoice: ColourChoice = 'auto';

/** Sets what the user chose with --color, for the rest of this process. */
export function chooseColour(choice: ColourChoice): void {
  colourChoice = choice;
}

/**
 * Does the user want colours in output that goes to a terminal, or elsewhere? Without --color, NO_COLOR
 * (https://no-color.org) counts before CLICOLOR_FORCE, and that before CLICOLOR (https://bixense.com/clicolors).
 */
export function wantsColour(isTerminal: boolean): boolean {
  if (colourChoice !== 'auto') return colourChoice === 'always';
  if (setting('NO_COLOR') !== undefined) return false;
  if ((setting('CLICOLOR_FORCE') ?? '0') !== '0') return true;
  return isTerminal && setting('CLICOLOR') !== '0' && setting('TERM') !== 'dumb';
}

/** For terminals that do not say. */
const DEFAULT_WIDTH = 80;
const DEFAULT_HEIGHT = 24;

/** Columns of the terminal on stdout. */
export function terminalWidth(): number {
  // Some terminals answer 0.
  return process.stdout.columns || DEFAULT_WIDTH;
}

/** Rows of the terminal. */
export function terminalHeight(): number {
  return process.stdout.rows || DEFAULT_HEIGHT;
}

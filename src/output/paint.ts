import chalk from 'chalk';
import type { JobState } from '../core/job.js';

/** chalk's level of 16 colours, for output whose terminal is not known. */
const BASIC_LEVEL = 1;

/** Switches colours off, or on where chalk itself would not use them. */
export function useColour(isWanted: boolean): void {
  if (!isWanted) chalk.level = 0;
  else if (chalk.level === 0) chalk.level = BASIC_LEVEL;
}

export const PAINT: Record<JobState, (text: string) => string> = {
  delayed: chalk.cyan,
  due: chalk.yellow,
  ready: chalk.green,
  leased: chalk.magenta,
  expired: chalk.gray,
  dead: chalk.red,
};

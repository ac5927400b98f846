import chalk from 'chalk';
import type { JobState } from '../core/job.js';

/** Colours on terminals whose user has not declined them. */
export function useColour(on: boolean): void {
  if (!on) chalk.level = 0;
}

export const PAINT: Record<JobState, (text: string) => string> = {
  delayed: chalk.cyan,
  due: chalk.yellow,
  ready: chalk.green,
  leased: chalk.magenta,
  expired: chalk.gray,
  dead: chalk.red,
};

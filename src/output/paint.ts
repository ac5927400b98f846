import chalk from 'chalk';
import type { JobState } from '../core/job.js';

/** Colour is for terminals whose user has not refused it. */
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

import chalk from 'chalk';
import type { JobState } from '../core/job.js';
import { PAINT } from './paint.js';

/** How parts of a full-screen view stand out. */
export const paint = {
  bold: chalk.bold,
  dim: chalk.dim,
  inverse: chalk.inverse,
  warn: chalk.yellow,
  bad: chalk.red,
  state: (state: JobState, text: string): string => PAINT[state](text),
};

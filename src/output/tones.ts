import chalk from 'chalk';
import type { JobState } from '../core/job.js';
import { PAINT } from './paint.js';

/** The ways in which parts of the full-screen view are emphasised. */
export const paint = {
  bold: chalk.bold,
  dim: chalk.dim,
  inverse: chalk.inverse,
  warn: chalk.yellow,
  bad: chalk.red,
  state: (state: JobState, text: string): string => PAINT[state](text),
};

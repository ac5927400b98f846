import { writeSync } from 'node:fs';
import type { DelayerError } from '../core/errors.js';
import { escapeText } from '../output/escape.js';
import { jobToJson, toJsonLine } from '../output/json.js';
import { isTerminal } from '../output/terminal.js';

const STDERR = 2;

/** A line for people. */
export function printNote(message: string): void {
  writeStderr(`delayer: ${escapeText(message)}\n`);
}

/**
 * One line about an error: what was wrong, and what to do. Jobs that were in hand follow, a line each:
 * nobody else may have them.
 */
export function printError({ message, jobs }: DelayerError, hint: string): void {
  printNote(`${message.replace(/[.\s]+$/, '')}. ${hint}`);
  for (const job of jobs) writeStderr(`${toJsonLine(jobToJson(job))}\n`);
}

/** The same as one line of JSON. */
export function printErrorJson(
  { code, message, jobs }: DelayerError,
  hint: string,
  more: Record<string, unknown> = {},
): void {
  const inHand = jobs.length > 0 ? { jobs: jobs.map(jobToJson) } : {};
  writeStderr(`${toJsonLine({ error: { code, message, hint, ...inHand, ...more } })}\n`);
}

export function stderrIsTerminal(): boolean {
  return isTerminal(STDERR);
}

/** A line on a terminal that the next one replaces. */
export function printProgress(message: string): void {
  writeStderr(`\r\x1b[K${message}`);
}

export function clearProgress(): void {
  writeStderr('\r\x1b[K');
}

export function writeStderr(text: string): void {
  try {
    writeSync(STDERR, text);
  } catch {
    // Nobody reads stderr any more. That is no reason to stop working.
  }
}

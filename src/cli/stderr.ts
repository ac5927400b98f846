import { writeSync } from 'node:fs';
import { DelayerError } from '../core/errors.js';
import { jobToJson, toJsonLine } from '../output/json.js';
import { escapeText } from '../output/escape.js';
import { isTerminal } from '../output/terminal.js';

const STDERR = 2;

/** A line for people, on stderr. */
export function say(message: string): void {
  writeStderr(`delayer: ${escapeText(message)}\n`);
}

/**
 * The one line that tells of an error: what was wrong, and what to do; as JSON with more about it. Jobs
 * that were in hand follow, a line each: nobody else may have them.
 */
export function sayError(error: DelayerError, asJson: boolean, about: Record<string, unknown> = {}): void {
  const { code, message, hint } = error;
  const jobs = error.jobs.map(jobToJson);
  if (asJson) {
    const inHand = jobs.length > 0 ? { jobs } : {};
    writeStderr(`${toJsonLine({ error: { code, message, hint, ...inHand, ...about } })}\n`);
    return;
  }
  say(`${message.replace(/[.\s]+$/, '')}. ${hint}`);
  for (const job of jobs) writeStderr(`${toJsonLine(job)}\n`);
}

export function stderrIsTerminal(): boolean {
  return isTerminal(STDERR);
}

/** A line on a terminal that the next one replaces. */
export function sayProgress(message: string): void {
  writeStderr(`\r\x1b[K${message}`);
}

export function endProgress(): void {
  writeStderr('\r\x1b[K');
}

export function writeStderr(text: string): void {
  try {
    writeSync(STDERR, text);
  } catch {
    // Nobody listens any more; what is printed is no reason to stop working.
  }
}

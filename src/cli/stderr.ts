import { writeSync } from 'node:fs';
import { type DelayerError, ERRORS } from '../core/errors.js';
import { escapeText } from '../output/escape.js';
import { jobToJson, toJsonLine } from '../output/json.js';
import { isTerminal } from '../output/terminal.js';

const STDERR = 2;

/** `quiet`: errors alone. `normal`: what cron should not mail is shown on a terminal alone. `verbose`: all. */
export type Verbosity = 'quiet' | 'normal' | 'verbose';
let verbosity: Verbosity = 'normal';

export function setVerbosity(level: Verbosity): void {
  verbosity = level;
}

/** Is a success told of? Not where nobody looks: cron mails all that is printed. */
export function tellsOfSuccess(): boolean {
  return verbosity === 'verbose' || (verbosity === 'normal' && stderrIsTerminal());
}

/** A line about what went well. */
export function printInfo(message: string): void {
  if (tellsOfSuccess()) printLine(message);
}

/** A line about what a user has to know. */
export function printNote(message: string): void {
  if (verbosity !== 'quiet') printLine(message);
}

function printLine(message: string): void {
  writeStderr(`delayer: ${escapeText(message)}\n`);
}

/**
 * One line about an error: what was wrong, and what to do. Jobs that were in hand follow, a line each:
 * nobody else may have them.
 */
export function printError({ message, jobs }: DelayerError, hint: string): void {
  printLine(`${message.replace(/[.\s]+$/, '')}. ${hint}`);
  for (const job of jobs) writeStderr(`${toJsonLine(jobToJson(job))}\n`);
}

/** What is wrong with one line of the input, of many, and what to do where that is not the same for each. */
export function printLineError(line: number, { code, message, hint }: DelayerError): void {
  printLine(`line ${line}: ${message}${hint === ERRORS[code].hint ? '' : `. ${hint}`}`);
}

/** An error as one line of JSON. */
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

/** Progress is drawn so often (ms) at most. */
const PROGRESS_MS = 200;

/** The progress of long work: a line on a terminal, drawn now and then; nothing anywhere else. */
export class ProgressLine {
  private drawnAt = 0;
  private isDrawn = false;
  private readonly isShown: boolean;

  /** @param isWanted false where something else on the terminal is progress enough */
  constructor(isWanted = true) {
    this.isShown = isWanted && stderrIsTerminal();
  }

  draw(text: () => string): void {
    if (!this.isShown || verbosity === 'quiet' || Date.now() - this.drawnAt < PROGRESS_MS) return;
    this.drawnAt = Date.now();
    this.isDrawn = true;
    printProgress(text());
  }

  clear(): void {
    if (this.isDrawn) clearProgress();
    this.isDrawn = false;
  }
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

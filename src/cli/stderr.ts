import { writeSync } from 'node:fs';
import { type DelayerError, ERRORS } from '../core/errors.js';
import { escapeText } from '../output/escape.js';
import { jobToJson, toJsonLine } from '../output/json.js';
import { isTerminal } from '../output/terminal.js';

const STDERR = 2;

/** Clears the line of a terminal. */
export const CLEAR = '\r\x1b[K';

/**
 * `quiet`: errors only. `normal`: successes are printed on a terminal only, because cron mails what is printed.
 * `verbose`: everything.
 */
export type Verbosity = 'quiet' | 'normal' | 'verbose';
let verbosity: Verbosity = 'normal';

export function setVerbosity(level: Verbosity): void {
  verbosity = level;
}

/** Is a success to be printed? Not in a pipe: cron mails everything that is printed. */
export function tellsOfSuccess(): boolean {
  return verbosity === 'verbose' || (verbosity === 'normal' && stderrIsTerminal());
}

/** A line about what went well. */
export function printInfo(message: string): void {
  if (tellsOfSuccess()) printLine(message);
}

/** A line that the user has to see. */
export function printNote(message: string): void {
  if (verbosity !== 'quiet') printLine(message);
}

function printLine(message: string): void {
  writeStderr(`delayer: ${escapeText(message)}\n`);
}

/**
 * One line about an error: what was wrong, and what to do. Jobs that were in hand follow, a line each, because they
 * may be nowhere else.
 */
export function printError({ message, jobs }: DelayerError, hint: string): void {
  printLine(`${message.replace(/[.\s]+$/, '')}. ${hint}`);
  for (const job of jobs) writeStderr(`${toJsonLine(jobToJson(job))}\n`);
}

/** What is wrong with one line of an input, and what to do unless that is the same for each. */
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

/** Can a line on stderr be overwritten? */
export function canRedraw(): boolean {
  return stderrIsTerminal() && process.env.TERM !== 'dumb';
}

/** How often (ms) progress is drawn at most. */
const PROGRESS_MS = 200;

/** The progress of long work: on a terminal a line that is redrawn now and then; nothing anywhere else. */
export class ProgressLine {
  private drawnAt = 0;
  private isDrawn = false;
  private readonly isShown: boolean;

  /** @param isWanted false where other output on the terminal shows enough progress */
  constructor(isWanted = true) {
    this.isShown = isWanted && canRedraw();
  }

  draw(text: () => string): void {
    if (!this.isShown || verbosity === 'quiet' || Date.now() - this.drawnAt < PROGRESS_MS) return;
    this.drawnAt = Date.now();
    this.isDrawn = true;
    writeStderr(`${CLEAR}${text()}`);
  }

  clear(): void {
    if (this.isDrawn) writeStderr(CLEAR);
    this.isDrawn = false;
  }
}

let writer: ((text: string) => void) | undefined;

/** A process that works on while nobody reads its stderr has a queue (stderr-queue.ts); undefined: others write at once. */
export function setStderrWriter(write: typeof writer): void {
  writer = write;
}

export function writeStderr(text: string): void {
  if (writer === undefined) writeNow(text);
  else writer(text);
}

function writeNow(text: string): void {
  try {
    writeSync(STDERR, text);
  } catch {
    // Nobody reads stderr any more, which is no reason to stop working.
  }
}

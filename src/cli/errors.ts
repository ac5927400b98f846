import { DelayerError, isTransient } from '../core/errors.js';
import { OutputError } from '../output/stdout.js';
import { hasSwitch } from './argv.js';
import { hintFor } from './hints.js';
import { printError, printErrorJson, writeStderr } from './stderr.js';

/** 128 + SIGPIPE: what the shell shows of a program whose reader went away. */
const SIGPIPE_EXIT_CODE = 141;

/** Tells what ended a command, and sets the exit code that says the same. */
export function reportError(error: Error, argv: readonly string[], command: string): void {
  const failure = toDelayerError(error);
  process.exitCode = failure.exitCode;
  if (isReaderGone(error)) process.exitCode = SIGPIPE_EXIT_CODE;
  else if (hasSwitch(argv, 'json')) printErrorJson(failure, hintFor(failure, command));
  else printError(failure, hintFor(failure, command));
  if (hasSwitch(argv, 'debug')) writeStderr(`${withCauses(error)}\n`);
}

/** Is it no failure of its own when a signal ends the command? The signal says how it ended then. */
export function passesWithTheSignal(error: Error): boolean {
  return isTransient(error) || isReaderGone(error);
}

/** Is nobody there any more who would read what is printed? */
export function isReaderGone(error: Error): boolean {
  return error instanceof OutputError ? error.readerGone : (error as NodeJS.ErrnoException).code === 'EPIPE';
}

/** What the outside is told of an error: one that nobody made on purpose is `internal`. */
export function toDelayerError(error: Error): DelayerError {
  if (error instanceof DelayerError) return error;
  const code = error instanceof OutputError ? 'output_failed' : 'internal';
  return new DelayerError(code, error.message, { cause: error });
}

function withCauses(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stack = error.stack ?? error.message;
  return error.cause === undefined ? stack : `${stack}\ncaused by: ${withCauses(error.cause)}`;
}

import { DelayerError, isTransient } from '../core/errors.js';
import { OutputError } from '../output/stdout.js';
import { hasSwitch } from './argv.js';
import { hintFor } from './hints.js';
import { printError, printErrorJson, writeStderr } from './stderr.js';

/** 128 + SIGPIPE: what the shell shows of a program whose reader went away. */
const SIGPIPE_EXIT_CODE = 141;

/** Prints the error that ended a command, and sets the matching exit code. */
export function reportError(error: Error, argv: readonly string[], command: string): void {
  const failure = toDelayerError(error);
  process.exitCode = failure.exitCode;
  if (isReaderGone(error)) process.exitCode = SIGPIPE_EXIT_CODE;
  else if (hasSwitch(argv, 'json')) printErrorJson(failure, hintFor(failure, command));
  else printError(failure, hintFor(failure, command));
  if (hasSwitch(argv, 'debug')) writeStderr(`${withCauses(error)}\n`);
}

/**
 * May this error be left unprinted when a signal ended the command? The signal itself shows how it ended.
 */
export function passesWithTheSignal(error: Error): boolean {
  return isTransient(error) || isReaderGone(error);
}

/** Has the reader of stdout gone away? */
export function isReaderGone(error: Error): boolean {
  return error instanceof OutputError ? error.readerGone : (error as NodeJS.ErrnoException).code === 'EPIPE';
}

/** An error as users see it: anything that delayer does not throw on purpose becomes `internal`. */
export function toDelayerError(error: Error): DelayerError {
  if (error instanceof DelayerError) return error;
  if (error instanceof OutputError)
    return new DelayerError('output_failed', error.message, { hint: error.hint, cause: error });
  return new DelayerError('internal', error.message, { cause: error });
}

function withCauses(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stack = error.stack ?? error.message;
  return error.cause === undefined ? stack : `${stack}\ncaused by: ${withCauses(error.cause)}`;
}

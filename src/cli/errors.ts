import * as Errors from '@oclif/core/errors';
import { DelayerError } from '../core/errors.js';
import { OutputError } from '../output/stdout.js';
import { sayError, writeStderr } from './stderr.js';

const SIGPIPE_EXIT_CODE = 141;

/** Tells of what ended a command, and sets the exit code that says the same. */
export function reportFailure(error: Error, argv: readonly string[], command: string): void {
  // `--help` and `--version` end so.
  if (error instanceof Errors.ExitError) {
    process.exitCode = error.oclif.exit ?? 0;
    return;
  }
  const failure = toFailure(error, command);
  process.exitCode = failure.exitCode;
  if (
    (error instanceof OutputError && error.readerGone) ||
    (error as NodeJS.ErrnoException).code === 'EPIPE'
  ) {
    process.exitCode = SIGPIPE_EXIT_CODE;
  } else sayError(failure, argv.includes('--json'));
  if (argv.includes('--debug')) writeStderr(`${withCauses(error)}\n`);
}

function toFailure(error: Error, command: string): DelayerError {
  if (error instanceof DelayerError) {
    // oclif wraps what a flag's parser says into two lines more.
    const message = error.message.replace(/^Parsing --\S+ \n\t([\s\S]*)\nSee more help with --help$/, '$1');
    return message === error.message
      ? error
      : new DelayerError(error.code, message, { hint: error.hint, cause: error });
  }
  if (error instanceof OutputError) {
    return new DelayerError('output_failed', error.message, { cause: error });
  }
  if (error instanceof Errors.CLIError) {
    return new DelayerError('usage', usageMessage(error.message), {
      hint: `See \`delayer ${command} --help\`.`,
      cause: error,
    });
  }
  return new DelayerError('internal', error.message, { cause: error });
}

/** oclif's message on one line, without its pointer to --help. */
function usageMessage(message: string): string {
  return (
    message
      .replace(/\nSee more help with --help$/, '')
      .replace(/^The following errors? occurred:/, '')
      // As it was parsed, and not as it was typed.
      .replace(/(--[\w-]+)=.*? (?=cannot also be provided)/g, '$1 ')
      .replace(/\s*\n\s*/g, ' ')
      .replace(/ {2,}/g, ' ')
      .trim()
  );
}

function withCauses(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stack = error.stack ?? error.message;
  return error.cause === undefined ? stack : `${stack}\ncaused by: ${withCauses(error.cause)}`;
}

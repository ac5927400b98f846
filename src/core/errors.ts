import type { Job } from './job.js';

/**
 * Every way in which delayer can fail, in one table: the code that `--json` prints, the exit code that a
 * script sees, and what to do about it. docs/errors.md lists the same codes; a test compares. No hint
 * here names a flag or a command: cli/hints.ts does that for the command line.
 */
export const ERRORS = {
  usage: { exitCode: 2, hint: 'Correct the arguments.' },
  job_exists: { exitCode: 65, hint: 'Replace it, keep it, or use another id.' },
  store_unreachable: {
    exitCode: 69,
    hint: 'Check that the store is running and that the store URL is right.',
  },
  store_auth: { exitCode: 69, hint: 'Check the user and the password.' },
  store_too_old: { exitCode: 69, hint: 'Use Redis 6.2 or later.' },
  store_too_new: { exitCode: 69, hint: 'Use the version of delayer that wrote it, or a later one.' },
  store_replica: { exitCode: 69, hint: 'Name the primary in the store URL.' },
  store_loading: { exitCode: 69, hint: 'Try again when it has loaded its data.' },
  store_busy: { exitCode: 69, hint: 'Try again; if it stays busy, find out what uses it.' },
  store_full: { exitCode: 69, hint: 'Make room, then try again.' },
  store_wrong_type: {
    exitCode: 69,
    hint: 'Another program wrote that key: rename or delete it. delayer left it unchanged.',
  },
  store_absent: {
    exitCode: 69,
    hint: 'Name a store that exists; a push creates it, in a folder that exists.',
  },
  store_moved: { exitCode: 69, hint: 'Try again: the next call opens the file that is there now.' },
  store_corrupt: { exitCode: 69, hint: 'Keep the file, and name another.' },
  store_refused: { exitCode: 69, hint: 'Read what the store answered.' },
  outcome_unknown: { exitCode: 75, hint: 'Check the job before you repeat the request.' },
  file_unfinished: {
    exitCode: 65,
    hint: 'Let the program that writes the file finish it, or import what it holds so far.',
  },
  file_too_new: { exitCode: 78, hint: 'Use the version of delayer that wrote it, or a later one.' },
  output_failed: {
    exitCode: 74,
    hint: 'Make room there, or write to another place.',
  },
  handler_not_executable: {
    exitCode: 126,
    hint: 'Correct the command of the handler; the job is back in the queue.',
  },
  handler_not_found: {
    exitCode: 127,
    hint: 'Correct the command of the handler; the job is back in the queue.',
  },
  pid_file_taken: { exitCode: 69, hint: 'Stop the process that has it, or name another pid file.' },
  daemon_not_started: { exitCode: 69, hint: 'Start it in the foreground, which shows why it ends.' },
  config_invalid: {
    exitCode: 78,
    hint: 'A store is redis://HOST[:PORT][/DB], rediss://…, redis+unix:///PATH or sqlite:PATH.',
  },
  address_unusable: { exitCode: 69, hint: 'Use another address, or stop the program that listens there.' },
  internal: { exitCode: 70, hint: 'This is a defect in delayer; please report it.' },
} as const satisfies Record<string, { exitCode: number; hint: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** The one error type that delayer throws on purpose: a code of the table, one line, and a hint. */
export class DelayerError extends Error {
  override readonly name = 'DelayerError';
  readonly code: ErrorCode;
  /** What to do about it. */
  readonly hint: string;
  /** Jobs that were in hand when it happened, and that may be nowhere else. */
  readonly jobs: readonly Job[];

  constructor(
    code: ErrorCode,
    message: string,
    options: { hint?: string | undefined; cause?: unknown; jobs?: readonly Job[] } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? ERRORS[code].hint;
    this.jobs = options.jobs ?? [];
  }

  get exitCode(): number {
    return ERRORS[this.code].exitCode;
  }
}

const TRANSIENT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'store_unreachable',
  'store_loading',
  'store_busy',
  'store_replica',
  'store_moved',
  'outcome_unknown',
]);

const LASTING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'usage',
  'config_invalid',
  'store_too_old',
  'store_too_new',
  'store_corrupt',
  'internal',
]);

/** Is it permanent for this process? Then nothing goes on waiting for the store. */
export function isLasting(error: unknown): boolean {
  return !(error instanceof DelayerError) || LASTING.has(error.code);
}

/** Is it worth trying the same store again in a second or two? True for errors that pass by themselves. */
export function isTransient(error: unknown): boolean {
  return error instanceof DelayerError && TRANSIENT.has(error.code);
}

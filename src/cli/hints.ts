import { type DelayerError, type ErrorCode, ERRORS } from '../core/errors.js';
import type { Problem, ProblemCode } from '../core/views.js';

/** Hints with flags and commands, for errors that say no more than their code. */
const BY_CODE: Partial<Record<ErrorCode, string>> = {
  job_exists: 'Use --replace to overwrite it, --if-absent to keep it, or another --id.',
  store_auth:
    'Check the user and the password in the URL, DELAYER_REDIS_PASSWORD or DELAYER_REDIS_PASSWORD_FILE.',
  store_full: 'Make room, then try again; on a Redis without memory pop and drain still work.',
  store_corrupt: 'Keep the file, and name another with --store.',
  outcome_unknown: 'Check with `delayer inspect --id ID` before you repeat it.',
  internal: 'This is a defect in delayer; run again with --debug and report it.',
};

/** Hints of a command, where it knows better than the error. */
const BY_COMMAND: Readonly<Record<string, Partial<Record<ErrorCode, string>>>> = {
  push: {
    outcome_unknown:
      '`delayer inspect --id ID` shows whether it is in the queue; pushing it again with the same id is safe while it is not due.',
    output_failed: 'What was pushed is in the queue.',
  },
  remove: {
    outcome_unknown: '`delayer inspect --id ID` shows whether it is still in the queue.',
    output_failed: 'What was removed is gone.',
  },
  purge: { output_failed: 'What was removed is gone.' },
  ...Object.fromEntries(
    ['ack', 'nack', 'release', 'extend'].map((name) => [
      name,
      {
        outcome_unknown: `Run it again with the same leases, which is safe: a lease that is not held then was settled before.`,
        output_failed: 'The leases that were settled stay settled.',
      },
    ]),
  ),
  promote: {
    outcome_unknown: '`delayer inspect --id ID` shows its state; running it again is safe.',
    output_failed: 'What was promoted is ready.',
  },
  edit: {
    outcome_unknown: '`delayer inspect --id ID` shows the job as it is now.',
    output_failed: 'The job was edited.',
  },
  reschedule: {
    outcome_unknown:
      '`delayer inspect --id ID` shows when it is due; with --delay or --at it is safe to run it again.',
    output_failed: 'What was rescheduled is due at its new time.',
  },
  requeue: {
    outcome_unknown:
      '`delayer inspect --id ID` shows where it is; a requeued job is not a dead letter any more.',
    output_failed: 'What was requeued is in the queue.',
  },
  doctor: {
    outcome_unknown: 'Run it again: each step checks before it changes anything.',
    output_failed: 'No file was overwritten, and every removed job was first kept in a file.',
  },
  pause: { output_failed: 'What was paused is paused.' },
  resume: { output_failed: 'What was resumed is resumed.' },
  export: { output_failed: 'Nothing was changed in the queue.' },
  import: {
    job_exists:
      'Use --replace to overwrite it, or --if-absent to keep it; --again imports the file from the beginning.',
    file_unfinished: 'Write it again, or use --partial to import what it holds.',
    outcome_unknown: 'Run it again: jobs that are in the queue already are left unchanged.',
  },
  inspect: { output_failed: 'Nothing was changed.' },
  pop: { output_failed: 'The jobs that were not printed are back in the queue.' },
  bpop: { output_failed: 'The jobs that were not printed are back in the queue.' },
  drain: { output_failed: 'The jobs that were not printed, or not given to a handler, are in the queue.' },
};

const BY_PROBLEM: Partial<Record<ProblemCode, string>> = {
  no_daemon: 'Run `delayer serve`; without it, due jobs become ready when delayer pops or drains.',
};

/** The hint that the user of a command sees. */
export function hintFor(error: DelayerError, command: string): string {
  const { code, hint } = error;
  // Where a file cannot be written, whoever writes it knows what was done before.
  if (code === 'output_failed' && hint !== ERRORS[code].hint) return hint;
  const known = BY_COMMAND[command]?.[code];
  if (known !== undefined) return known;
  if (hint !== ERRORS[code].hint) return hint;
  if (code === 'usage') return `See \`delayer${command === '' ? '' : ` ${command}`} --help\`.`;
  return BY_CODE[code] ?? hint;
}

/** A problem of the store, with the hint for the command line. */
export function withCliHint(problem: Problem): Problem {
  const hint = BY_PROBLEM[problem.code];
  return hint === undefined ? problem : { ...problem, hint };
}

import { formatDuration } from '../../../core/duration.js';
import { DelayerError } from '../../../core/errors.js';
import type { Outcome, ProgramEnd, StopReason } from '../../handler.js';
import type { Program } from './program.js';

/** EX_DATAERR of sysexits.h: the job itself is wrong, and retries cannot help. */
const DEAD_EXIT_CODE = 65;
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;

/** What to do where the machine has no room for one more process. The job is back in the queue. */
const NO_ROOM: Readonly<Record<string, string>> = {
  EMFILE: 'Too many files are open: raise the limit (ulimit -n), or let fewer handlers run at once.',
  ENFILE: 'Too many files are open on this machine: raise its limit (sysctl fs.file-max).',
  EAGAIN:
    'Too many processes: raise the limit (ulimit -u, TasksMax of systemd), or check which processes handlers leave running.',
  ENOMEM: 'The machine has no memory left: let fewer handlers run at once.',
};

/** The outcome of a job, from how its handler ended. */
export function toOutcome(
  { exitCode, signalName }: ProgramEnd,
  stderr: string,
  stopped: { readonly reason: StopReason | undefined; readonly timeoutMs: number | undefined },
): Outcome {
  if (stopped.reason === 'shutdown') return 'release';
  if (stopped.reason === undefined && exitCode === 0) return 'done';
  const failed = { exitCode, signalName };
  if (stopped.reason === 'timeout') {
    const fact = `timed out after ${formatDuration(stopped.timeoutMs ?? 0)}`;
    return { ...failed, reason: stderr === '' ? fact : `${stderr}\n${fact}` };
  }
  const fact = signalName === undefined ? `exit code ${exitCode ?? 'unknown'}` : `killed by ${signalName}`;
  const reason = stderr === '' ? fact : stderr;
  return exitCode === DEAD_EXIT_CODE ? { dead: true, ...failed, reason } : { ...failed, reason };
}

/** The error of a handler that could not be run at all; undefined when it could. */
export function cannotRunError({ error }: Program, { exitCode }: ProgramEnd): DelayerError | undefined {
  if (error !== undefined) {
    const code = error.code === 'ENOENT' ? 'handler_not_found' : 'handler_not_executable';
    const hint = NO_ROOM[error.code ?? ''];
    return new DelayerError(code, `the handler cannot be started: ${error.message}`, { hint, cause: error });
  }
  if (exitCode === NOT_FOUND)
    return new DelayerError('handler_not_found', 'the handler ended with exit code 127: command not found');
  if (exitCode !== NOT_EXECUTABLE) return undefined;
  return new DelayerError(
    'handler_not_executable',
    'the handler ended with exit code 126: the command cannot be executed',
  );
}

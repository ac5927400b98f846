import { constants, accessSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DelayerError } from '../../core/errors.js';
import { type FileLock, lockFile } from '../../storage/file-lock.js';
import { startedAt } from './processes.js';

/**
 * The pid file of a daemon, which holds its number alone. For as long as the daemon lives it has a lock on a file
 * beside, which the system frees: so a number that was left behind is known from one of a daemon that runs.
 */
export class PidFile {
  private constructor(
    private readonly path: string,
    private readonly lock: FileLock,
    private readonly leftBy: number | undefined,
  ) {}

  /**
   * @throws DelayerError `pid_file_taken` when a daemon runs that has it, or when it belongs to another program;
   *   `output_failed` when it cannot be written
   */
  static async take(path: string): Promise<PidFile> {
    const lock = await lockBeside(path);
    if (!lock) throw runningError(path);
    try {
      const found = readPid(path);
      if (typeof found === 'string') throw noPidFileError(path);
      if (found !== undefined && isOfAnother(found, path)) throw otherProgramError(path, found);
      write(path);
      return new PidFile(path, lock, found);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** A sentence about the process that had left it behind; undefined where none had. */
  get tookOver(): string | undefined {
    return this.leftBy === undefined
      ? undefined
      : `the pid file ${this.path} was left behind by process ${this.leftBy}, and is taken over`;
  }

  /** Removes the file, unless somebody else has put another number into it. */
  release(): void {
    try {
      if (readPid(this.path) === process.pid) rmSync(this.path);
    } catch {
      // What is left behind is known for that by the next start.
    }
    this.lock.release();
  }
}

async function lockBeside(path: string): Promise<FileLock | undefined> {
  try {
    // SQLite does not say why it cannot.
    accessSync(dirname(path), constants.W_OK | constants.X_OK);
    return await lockFile(`${path}.lock`);
  } catch (error) {
    throw cannotWrite(`The lock of the pid file, ${path}.lock,`, error);
  }
}

/** A number, a text that is none, or nothing where there is no file or an empty one. */
function readPid(path: string): number | string | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cannotWrite(`The pid file ${path}`, error);
  }
  if (text === '') return undefined;
  return /^\d{1,10}$/.test(text) ? Number(text) : text;
}

/**
 * Does that process run, and did it when the file was written? One that has begun later has come by its number by
 * chance, as after a start of the machine.
 */
function isOfAnother(pid: number, path: string): boolean {
  if (pid === process.pid) return false;
  const began = startedAt(pid);
  return began !== undefined && began <= statSync(path).mtimeMs + CLOCK_ERROR_MS;
}

/** The system counts the times of processes and of files on clocks of their own. */
const CLOCK_ERROR_MS = 1000;

/** Whoever reads it meanwhile finds a whole number, the old one or this. */
function write(path: string): void {
  const own = `${path}.${process.pid}`;
  try {
    writeFileSync(own, `${process.pid}`, { mode: 0o644 });
    renameSync(own, path);
  } catch (error) {
    rmSync(own, { force: true });
    throw cannotWrite(`The pid file ${path}`, error);
  }
}

function runningError(path: string): DelayerError {
  const pid = readPid(path);
  const who = typeof pid === 'number' ? `process ${pid}` : 'another process';
  return new DelayerError('pid_file_taken', `The daemon runs already: ${who} has the pid file ${path}`, {
    hint: 'Stop that one first, or name another pid file for a second one.',
  });
}

function noPidFileError(path: string): DelayerError {
  return new DelayerError(
    'pid_file_taken',
    `The pid file ${path} is none: it holds something else than a number`,
    {
      hint: 'Name another file.',
    },
  );
}

function otherProgramError(path: string, pid: number): DelayerError {
  let name = '';
  try {
    name = ` (${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()})`;
  } catch {
    // It has just ended, or there is no /proc.
  }
  return new DelayerError(
    'pid_file_taken',
    `The pid file ${path} belongs to process ${pid}${name}, which runs and is no delayer serve`,
    { hint: 'Stop that program first (it may be the original daemon), or name another pid file.' },
  );
}

function cannotWrite(what: string, error: unknown): DelayerError {
  return new DelayerError('output_failed', `${what} cannot be written: ${(error as Error).message}`, {
    hint: 'Make its folder, let this user write there, or name another file.',
    cause: error,
  });
}

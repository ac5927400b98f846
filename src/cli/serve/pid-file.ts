import {
  constants,
  accessSync,
  lstatSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DelayerError } from '../../core/errors.js';
import { type FileLock, lockFile } from '../../storage/file-lock.js';
import { isSpecialFile } from '../regular-file.js';
import { startedAt } from './processes.js';

/**
 * The pid file of a daemon, which holds nothing but its process number. While the daemon lives it holds a lock on a
 * file beside, which the system frees when it dies. So a pid file that was left behind can be recognised.
 */
export class PidFile {
  private constructor(
    private readonly path: string,
    private readonly lock: FileLock,
    private readonly leftBy: number | undefined,
  ) {}

  /**
   * @throws DelayerError `pid_file_taken` when a running daemon holds it, or when it belongs to another program;
   *   `output_failed` when it cannot be written
   */
  static async take(given: string): Promise<PidFile> {
    const path = behindLinks(given);
    if (isSpecialFile(path)) throw noPidFileError(path, 'it is no regular file');
    const lock = await lockBeside(path);
    if (!lock) throw runningError(path);
    try {
      const found = readPid(path);
      if (typeof found === 'string') throw noPidFileError(path, 'it does not hold the number of a process');
      if (found !== undefined && isOfAnother(found, path)) throw otherProgramError(path, found);
      write(path);
      return new PidFile(path, lock, found);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** A sentence about the process that left the file behind; undefined when none did. */
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
      // The next start recognises a file that was left behind.
    }
    this.lock.release();
  }
}

/** Under each of its names a file has one lock, and it is written behind a link, not in its place. */
function behindLinks(path: string): string {
  try {
    return lstatSync(path).isSymbolicLink() ? behindLinks(resolve(dirname(path), readlinkSync(path))) : path;
  } catch {
    // There is nothing yet, or it cannot be looked at: whoever opens it says why.
    return path;
  }
}

async function lockBeside(path: string): Promise<FileLock | undefined> {
  try {
    // Checked here because SQLite does not give the reason.
    accessSync(dirname(path), constants.W_OK | constants.X_OK);
    return await lockFile(`${path}.lock`);
  } catch (error) {
    throw cannotWrite(`The lock of the pid file, ${path}.lock,`, error);
  }
}

/** The number; the text when it is not that of a process; undefined when there is no file or an empty one. */
function readPid(path: string): number | string | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cannotWrite(`The pid file ${path}`, error);
  }
  if (text === '') return undefined;
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : text;
}

/**
 * Did this process run when the file was written, and does it run still? A process that began later has the same
 * number by chance, for example after a reboot.
 */
function isOfAnother(pid: number, path: string): boolean {
  if (pid === process.pid) return false;
  const began = startedAt(pid);
  return began !== undefined && began <= statSync(path).mtimeMs + CLOCK_ERROR_MS;
}

/** Linux measures process times and file times with different clocks. */
const CLOCK_ERROR_MS = 1000;

/** A reader sees a whole number at any time, the old one or the new one. */
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
  return new DelayerError(
    'pid_file_taken',
    `The daemon is already running: ${who} has the pid file ${path}`,
    {
      hint: 'Stop that one first, or name another pid file for a second one.',
    },
  );
}

function noPidFileError(path: string, why: string): DelayerError {
  return new DelayerError('pid_file_taken', `${path} is not a pid file: ${why}`, {
    hint: 'Name another file.',
  });
}

function otherProgramError(path: string, pid: number): DelayerError {
  let name = '';
  try {
    name = ` (${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()})`;
  } catch {
    // The process has just ended, or there is no /proc.
  }
  return new DelayerError(
    'pid_file_taken',
    `The pid file ${path} belongs to process ${pid}${name}, which is running and is not delayer serve`,
    { hint: 'Stop that program first (it may be the original daemon), or name another pid file.' },
  );
}

function cannotWrite(what: string, error: unknown): DelayerError {
  return new DelayerError('output_failed', `${what} cannot be written: ${(error as Error).message}`, {
    hint: 'Make its folder, let this user write there, or name another file.',
    cause: error,
  });
}

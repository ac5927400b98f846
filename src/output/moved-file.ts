import { ftruncateSync, openSync, unlinkSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { syncFolder } from './jobs-file.js';
import { toJsonLine } from './json.js';
import { KeptJobs } from './kept-jobs.js';
import { toFileError } from './sink.js';

/**
 * The file to which jobs are moved out of a store: unfinished until its last line says what it holds. Only this user
 * can read it.
 */
export class MovedFile extends KeptJobs {
  /** May the store hold jobs by the name that this file has for the move, or have given some away? */
  private isInStep = false;

  /** @throws OutputError where it is there, or no file can be made there */
  static async create(path: string, head: object): Promise<MovedFile> {
    const file = new MovedFile(path, open(path, 'wx'));
    try {
      await file.write(`${toJsonLine(head)}\n`);
      await file.sync();
      // Syncs the folder, so that the file's name is on the disk before a job exists only in the file.
      await syncFolder(dirname(resolve(path)));
    } catch (error) {
      file.leave(0);
      throw error;
    }
    return file;
  }

  /**
   * Continues an unfinished file.
   * @param size bytes of its whole lines; the rest is cut off
   */
  static reopen(path: string, size: number): MovedFile {
    const fd = open(path, 'a');
    ftruncateSync(fd, size);
    return new MovedFile(path, fd);
  }

  /** A step begins, see MoveTarget. */
  start(): void {
    this.isInStep = true;
  }

  /** The step has changed nothing. */
  undo(): void {
    this.isInStep = false;
  }

  override async confirm(removed: readonly boolean[]): Promise<void> {
    await super.confirm(removed);
    this.isInStep = false;
  }

  /** Writes a line about the jobs that are kept next. It is synced together with them. */
  async tell(line: object): Promise<void> {
    await this.write(`${toJsonLine(line)}\n`);
  }

  /** @param end its last line */
  async finish(end: object): Promise<void> {
    await this.write(`${toJsonLine(end)}\n`);
    await this.sync();
    this.close();
  }

  /** @param moved jobs in it that have left the store */
  isNeeded(moved: number): boolean {
    return this.isInStep || moved > 0;
  }

  /**
   * Closes it unfinished. The file is removed where nothing needs it: no job was moved to it, and none is held by the
   * name that it has for the move.
   * @param moved jobs in it that have left the store
   * @returns whether the file exists
   */
  leave(moved: number): boolean {
    this.close();
    if (this.isNeeded(moved)) return true;
    unlinkSync(this.path);
    return false;
  }
}

function open(path: string, flags: 'wx' | 'a'): number {
  try {
    return openSync(path, flags, 0o600);
  } catch (error) {
    throw toFileError(path, error as NodeJS.ErrnoException);
  }
}

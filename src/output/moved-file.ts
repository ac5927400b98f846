import { ftruncateSync, openSync, unlinkSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { syncFolder } from './jobs-file.js';
import { toJsonLine } from './json.js';
import { KeptJobs } from './kept-jobs.js';
import { toFileError } from './sink.js';

/**
 * Jobs that are moved out of a store, in the file that is asked for: unfinished until its last line says what it holds.
 * It is readable for this user alone.
 */
export class MovedFile extends KeptJobs {
  private isNew = false;

  /** @throws OutputError where it is there, or no file can be made there */
  static async create(path: string, head: object): Promise<MovedFile> {
    const file = new MovedFile(path, open(path, 'wx'));
    file.isNew = true;
    await file.write(`${toJsonLine(head)}\n`);
    await file.sync();
    // The name of a new file is on the disk before any job is in it alone.
    await syncFolder(dirname(resolve(path)));
    return file;
  }

  /**
   * Goes on with an unfinished one.
   * @param size bytes of its whole lines; what stands behind is cut off
   */
  static reopen(path: string, size: number): MovedFile {
    const fd = open(path, 'a');
    ftruncateSync(fd, size);
    return new MovedFile(path, fd);
  }

  /** Says something of the jobs that are kept next. It is on the disk when they are. */
  async tell(line: object): Promise<void> {
    await this.write(`${toJsonLine(line)}\n`);
  }

  /** @param end its last line */
  async finish(end: object): Promise<void> {
    await this.write(`${toJsonLine(end)}\n`);
    await this.sync();
    this.close();
  }

  /** Leaves it unfinished; one in which no job was ever written goes. @returns whether it is there */
  leave(): boolean {
    this.close();
    if (!this.isNew || this.kept > 0) return true;
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

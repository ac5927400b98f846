import { closeSync, constants, openSync, realpathSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { fsync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { toFileError } from './sink.js';
import { writeAll } from './stdout.js';

const sync = promisify(fsync);

/**
 * A file that appears only when it is whole: it is written under a temporary name, synced, and renamed. Only this
 * user can read it.
 */
export class WholeFile {
  private readonly path: string;
  private readonly part: string;
  private readonly fd: number;

  /** @throws OutputError where no file can be written there */
  constructor(private readonly name: string) {
    try {
      const isThere = statSync(name, { throwIfNoEntry: false })?.isFile() === true;
      this.path = isThere ? realpathSync(name) : name;
      this.part = `${this.path}.${process.pid}.part`;
      this.fd = openSync(this.part, 'wx', 0o600);
    } catch (error) {
      throw toFileError(name, error as NodeJS.ErrnoException);
    }
  }

  /** @throws OutputError */
  write(bytes: Buffer): Promise<void> {
    return writeAll(this.fd, bytes, (written, cause) => toFileError(this.name, cause, written));
  }

  /** @throws OutputError; then the file is what it was before */
  async finish(): Promise<void> {
    try {
      await sync(this.fd);
      renameSync(this.part, this.path);
      await syncFolder(dirname(this.path));
    } catch (error) {
      throw toFileError(this.name, error as NodeJS.ErrnoException);
    }
    closeSync(this.fd);
  }

  /** Removes the temporary file. */
  discard(): void {
    try {
      closeSync(this.fd);
      unlinkSync(this.part);
    } catch {
      // It is gone already.
    }
  }
}

/** After this the new name is on the disk too. */
export async function syncFolder(folder: string): Promise<void> {
  const fd = openSync(folder, constants.O_RDONLY);
  try {
    await sync(fd);
  } finally {
    closeSync(fd);
  }
}

import { openSync, readdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toJsonLine } from './json.js';
import { makeFolder } from './make-folder.js';
import { KeptJobs } from './kept-jobs.js';
import { toFileError } from './sink.js';

const DAY_MS = 86_400_000;
/** How long such files are kept. */
const KEPT_MS = 30 * DAY_MS;

/** Jobs that a command removes, kept in a file that `import` reads. */
export class RemovedFile extends KeptJobs {
  /**
   * Creates a file of its own in the folder, for this user alone, and deletes those that are older than 30 days.
   * @param header its first line
   * @throws OutputError
   */
  static create(folder: string, header: object): RemovedFile {
    const name = `${new Date().toISOString().replace(/[:.]/g, '-')}-${process.pid}.ndjson`;
    const path = join(folder, name);
    try {
      makeFolder(folder, 0o700);
      deleteOld(folder);
      const fd = openSync(path, 'wx', 0o600);
      writeFileSync(fd, `${toJsonLine(header)}\n`);
      return new RemovedFile(path, fd);
    } catch (error) {
      throw toFileError(path, error as NodeJS.ErrnoException);
    }
  }

  /** @returns whether it is kept: a file without jobs is deleted */
  end(): boolean {
    this.close();
    if (this.kept > 0) return true;
    unlinkSync(this.path);
    return false;
  }
}

function deleteOld(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (!name.endsWith('.ndjson')) continue;
    try {
      const path = join(folder, name);
      if (Date.now() - statSync(path).mtimeMs > KEPT_MS) unlinkSync(path);
    } catch {
      // Another process was faster, or it belongs to somebody else.
    }
  }
}

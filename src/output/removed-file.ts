import { openSync, readdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toJsonLine } from './json.js';
import { makeFolder } from './make-folder.js';
import { KeptJobs } from './kept-jobs.js';
import type { JobRecord } from '../core/job.js';
import { toFileError } from './sink.js';
import { OutputError } from './stdout.js';

const DAY_MS = 86_400_000;
/** How long such files are kept. */
const KEPT_MS = 30 * DAY_MS;

const NOTHING_REMOVED = 'Nothing was removed, because removed jobs are first kept in that file.';

/**
 * What a file says of its jobs at the end. `none`: none was removed, and the file was deleted. `unknown`: of some it is
 * unknown, and of none it is known that it was removed.
 */
export type Removed = 'none' | 'some' | 'unknown';

/** Jobs that a command removes, kept in a file that `import` reads. */
export class RemovedFile extends KeptJobs {
  private removed = 0;
  /** How many of the last jobs it is not known whether they were removed. */
  private unconfirmed = 0;

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
      const file = new RemovedFile(path, openSync(path, 'wx', 0o600));
      try {
        writeFileSync(file.fd, `${toJsonLine(header)}\n`);
      } catch (error) {
        file.end();
        throw error;
      }
      return file;
    } catch (error) {
      throw toFileError(path, error as NodeJS.ErrnoException).withHint(NOTHING_REMOVED);
    }
  }

  /** @throws OutputError, which says whether jobs were removed before */
  override async keep(jobs: readonly JobRecord[], turn?: Promise<unknown>): Promise<void> {
    const toHinted = (error: unknown) =>
      error instanceof OutputError
        ? error.withHint(this.kept > 0 ? 'Jobs that are not in the file were not removed.' : NOTHING_REMOVED)
        : error;
    await super.keep(jobs, turn).catch((error: unknown) => {
      throw toHinted(error);
    });
    this.unconfirmed += jobs.length;
  }

  /** @throws OutputError */
  override async confirm(removed: readonly boolean[]): Promise<void> {
    // First, because it is so even where it cannot be written.
    this.removed += removed.filter(Boolean).length;
    this.unconfirmed -= removed.length;
    await super.confirm(removed).catch((error: unknown) => {
      throw error instanceof OutputError ? error.withHint('What was removed is in the file.') : error;
    });
  }

  /** Closes the file, and deletes it when none of its jobs was removed. */
  end(): Removed {
    this.close();
    if (this.removed > 0) return 'some';
    if (this.unconfirmed > 0) return 'unknown';
    unlinkSync(this.path);
    return 'none';
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

import {
  closeSync,
  fdatasync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JobRecord } from '../core/job.js';
import { exportedToJson, toJsonLine } from './json.js';
import { toFileError } from './sink.js';
import { writeAll } from './stdout.js';

const DAY_MS = 86_400_000;
/** So long such files are kept. */
const KEPT_MS = 30 * DAY_MS;

const sync = promisify(fdatasync);

/**
 * Jobs that a command removes, kept in a file that `import` reads. The jobs of a step are written and are on the disk
 * before they are removed; then a line says which of them were. So a process that is killed leaves one step at most of
 * which nobody knows, at the end of the file.
 */
export class RemovedFile {
  private kept = 0;
  private removed = 0;

  private constructor(
    readonly path: string,
    private readonly fd: number,
  ) {}

  /**
   * Creates a file of its own in the folder, for this user alone, and deletes those that are older than 30 days.
   * @param header its first line
   * @throws OutputError
   */
  static create(folder: string, header: object): RemovedFile {
    const name = `${new Date().toISOString().replace(/[:.]/g, '-')}-${process.pid}.ndjson`;
    const path = join(folder, name);
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      deleteOld(folder);
      const fd = openSync(path, 'wx', 0o600);
      writeFileSync(fd, `${toJsonLine(header)}\n`);
      return new RemovedFile(path, fd);
    } catch (error) {
      throw toFileError(path, error as NodeJS.ErrnoException);
    }
  }

  /** @throws OutputError; the jobs may not be removed then */
  async keep(jobs: readonly JobRecord[]): Promise<void> {
    this.kept += jobs.length;
    await this.write(jobs.map((job) => `${toJsonLine(exportedToJson(job))}\n`).join(''));
    await sync(this.fd).catch((error: unknown) => {
      throw toFileError(this.path, error as NodeJS.ErrnoException);
    });
  }

  /** Notes, in order, which of the jobs that were kept last were removed. */
  async confirm(removed: readonly boolean[]): Promise<void> {
    const notRemoved = removed.flatMap((one, i) => (one ? [] : [i]));
    this.removed += removed.length - notRemoved.length;
    await this.write(`${toJsonLine({ confirmed: removed.length, notRemoved })}\n`);
  }

  /** @returns whether it is of use: where nothing was kept it is deleted */
  close(): boolean {
    closeSync(this.fd);
    if (this.kept > 0) return true;
    unlinkSync(this.path);
    return false;
  }

  /** How many jobs it knows to be removed. */
  get count(): number {
    return this.removed;
  }

  private async write(text: string): Promise<void> {
    await writeAll(this.fd, Buffer.from(text), (written, cause) => toFileError(this.path, cause, written));
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

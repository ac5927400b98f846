import { closeSync, fdatasync } from 'node:fs';
import { promisify } from 'node:util';
import type { JobRecord } from '../core/job.js';
import { exportedToJson, toJsonLine } from './json.js';
import { toFileError } from './sink.js';
import { writeAll } from './stdout.js';

const sync = promisify(fdatasync);

/**
 * A file of jobs that are taken out of a store. The jobs of a step are written and are on the disk before they are
 * removed; then a line says which of them were. So a process that is killed leaves one step at most of which nobody
 * knows, at the end of the file.
 */
export class KeptJobs {
  protected kept = 0;

  protected constructor(
    readonly path: string,
    protected readonly fd: number,
  ) {}

  /** @throws OutputError; the jobs may not be removed then */
  async keep(jobs: readonly JobRecord[]): Promise<void> {
    this.kept += jobs.length;
    await this.write(jobs.map((job) => `${toJsonLine(exportedToJson(job))}\n`).join(''));
    await this.sync();
  }

  /** Notes, in order, which of the jobs that were kept last were removed. */
  async confirm(removed: readonly boolean[]): Promise<void> {
    const notRemoved = removed.flatMap((one, i) => (one ? [] : [i]));
    await this.write(`${toJsonLine({ confirmed: removed.length, notRemoved })}\n`);
  }

  protected close(): void {
    closeSync(this.fd);
  }

  protected async write(text: string): Promise<void> {
    await writeAll(this.fd, Buffer.from(text), (written, cause) => toFileError(this.path, cause, written));
  }

  protected async sync(): Promise<void> {
    await sync(this.fd).catch((error: unknown) => {
      throw toFileError(this.path, error as NodeJS.ErrnoException);
    });
  }
}

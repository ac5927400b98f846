import { closeSync, fdatasync } from 'node:fs';
import { promisify } from 'node:util';
import type { JobRecord } from '../core/job.js';
import { exportedToJson, toJsonLine } from './json.js';
import { toFileError } from './sink.js';
import { writeAll } from './stdout.js';

const sync = promisify(fdatasync);

/**
 * A file of jobs that are taken out of a store. The jobs of a step are written and synced before they are removed;
 * then a line says which of them were removed. After a kill it is unknown for one step at most, the last in the
 * file, what was removed.
 */
export class KeptJobs {
  protected kept = 0;

  protected constructor(
    readonly path: string,
    protected readonly fd: number,
  ) {}

  /**
   * @param turn they are written after it; their text is made meanwhile
   * @throws OutputError, or what `turn` rejects with; then the jobs must not be removed
   */
  async keep(jobs: readonly JobRecord[], turn?: Promise<unknown>): Promise<void> {
    let text = '';
    for (const job of jobs) text += `${toJsonLine(exportedToJson(job))}\n`;
    const bytes = Buffer.from(text);
    await turn;
    this.kept += jobs.length;
    await this.writeBytes(bytes);
    await this.sync();
  }

  /** Writes down, in order, which of the jobs kept last were removed. */
  async confirm(removed: readonly boolean[]): Promise<void> {
    const notRemoved = removed.flatMap((one, i) => (one ? [] : [i]));
    await this.write(`${toJsonLine({ confirmed: removed.length, notRemoved })}\n`);
  }

  protected close(): void {
    closeSync(this.fd);
  }

  protected write(text: string): Promise<void> {
    return this.writeBytes(Buffer.from(text));
  }

  private async writeBytes(bytes: Buffer): Promise<void> {
    await writeAll(this.fd, bytes, (written, cause) => toFileError(this.path, cause, written));
  }

  protected async sync(): Promise<void> {
    await sync(this.fd).catch((error: unknown) => {
      throw toFileError(this.path, error as NodeJS.ErrnoException);
    });
  }
}

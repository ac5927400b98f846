import { closeSync, fdatasync } from 'node:fs';
import { promisify } from 'node:util';
import { chunks } from '../core/chunks.js';
import type { JobRecord } from '../core/job.js';
import { bytesOfLines, jobLine } from './job-line.js';
import { exportedToJson, toJsonLine } from './json.js';
import { toFileError } from './sink.js';
import { writeAll } from './stdout.js';

const sync = promisify(fdatasync);
const nextTurn = promisify(setImmediate);

/** Of so many jobs the text is made in one go: a millisecond or two. */
const MADE_AT_ONCE = 100;

/**
 * A file of jobs that are taken out of a store. The jobs of a step are written and synced before they are removed;
 * then a line says which of them were removed. After a kill it is unknown for one step at most, the last in the
 * file, what was removed.
 */
export class KeptJobs {
  /** Jobs that are in the file and on the disk. */
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
    const lines: Buffer[] = [];
    for (const some of chunks(jobs, MADE_AT_ONCE)) {
      lines.push(bytesOfLines(some.map((job) => jobLine(job, exportedToJson))));
      // What else is under way goes on meanwhile.
      await nextTurn();
    }
    const bytes = Buffer.concat(lines);
    await turn;
    await this.writeBytes(bytes);
    await this.sync();
    this.kept += jobs.length;
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

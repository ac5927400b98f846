import { Writable } from 'node:stream';
import { sleep } from '../core/timer.js';
import { Outlet } from '../output/outlet.js';
import { Sink } from '../output/sink.js';
import { CLEAR, setStderrWriter, writeStderr } from './stderr.js';

const STDERR = 2;
/** A process that is to end goes on no longer when the reader of its stderr has taken nothing for so long (ms). */
const HURRY_MS = 1000;
const LOOK_MS = 50;

export interface StderrQueueOptions {
  /**
   * Lines of this process that come while 256 KiB are waiting are dropped, and this is called with their number when
   * all that waited is written. Without it none is dropped, and who writes has to look at `room`.
   */
  readonly onMissing?: (lines: number) => void;
}

/**
 * stderr of a process that works on while nobody reads it: its own lines, those of its handlers and its progress line
 * are written in the order in which they came, each of them whole, and never block the process.
 */
export class StderrQueue extends Sink {
  private isDrawn = false;
  private missing = 0;

  private constructor(
    private readonly outlet: Outlet,
    private readonly options: StderrQueueOptions,
  ) {
    super((data) => outlet.write(data));
  }

  /** From now on all that this process prints on stderr goes through the queue. */
  static open(options: StderrQueueOptions = {}): StderrQueue {
    const queue = new StderrQueue(new Outlet(STDERR), options);
    setStderrWriter((text) => queue.print(text));
    // Node asks for its own stream when a socket closes, and that sets stderr to O_NONBLOCK, also for other programs.
    const stream = new Writable({
      decodeStrings: false,
      write(text: string | Buffer, _, done) {
        writeStderr(text.toString());
        done();
      },
    });
    Object.defineProperty(process, 'stderr', { configurable: true, enumerable: true, value: stream });
    return queue;
  }

  /** Replaces the progress line. */
  override write(data: Buffer): Promise<void> | undefined {
    if (!this.isDrawn) return super.write(data);
    this.isDrawn = false;
    return super.write(Buffer.concat([Buffer.from(CLEAR), data]));
  }

  /** Shows a line that is replaced by what comes next; does nothing while something else is being written. */
  draw(progress: string): void {
    if (!this.isIdle) return;
    void this.write(Buffer.from(`${CLEAR}${progress}`));
    this.isDrawn = true;
  }

  /** @returns nothing, or a promise that resolves when the progress line is gone */
  clear(): Promise<void> | undefined {
    if (!this.isDrawn) return undefined;
    this.isDrawn = false;
    void super.write(Buffer.from(CLEAR));
    return this.flush();
  }

  /**
   * Resolves when all is written.
   * @param isHurried does not wait for a reader that takes nothing
   */
  async end(isHurried: boolean): Promise<void> {
    while (!this.isIdle) {
      if (isHurried && this.outlet.stoppedForMs > HURRY_MS) {
        this.outlet.giveUp();
        return;
      }
      const written = new AbortController();
      await Promise.race([this.flush(), sleep(LOOK_MS, written.signal)]);
      written.abort();
    }
    setStderrWriter(undefined);
  }

  private print(text: string): void {
    const { onMissing } = this.options;
    if (onMissing === undefined || !this.isFull) {
      void this.write(Buffer.from(text));
      return;
    }
    if (this.missing === 0)
      void this.flush().then(() => {
        const { missing } = this;
        this.missing = 0;
        onMissing(missing);
      });
    this.missing += 1;
  }
}

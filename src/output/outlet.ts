import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { monotonicMs, sleep } from '../core/timer.js';
import { writeSome } from './stdout.js';

/** A write to a full pipe is tried again after the first of these times (ms), and then after up to the last. */
const PAUSES_MS = [1, 32] as const;

/**
 * Writes to a descriptor that others share, in whole pieces, without ever blocking this process, however long the
 * reader takes. What cannot be written is dropped.
 */
export class Outlet {
  private readonly ownFd: number | undefined;
  private isGivenUp = false;
  private tookAtMs = monotonicMs();

  constructor(private readonly fd: number) {
    this.ownFd = openAnew(fd);
  }

  /** How long (ms) the reader has taken nothing. */
  get stoppedForMs(): number {
    return monotonicMs() - this.tookAtMs;
  }

  /** Resolves when all of it is written or dropped. */
  async write(data: Buffer): Promise<void> {
    let pauseMs: number = PAUSES_MS[0];
    this.tookAtMs = monotonicMs();
    for (let rest = data; rest.length > 0 && !this.isGivenUp;) {
      try {
        const written =
          this.ownFd === undefined ? await writeSome(this.fd, rest) : writeSync(this.ownFd, rest);
        rest = rest.subarray(written);
        this.tookAtMs = monotonicMs();
        pauseMs = PAUSES_MS[0];
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
        await sleep(pauseMs);
        pauseMs = Math.min(2 * pauseMs, PAUSES_MS[1]);
      }
    }
  }

  /** Drops what waits to be written, and all that comes. */
  giveUp(): void {
    this.isGivenUp = true;
  }
}

/**
 * Opens the same pipe or terminal anew, for writes that do not block. To set O_NONBLOCK on the descriptor itself would
 * set it for all processes that share it, and their writes would fail.
 * @returns undefined where that is not possible: for a file, for a socket, and for what belongs to another user
 */
function openAnew(fd: number): number | undefined {
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
  try {
    const stat = fstatSync(fd);
    if (!stat.isFIFO() && !stat.isCharacterDevice()) return undefined;
    return openSync(`/dev/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  } catch {
    return undefined;
  }
}

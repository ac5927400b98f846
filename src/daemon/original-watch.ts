import type { OnEvent } from '../core/events.js';
import type { Queue } from '../core/queue.js';
import { type AbortSignalLike, monotonicMs } from '../core/timer.js';
import type { Progress } from './progress.js';

/** The time (ms) between two looks: each holds the store for up to 3 ms. */
const EVERY_MS = 10_000;

export interface OriginalWatchOptions {
  readonly progress: Progress;
  readonly signal: AbortSignalLike;
  readonly onEvent: OnEvent;
}

/**
 * Notices a daemon of the original kind on the same store; reports when there is one, and when there is none any
 * more.
 */
export class OriginalWatch {
  private lookedAtMs = -Infinity;
  private looking: Promise<void> | undefined;

  constructor(
    private readonly queue: Queue,
    private readonly options: OriginalWatchOptions,
  ) {}

  /** Starts a look when it is time for one. It may take a second; the daemon goes on meanwhile. */
  look(): void {
    if (this.looking || monotonicMs() - this.lookedAtMs < EVERY_MS) return;
    this.lookedAtMs = monotonicMs();
    this.looking = this.lookNow().finally(() => {
      this.looking = undefined;
    });
  }

  /** Waits for the end of a look that is under way; an abort of the signal ends it soon. */
  async ended(): Promise<void> {
    await this.looking;
  }

  private async lookNow(): Promise<void> {
    const { progress, signal, onEvent } = this.options;
    // The daemon itself reports that a store is away.
    const addresses = await this.queue.originalDaemons({ signal }).catch(() => undefined);
    if (!addresses || signal.aborted) return;
    const wasThere = progress.originalDaemons.length > 0;
    progress.originalDaemons = addresses;
    if (!wasThere && addresses.length > 0) onEvent({ type: 'original_daemon', addresses });
    if (wasThere && addresses.length === 0) onEvent({ type: 'original_daemon_gone' });
  }
}

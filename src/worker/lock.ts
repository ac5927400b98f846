import { LOCK_MS, newToken } from '../core/lease.js';
import type { Queue } from '../core/queue.js';
import type { Lock } from '../core/requests.js';
import { monotonicMs } from '../core/timer.js';

/** How often (ms) a lock is renewed that no reserve has renewed: two renewals may fail before it is free. */
const RENEW_MS = LOCK_MS / 3;

/**
 * Holds a lock for a worker: each reserve takes or renews it in the same step, and in between it is renewed here,
 * while handlers run or no job is ready.
 */
export class LockKeeper {
  readonly lock: Lock;
  private isHeld = false;
  private renewedMs = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly queue: Queue,
    name: Uint8Array,
  ) {
    this.lock = { name, owner: newToken() };
  }

  /** A reserve that was sent at `sentAtMs` (monotonic) has answered. */
  onReserved(isLocked: boolean, sentAtMs: number): void {
    this.isHeld = !isLocked;
    this.renewedMs = sentAtMs;
    if (this.isHeld) this.timer ??= setInterval(() => void this.renew(), RENEW_MS);
  }

  /** Frees it, if it is held. A store that does not answer frees it by itself after a while. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    if (!this.isHeld) return;
    this.isHeld = false;
    await this.queue.unlock(this.lock).catch(() => undefined);
  }

  private async renew(): Promise<void> {
    // Whoever has it by now is met by the next reserve.
    if (!this.isHeld || monotonicMs() - this.renewedMs < RENEW_MS / 2) return;
    this.isHeld = await this.queue.lock(this.lock).catch(() => this.isHeld);
  }
}

/** Does something under a lock, and frees it whatever happens. */
export async function underLock<T>(
  queue: Queue,
  name: Uint8Array | undefined,
  work: (keeper: LockKeeper | undefined) => Promise<T>,
): Promise<T> {
  const keeper = name && new LockKeeper(queue, name);
  try {
    return await work(keeper);
  } finally {
    await keeper?.close();
  }
}

import { LOCK_MS, newToken } from '../core/lease.js';
import type { Queue } from '../core/queue.js';
import type { Lock } from '../core/requests.js';
import { monotonicMs } from '../core/timer.js';

/** How often (ms) a lock is renewed that no reserve has renewed: two renewals may fail before it expires. */
const RENEW_MS = LOCK_MS / 3;

/**
 * Holds a lock for a worker. Each reserve takes or renews it in the same step; in between, while handlers run or no
 * job is ready, it is renewed here.
 */
export class LockKeeper {
  readonly lock: Lock;
  private isHeld = false;
  /** When (monotonic) the request was sent that took or renewed it last. */
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

  /** Is it surely held now? Not after a standstill of the process. */
  get isSure(): boolean {
    return this.isHeld && monotonicMs() - this.renewedMs < LOCK_MS;
  }

  /** Takes or renews it now. @returns whether it is held; @throws what the store failed with */
  async take(): Promise<boolean> {
    const sentAtMs = monotonicMs();
    this.isHeld = await this.queue.lock(this.lock);
    if (this.isHeld) this.renewedMs = sentAtMs;
    return this.isHeld;
  }

  /** Frees the lock if it is held. If the store does not answer, the lock expires there. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    if (!this.isHeld) return;
    this.isHeld = false;
    await this.queue.unlock(this.lock).catch(() => undefined);
  }

  private async renew(): Promise<void> {
    // If another owner has it by now, the next reserve says so.
    if (!this.isHeld || monotonicMs() - this.renewedMs < RENEW_MS / 2) return;
    await this.take().catch(() => undefined);
  }
}

/** Does work under a lock, and frees it afterwards in any case. */
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

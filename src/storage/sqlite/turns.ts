import { monotonicMs, sleep } from '../../core/timer.js';

/** The longest pause (ms) between two looks whether the file is free; by chance shorter, so that not all look at once. */
const PAUSE_MS = 4;
/** Who has waited for so long (ms) looks each millisecond: it is more likely to be next than who has just come. */
const LONG_WAIT_MS = 100;
/** Who has written for so long (ms) without a pause lets others in. */
const SPELL_MS = 200;
/** The same where others were met within RECENT_MS, so that they are likely to be waiting. */
const SHARED_SPELL_MS = 20;
const RECENT_MS = 1000;
/** The file is left alone for so long (ms): who has waited long looks at least once. */
const YIELD_MS = 2;

/**
 * Lets processes take turns at a file, which have no way to queue for it: each looks again and again. Who writes one
 * transaction after the other leaves it free for some microseconds in between, which others hardly ever meet; without
 * pauses it kept them away for seconds.
 */
export class Turns {
  private spellSinceMs = 0;
  private endedMs = -Infinity;
  private metOthersMs = -Infinity;

  /** Before a transaction: resolves when it is time to begin; nothing where that is at once. */
  pause(nowMs = monotonicMs()): Promise<void> | undefined {
    if (nowMs - this.endedMs >= YIELD_MS) this.spellSinceMs = nowMs;
    const spellMs = nowMs - this.metOthersMs < RECENT_MS ? SHARED_SPELL_MS : SPELL_MS;
    return nowMs - this.spellSinceMs < spellMs ? undefined : this.rest(YIELD_MS);
  }

  /** A transaction of this process has ended. */
  end(): void {
    this.endedMs = monotonicMs();
  }

  /** Another process has the file, and this one waits since then. Resolves when it is time to look again. */
  waitForOthers(sinceMs: number): Promise<void> {
    this.metOthersMs = monotonicMs();
    return this.rest(this.metOthersMs - sinceMs < LONG_WAIT_MS ? 1 + Math.random() * PAUSE_MS : 1);
  }

  private async rest(ms: number): Promise<void> {
    await sleep(ms);
    this.spellSinceMs = monotonicMs();
  }
}

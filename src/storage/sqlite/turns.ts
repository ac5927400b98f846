import { monotonicMs, sleep } from '../../core/timer.js';

/**
 * The longest pause (ms) between two looks whether the file is free; pauses are random, so that processes do not
 * look at the same time.
 */
const PAUSE_MS = 4;
/**
 * A process that has waited for so long (ms) looks each millisecond, so that it is more likely to be next than one
 * that has just come.
 */
const LONG_WAIT_MS = 100;
/** A process that has written for so long (ms) without a pause lets others in. */
const SPELL_MS = 200;
/** The same when others were met within RECENT_MS, so that they are probably waiting. */
const SHARED_SPELL_MS = 20;
const RECENT_MS = 1000;
/**
 * How long (ms) it leaves the file alone: a process that has waited long looks at least once in this time.
 */
const YIELD_MS = 2;

/**
 * Lets processes take turns at a file. SQLite's lock has no queue: each process looks again and again. A process
 * that writes one transaction after the other leaves the file free for some microseconds in between, in which others
 * hardly ever look; without pauses it kept them away for seconds.
 */
export class Turns {
  private spellSinceMs = 0;
  private endedMs = -Infinity;
  private metOthersMs = -Infinity;

  /** Before a transaction: resolves when it is time to begin; returns undefined when that is at once. */
  pause(nowMs = monotonicMs()): Promise<void> | undefined {
    if (nowMs - this.endedMs >= YIELD_MS) this.spellSinceMs = nowMs;
    const spellMs = nowMs - this.metOthersMs < RECENT_MS ? SHARED_SPELL_MS : SPELL_MS;
    return nowMs - this.spellSinceMs < spellMs ? undefined : this.rest(YIELD_MS);
  }

  /** A transaction of this process has ended. */
  end(): void {
    this.endedMs = monotonicMs();
  }

  /**
   * Another process has the file, and this one has waited since then. Resolves when it is time to look again.
   */
  waitForOthers(sinceMs: number): Promise<void> {
    this.metOthersMs = monotonicMs();
    return this.rest(this.metOthersMs - sinceMs < LONG_WAIT_MS ? 1 + Math.random() * PAUSE_MS : 1);
  }

  private async rest(ms: number): Promise<void> {
    await sleep(ms);
    this.spellSinceMs = monotonicMs();
  }
}

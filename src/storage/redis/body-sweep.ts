import { monotonicMs } from '../../core/timer.js';
import type { Caller } from './caller.js';
import { lookAtBodies } from './scripts/maintain.js';
import type { Target } from './scripts/run.js';

/** So often (ms) some bodies are looked at, and so many names of keys: a million take an hour. */
const EVERY_MS = 1000;
const SCAN_WINDOW = 250;
/** How long (ms) a body is not named before it counts: who takes or moves a job needs much less. */
const GRACE_MS = 300_000;
/** Ids that are kept in mind at most. */
const MOST_SUSPECTS = 10_000;

export interface BodyStep {
  /** Bodies that nothing has named for the grace time, and which are still there. */
  readonly unnamed: number;
  readonly removed: number;
}

/** Finds bodies that nothing names, as original clients leave them that die between their RPOP and their DEL. */
export class BodySweep {
  /** By id as latin1: since when it is not named, and whether the grace time is over. */
  private readonly suspects = new Map<string, { since: number; isOver: boolean }>();
  private cursor = '0';
  private steppedAtMs = -Infinity;
  private overCount = 0;

  constructor(private readonly caller: Pick<Caller, 'run'>) {}

  async step({
    removes,
    graceMs = GRACE_MS,
  }: {
    readonly removes: boolean;
    readonly graceMs?: number | undefined;
  }): Promise<BodyStep> {
    const now = monotonicMs();
    let removed = 0;
    if (now - this.steppedAtMs >= EVERY_MS) {
      this.steppedAtMs = now;
      await this.lookAtSome(now);
      removed = await this.lookAgain(now, graceMs, removes);
      // Not at each step, of which there may be a thousand a second.
      this.overCount = [...this.suspects.values()].filter(({ isOver }) => isOver).length;
    }
    return { unnamed: this.overCount, removed };
  }

  private async lookAtSome(now: number): Promise<void> {
    const ids = await this.caller.run('best-effort', (target) => this.scan(target));
    const found = await this.unnamed(ids, false);
    for (const id of ids) {
      const name = id.toString('latin1');
      if (!found.has(name)) this.suspects.delete(name);
      else if (!this.suspects.has(name) && this.suspects.size < MOST_SUSPECTS)
        this.suspects.set(name, { since: now, isOver: false });
    }
  }

  /** Looks again at those whose time is over, and takes them away where it is to. */
  private async lookAgain(now: number, graceMs: number, removes: boolean): Promise<number> {
    const over = [...this.suspects].filter(([, { since }]) => now - since >= graceMs).slice(0, SCAN_WINDOW);
    const ids = over.map(([name]) => Buffer.from(name, 'latin1'));
    const found = await this.unnamed(ids, removes);
    for (const [name] of over) {
      if (found.has(name) && !removes) this.suspects.set(name, { since: now, isOver: true });
      else this.suspects.delete(name);
    }
    return removes ? found.size : 0;
  }

  private async unnamed(ids: readonly Buffer[], removes: boolean): Promise<Set<string>> {
    if (ids.length === 0) return new Set();
    const found = await this.caller.run('best-effort', (target) => lookAtBodies(target, ids, removes));
    return new Set(found.map((id) => id.toString('latin1')));
  }

  private async scan({ redis, keys }: Target): Promise<Buffer[]> {
    const [cursor, names] = (await redis.callBuffer(
      ...['SCAN', this.cursor, 'MATCH', keys.bucketPattern, 'COUNT'],
      SCAN_WINDOW,
    )) as [Buffer, Buffer[]];
    this.cursor = cursor.toString();
    return names.map((name) => Buffer.from(name.subarray(Buffer.byteLength(keys.bucketStem))));
  }
}

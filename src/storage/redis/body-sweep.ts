import { monotonicMs } from '../../core/timer.js';
import type { Caller } from './caller.js';
import { lookAtBodies, type SeenBody } from './scripts/maintain.js';
import type { Target } from './scripts/run.js';

/** So often (ms) some bodies are looked at, and so many names of keys: a million take an hour, and no job waits long. */
const EVERY_MS = 400;
const SCAN_WINDOW = 100;
/** How long (ms) a body is not named before it counts: who takes or moves a job needs much less. */
const GRACE_MS = 300_000;
/** Ids that are kept in mind at most. */
const MOST_SUSPECTS = 10_000;

export interface BodyStep {
  /** Bodies that nothing has named for the grace time, and which are still there. */
  readonly unnamed: number;
  readonly removed: number;
}

interface Suspect extends SeenBody {
  readonly since: number;
  readonly isOver: boolean;
}

/** Finds bodies that nothing names, as original clients leave them that die between their RPOP and their DEL. */
export class BodySweep {
  /** By id as latin1: since when it is not named, and whether the grace time is over. */
  private readonly suspects = new Map<string, Suspect>();
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
    const found = await this.unnamed(
      ids.map((id) => ({ id, expiry: 'any' })),
      false,
    );
    for (const id of ids) {
      const name = id.toString('latin1');
      const [body, known] = [found.get(name), this.suspects.get(name)];
      if (!body) this.suspects.delete(name);
      // What was pushed anew meanwhile begins anew.
      else if (known ? known.expiry !== body.expiry : this.suspects.size < MOST_SUSPECTS)
        this.suspects.set(name, { ...body, since: now, isOver: false });
    }
  }

  /** Looks again at those whose time is over, and takes them away where it is to. */
  private async lookAgain(now: number, graceMs: number, removes: boolean): Promise<number> {
    const over = [...this.suspects].filter(([, { since }]) => now - since >= graceMs).slice(0, SCAN_WINDOW);
    const found = await this.unnamed(
      over.map(([, suspect]) => suspect),
      removes,
    );
    for (const [name, suspect] of over) {
      if (found.has(name) && !removes) this.suspects.set(name, { ...suspect, since: now, isOver: true });
      else this.suspects.delete(name);
    }
    return removes ? found.size : 0;
  }

  private async unnamed(bodies: readonly SeenBody[], removes: boolean): Promise<Map<string, SeenBody>> {
    if (bodies.length === 0) return new Map();
    const found = await this.caller.run('best-effort', (target) => lookAtBodies(target, bodies, removes));
    return new Map(found.map((body) => [body.id.toString('latin1'), body]));
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

import { monotonicMs } from '../../core/timer.js';
import type { Caller } from './caller.js';
import type { ReadySweep } from './ready-sweep.js';
import { lookAtBodies, type SeenBody } from './scripts/maintain.js';
import type { Target } from './scripts/run.js';

/**
 * How often (ms) some bodies are looked at, and how many names of keys. A million keys take an hour, and no job
 * waits long.
 */
const EVERY_MS = 400;
const SCAN_WINDOW = 100;
/** For how long (ms) no key must have named a body; taking or moving a job takes far less. */
const GRACE_MS = 300_000;
/**
 * Meanwhile all ready lists must have been walked from their beginning: the one that was under way does not count. A
 * tick of an original daemon may have put the entry of a job into the list of another topic.
 */
const ROUNDS = 2;
/** How many ids are remembered at most. */
const MOST_SUSPECTS = 10_000;

export interface BodyStep {
  /** Bodies that no key has named for the grace time, and that still exist. */
  readonly unnamed: number;
  readonly removed: number;
}

interface Suspect extends SeenBody {
  readonly since: number;
  /** Of the walk through the ready lists, at that time. */
  readonly round: number;
  readonly isOver: boolean;
}

/** Finds bodies that no key names. Original clients that die between their RPOP and their DEL leave them. */
export class BodySweep {
  /** By id as latin1: since when no key names it, and whether the grace time is over. */
  private readonly suspects = new Map<string, Suspect>();
  private cursor = '0';
  private steppedAtMs = -Infinity;
  private overCount = 0;

  constructor(
    private readonly caller: Pick<Caller, 'run'>,
    private readonly lists: Pick<ReadySweep, 'rounds' | 'isMisplaced'>,
  ) {}

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
      // Not at each step, since there may be a thousand a second.
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
      if (!body || this.lists.isMisplaced(name)) this.suspects.delete(name);
      // For a job that was pushed again meanwhile the time starts anew.
      else if (known ? known.expiry !== body.expiry : this.suspects.size < MOST_SUSPECTS)
        this.suspects.set(name, { ...body, since: now, round: this.lists.rounds, isOver: false });
    }
  }

  /** Looks again at bodies whose time is over, and removes them if that was asked for. */
  private async lookAgain(now: number, graceMs: number, removes: boolean): Promise<number> {
    const { lists } = this;
    const over = [...this.suspects]
      .filter(([, { since, round }]) => now - since >= graceMs && lists.rounds >= round + ROUNDS)
      .filter(([name]) => !lists.isMisplaced(name))
      .slice(0, SCAN_WINDOW);
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

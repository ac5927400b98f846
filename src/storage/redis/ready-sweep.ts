import type { Caller } from './caller.js';
import { seeTopics } from './scripts/look.js';
import { IdSet } from './id-set.js';
import { mendEntries } from './scripts/examine.js';
import { LONG_PART, sweep, tidy } from './scripts/maintain.js';
import type { Target } from './scripts/run.js';
import { monotonicMs } from '../../core/timer.js';

/** Names of keys that one step reads to find the ready lists. */
const SCAN_WINDOW = 2000;
/** While there is other work, one step in so many is one of these. */
const STEPS_BETWEEN = 64;
/** Jobs that are due within this time (ms) should not wait for a long part of a list. */
const SOON_MS = 10;
/** How many entries a part has that they may wait for. */
const SHORT_PART = 100;
/** How often (ms) a part is looked at when jobs are always due soon. */
const PRESSED_EVERY_MS = 50;
/** How often (ms) leftovers are looked for when none are known. */
const EVERY_MS = 1000;
/** Ids with a second entry that one walk remembers. */
const MOST_DOUBLED = 10_000;
/** Ids that a script is given to remove their second entries; it takes as many as it has time for. */
const DOUBLED_AT_ONCE = 50;
/** If so many leftover notes were found, there are more. */
const MANY_NOTES = 100;

export interface SweepStep {
  /** Jobs that had expired in their ready list. */
  readonly expired: number;
  /** Second entries of jobs that were removed. */
  readonly doubled: number;
  /** Jobs that had been set aside and are ready again. */
  readonly returned: number;
  /** Leftover notes that were removed. */
  readonly forgotten: number;
  /** Is there more to do at once? */
  readonly more: boolean;
}

interface StepParams {
  readonly isBusy: boolean;
  readonly isUntidy: boolean;
  readonly nextInMs?: number | undefined;
  /** Is there more to do until all lists were walked? */
  readonly isThorough?: boolean | undefined;
}

interface Walk {
  readonly topic: Buffer;
  from: number;
  hasShown: boolean;
  /** Ids of ready jobs that were seen from the left on. */
  seen: IdSet | undefined;
  /** Those that were seen twice. */
  readonly doubled: Buffer[];
  /** Is the whole list walked, so that their second entries are to be removed? */
  isWalked: boolean;
  /** Ids of the part before, from the right. */
  before: readonly string[];
  /** Were there too many to remember them all? */
  isFull: boolean;
  /** Was a second entry removed? Of more than can be remembered the rest is found by another walk. */
  hasRemoved: boolean;
}

const walkOf = (topic: Buffer, from: number): Walk => ({
  ...{ topic, from, hasShown: false },
  ...{ seen: undefined, doubled: [], before: [], isWalked: false, isFull: false, hasRemoved: false },
});

/** @param ids of the next part, from the right */
function note(walk: Walk, ids: readonly string[]): void {
  if (ids.length === 0) return;
  walk.seen ??= new IdSet();
  const fresh = ids.length - overlap(ids, walk.before);
  for (const id of ids.slice(0, fresh))
    if (!walk.seen.add(id) && walk.doubled.length < MOST_DOUBLED)
      walk.doubled.push(Buffer.from(id, 'latin1'));
  walk.before = ids;
}

/** How many entries of the part before moved into this one, because others were added at the left meanwhile. */
function overlap(ids: readonly string[], before: readonly string[]): number {
  const [last] = before;
  const from = last === undefined ? -1 : ids.lastIndexOf(last);
  const moved = from === -1 ? [] : ids.slice(from);
  return moved.every((id, i) => id === before[i]) ? moved.length : 0;
}

const NOTHING: SweepStep = { expired: 0, doubled: 0, returned: 0, forgotten: 0, more: false };

/** How many entries at the right end are looked at before a list is walked from the left. */
const RIGHT_END = -1;

/**
 * Removes entries that are no ready jobs from the ready lists, part by part: first from lists that a leftover note
 * points to, and in turn from all others.
 */
export class ReadySweep {
  /** Rounds through all ready lists that were completed. */
  rounds = 0;
  private readonly suspects = new Map<string, Buffer>();
  private current: Walk | undefined;
  private cursor = '0';
  private stepsToWait = 0;
  private tidiedAtMs = -Infinity;
  private scannedAtMs = -Infinity;
  private sweptAtMs = -Infinity;
  private hasSeenAllKeys = false;
  private isUnderWay = false;
  private hasScannedAll = false;
  /** By id as latin1: jobs whose only entry is in the list of another topic, as seen in this round and the one before. */
  private misplaced: [Set<string>, Set<string>] = [new Set(), new Set()];

  constructor(private readonly caller: Pick<Caller, 'run'>) {}

  /** Was an entry of this id seen in the list of another topic than its job's, in this round or the last? */
  isMisplaced(id: string): boolean {
    return this.misplaced.some((ids) => ids.has(id));
  }

  suspect(topics: readonly Buffer[]): void {
    for (const topic of topics) this.suspects.set(topic.toString('latin1'), topic);
  }

  /** Is called by a consumer that found nothing to take. */
  async tidy(): Promise<Pick<SweepStep, 'returned' | 'forgotten'>> {
    const now = monotonicMs();
    if (now - this.tidiedAtMs < EVERY_MS) return NOTHING;
    this.tidiedAtMs = now;
    const { returned, forgotten, suspects } = await this.caller.run('best-effort', tidy);
    if (forgotten >= MANY_NOTES) this.tidiedAtMs = -Infinity;
    this.suspect(suspects);
    return { returned, forgotten };
  }

  /**
   * One step of what a daemon does besides its work.
   * @param isBusy has it other work?
   * @param nextInMs when it has work
   */
  async step({ isBusy, isUntidy, nextInMs = Infinity, isThorough = false }: StepParams): Promise<SweepStep> {
    const isPressed = isBusy || (nextInMs <= SOON_MS && !isThorough);
    // Two steps of the work may be under way.
    if (this.isUnderWay || !this.isTurn(isBusy, isPressed)) return NOTHING;
    this.isUnderWay = true;
    try {
      const { returned, forgotten } = isUntidy ? await this.tidy() : NOTHING;
      const swept = await this.sweepPart(isPressed ? SHORT_PART : LONG_PART, isThorough);
      const isLeft = isThorough && (forgotten >= MANY_NOTES || !this.isThrough);
      return { ...swept, returned, forgotten, more: swept.more || returned > 0 || isLeft };
    } finally {
      this.isUnderWay = false;
    }
  }

  /** Were all ready lists walked at least once? */
  private get isThrough(): boolean {
    return this.hasSeenAllKeys && this.suspects.size === 0 && this.current === undefined;
  }

  private isTurn(isBusy: boolean, isPressed: boolean): boolean {
    const now = monotonicMs();
    this.stepsToWait = isBusy ? this.stepsToWait - 1 : 0;
    const mayWait = isPressed && !isBusy && this.current?.hasShown !== true;
    if (this.stepsToWait > 0 || (mayWait && now - this.sweptAtMs < PRESSED_EVERY_MS)) return false;
    this.stepsToWait = STEPS_BETWEEN;
    this.sweptAtMs = now;
    return true;
  }

  /** If a part of a list had something to remove, the rest is walked at once. */
  private async sweepPart(
    entries: number,
    isThorough: boolean,
  ): Promise<Pick<SweepStep, 'expired' | 'doubled' | 'more'>> {
    const current = (this.current ??= await this.nextList(isThorough));
    if (!current) return NOTHING;
    if (current.isWalked) return this.removeDoubled(current);
    const { topic, from } = current;
    const { expired, taken, next, doubled, ids, misplaced } = await this.caller.run('best-effort', (target) =>
      sweep(target, topic, { from, entries }),
    );
    for (const id of misplaced) this.misplaced[0].add(id);
    current.hasShown ||= taken > 0;
    const isRightEnd = from === RIGHT_END;
    // All entries at the right end may be expired, and those behind them as well.
    if (isRightEnd && taken === 0) current.from = 0;
    if (!isRightEnd) {
      note(current, ids);
      current.from = next;
      current.isWalked = next < 0;
      if (current.isWalked && current.doubled.length === 0) this.current = undefined;
    }
    return { expired, doubled, more: current.hasShown && this.current !== undefined };
  }

  /** The script looks again, because entries move while a list is walked, and may be seen twice themselves. */
  private async removeDoubled(walk: Walk): Promise<Pick<SweepStep, 'expired' | 'doubled' | 'more'>> {
    const { topic, doubled } = walk;
    const some = doubled.slice(0, DOUBLED_AT_ONCE);
    const done = await this.caller.run('best-effort', (target) => mendEntries(target, topic, some));
    walk.isFull ||= doubled.length === MOST_DOUBLED;
    walk.hasRemoved ||= done.includes(true);
    doubled.splice(0, done.length === 0 ? doubled.length : done.length);
    if (doubled.length === 0) this.current = walk.isFull && walk.hasRemoved ? walkOf(topic, 0) : undefined;
    return { expired: 0, doubled: done.filter(Boolean).length, more: this.current !== undefined };
  }

  private async nextList(isThorough: boolean): Promise<Walk | undefined> {
    this.endRound();
    const now = monotonicMs();
    const isScanDue = isThorough ? !this.hasSeenAllKeys : now - this.scannedAtMs >= EVERY_MS;
    if (this.suspects.size === 0 && isScanDue) {
      this.scannedAtMs = now;
      const topics = await this.caller.run('best-effort', (target) => this.scan(target));
      // Notes the topic, so that views know of topics that only other clients use.
      if (topics.length > 0) await this.caller.run('best-effort', (target) => seeTopics(target, topics));
      this.suspect(topics);
    }
    for (const [name, topic] of this.suspects) {
      this.suspects.delete(name);
      return walkOf(topic, RIGHT_END);
    }
    return undefined;
  }

  private endRound(): void {
    if (!this.hasScannedAll || this.suspects.size > 0) return;
    this.hasScannedAll = false;
    this.rounds += 1;
    this.misplaced = [new Set(), this.misplaced[0]];
  }

  private async scan({ redis, keys }: Target): Promise<Buffer[]> {
    const [cursor, names] = (await redis.callBuffer(
      'SCAN',
      this.cursor,
      'MATCH',
      keys.readyPattern,
      'COUNT',
      SCAN_WINDOW,
    )) as [Buffer, Buffer[]];
    this.cursor = cursor.toString();
    if (this.cursor === '0') this.hasSeenAllKeys = this.hasScannedAll = true;
    return names.map((name) => Buffer.from(name.subarray(Buffer.byteLength(keys.readyStem))));
  }
}

import type { Caller } from './caller.js';
import { seeTopics } from './scripts/look.js';
import { LONG_PART, sweep, tidy } from './scripts/maintain.js';
import type { Target } from './scripts/run.js';
import { monotonicMs } from '../../core/timer.js';

/** Names of keys that one step looks at, to find the ready lists. */
const SCAN_WINDOW = 2000;
/** While there is other work, every so many steps of it one of these is done. */
const STEPS_BETWEEN = 64;
/** Jobs that are due so soon (ms) are not to wait for a part of a list that is long. */
const SOON_MS = 10;
/** Entries of a part that they do wait for. */
const SHORT_PART = 100;
/** Where jobs are always due soon, a part is looked at so often (ms). */
const PRESSED_EVERY_MS = 50;
/** Where nothing is known to be left over, it is looked for so often (ms). */
const EVERY_MS = 1000;
/** After so many notes that were left over there are more. */
const MANY_NOTES = 100;

export interface SweepStep {
  /** Jobs that had expired in their ready list. */
  readonly expired: number;
  /** Second entries of jobs that were taken away. */
  readonly doubled: number;
  /** Jobs that were set aside, and are ready again. */
  readonly returned: number;
  /** Notes that were left over. */
  readonly forgotten: number;
  /** Is there more to do at once? */
  readonly more: boolean;
}

interface StepParams {
  readonly isBusy: boolean;
  readonly isUntidy: boolean;
  readonly nextInMs?: number | undefined;
  /** Is there more to do until all lists were looked through? */
  readonly isThorough?: boolean | undefined;
}

interface Walk {
  readonly topic: Buffer;
  from: number;
  hasShown: boolean;
}

const NOTHING: SweepStep = { expired: 0, doubled: 0, returned: 0, forgotten: 0, more: false };

/** The part at the right end, which is looked at before a list is walked from the left. */
const RIGHT_END = -1;

/**
 * Clears what is no ready job out of the ready lists, part by part: those of which a note without a body tells,
 * and in turn all others.
 */
export class ReadySweep {
  private readonly suspects = new Map<string, Buffer>();
  private current: Walk | undefined;
  private cursor = '0';
  private stepsToWait = 0;
  private tidiedAtMs = -Infinity;
  private scannedAtMs = -Infinity;
  private sweptAtMs = -Infinity;
  private hasSeenAllKeys = false;
  private isUnderWay = false;

  constructor(private readonly caller: Pick<Caller, 'run'>) {}

  suspect(topics: readonly Buffer[]): void {
    for (const topic of topics) this.suspects.set(topic.toString('latin1'), topic);
  }

  /** What a consumer does that found nothing to take. */
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
   * One step of what a daemon does beside its work.
   * @param isBusy has it other work?
   * @param nextInMs when it has
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

  /** Were all ready lists looked through at least once? */
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

  /** A list of which a part has shown something is walked to its end at once. */
  private async sweepPart(
    entries: number,
    isThorough: boolean,
  ): Promise<Pick<SweepStep, 'expired' | 'doubled' | 'more'>> {
    const current = (this.current ??= await this.nextList(isThorough));
    if (!current) return NOTHING;
    const { topic, from } = current;
    const { expired, taken, next, doubled } = await this.caller.run('best-effort', (target) =>
      sweep(target, topic, { from, entries }),
    );
    current.hasShown ||= taken > 0;
    const isRightEnd = from === RIGHT_END;
    // All of the right end may be expired, and what comes behind it as well.
    if (isRightEnd && taken === 0) current.from = 0;
    else if (!isRightEnd && next < 0) this.current = undefined;
    else if (!isRightEnd) current.from = next;
    return { expired, doubled, more: current.hasShown && this.current !== undefined };
  }

  private async nextList(isThorough: boolean): Promise<Walk | undefined> {
    const now = monotonicMs();
    const isScanDue = isThorough ? !this.hasSeenAllKeys : now - this.scannedAtMs >= EVERY_MS;
    if (this.suspects.size === 0 && isScanDue) {
      this.scannedAtMs = now;
      const topics = await this.caller.run('best-effort', (target) => this.scan(target));
      // Views are to know of those that other clients alone use.
      if (topics.length > 0) await this.caller.run('best-effort', (target) => seeTopics(target, topics));
      this.suspect(topics);
    }
    for (const [name, topic] of this.suspects) {
      this.suspects.delete(name);
      return { topic, from: RIGHT_END, hasShown: false };
    }
    return undefined;
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
    if (this.cursor === '0') this.hasSeenAllKeys = true;
    return names.map((name) => Buffer.from(name.subarray(Buffer.byteLength(keys.readyStem))));
  }
}

import { backoffMs } from '../core/backoff.js';
import type { DaemonTotals } from '../core/daemon-status.js';
import { DelayerError, isLasting } from '../core/errors.js';
import type { OnEvent } from '../core/events.js';
import type { Queue } from '../core/queue.js';
import type { Maintenance } from '../core/results.js';
import { DAEMON_SEEN_MS, type MaintainParams } from '../core/store.js';
import { type AbortSignalLike, isTimeOver, monotonicMs, sleep } from '../core/timer.js';
import { sendWhileMore } from './ahead.js';
import { ClockWatch } from './clock-watch.js';
import { OriginalWatch } from './original-watch.js';
import { Progress } from './progress.js';

export interface DaemonOptions {
  /** The longest time (ms) between two looks when the store cannot report pushes by all clients. */
  readonly intervalMs: number;
  /** The name under which others see this daemon. */
  readonly name: string;
  /** Ends the work after the step in hand. */
  readonly signal: AbortSignalLike;
  /** Is an unreachable store waited for at the start? Otherwise it ends the daemon. */
  readonly waitsForStore?: boolean | undefined;
  /** Called once, when the store was reached. */
  readonly onReady?: (() => void) | undefined;
  /**
   * Called after each step, even if there was nothing to do, and after each failed try: the loop is alive.
   */
  readonly onLook?: (() => void) | undefined;
  /**
   * The longest time (ms) between two such calls while the store answers; when absent the daemon decides.
   */
  readonly onLookEveryMs?: number | undefined;
  /** Are bodies removed that no key names? */
  readonly repairs?: boolean | undefined;
  /** Counts what is done, for whoever watches. */
  readonly progress?: Progress | undefined;
  readonly onEvent: OnEvent;
}

/** Three announcements in the time in which one is needed. */
const ANNOUNCE_MS = DAEMON_SEEN_MS / 3;

/** Where due jobs need no promotion, there is only clearing up to do, at this interval (ms). */
const HOUSEKEEPING_MS = 5000;

/** Where the store reports every push, an extra look is made at this interval (ms). */
const LOOK_MS = 1000;

/**
 * The least time (ms) between the starts of two steps, unless the first has left something to do. A step costs as much
 * for one job as for several: where a job falls due in every millisecond, more steps would slow the consumers down.
 */
const STEP_GAP_MS = 2;

/** How many steps are under way while there is more to do. */
const STEPS_AT_ONCE = 2;

/**
 * The longest pause between two tries is 0.8 s, so that jobs are promoted within 2 s after a store is back.
 */
const LONGEST_BACKOFF = 4;

/**
 * Maintains the store until aborted: due jobs become ready in order of due time, ended leases are reclaimed, expired
 * jobs are cleared away. It sleeps until the next job is due, an earlier one is pushed, or the interval is over. Any
 * number of daemons may run on one store.
 *
 * A store that goes away is waited for; at the start only with `waitsForStore`.
 * @throws DelayerError that waiting does not mend; when the first contact fails and is not waited for
 */
export async function runDaemon(queue: Queue, options: DaemonOptions): Promise<DaemonTotals> {
  const { name, signal, waitsForStore = false, onReady, onLook, onEvent } = options;
  const daemon = new Daemon(queue, options);
  const { progress } = daemon;
  let isReady = false;
  let failures = 0;
  while (!signal.aborted) {
    try {
      await daemon.announce();
      if (!isReady) onReady?.();
      isReady = true;
      await daemon.maintainAll();
      if (failures > 0) onEvent({ type: 'store_back', store: queue.label });
      failures = 0;
      await daemon.waitForWork();
    } catch (error) {
      if (!(error instanceof DelayerError) || isLasting(error) || !(isReady || waitsForStore)) throw error;
      progress.storeLost(error);
      if (failures === 0 && !isTimeOver({ signal }))
        onEvent({ type: 'store_lost', store: queue.label, error });
      onLook?.();
      await sleep(backoffMs(Math.min(failures, LONGEST_BACKOFF)), signal);
      failures += 1;
    }
  }
  await daemon.originals.ended();
  // The announcement expires by itself when the store is away.
  if (isReady && failures === 0) await queue.retire(name).catch(() => undefined);
  return progress.totals;
}

/**
 * Does everything that is due now, in bounded steps, and ends.
 * @throws DelayerError when the store cannot be reached, or fails
 */
export async function maintainOnce(
  queue: Queue,
  options: Pick<DaemonOptions, 'signal' | 'onEvent'>,
): Promise<DaemonTotals> {
  const daemon = new Daemon(queue, options);
  await daemon.maintainThoroughly();
  return daemon.progress.totals;
}

class Daemon {
  readonly progress: Progress;
  readonly originals: OriginalWatch;
  private announcedAt = -Infinity;
  private mayAnnounce = true;
  /** When the next work is due, as far as is known, on the clock of monotonicMs. */
  private nextAtMs = 0;
  /** When a step was answered last, on that clock. */
  private answeredAtMs = 0;
  private readonly clock = new ClockWatch();
  private stuck = 0;
  private wrongTypes = new Set<string>();
  private unnamedBodies = 0;
  private hasToldOfDoubled = false;

  constructor(
    private readonly queue: Queue,
    private readonly options: Pick<DaemonOptions, 'signal' | 'onEvent'> & Partial<DaemonOptions>,
  ) {
    const { signal, onEvent, progress = new Progress() } = options;
    const { intervalMs = HOUSEKEEPING_MS, onLookEveryMs = Infinity } = options;
    const longestMs = queue.needsPromotion ? Math.max(intervalMs, LOOK_MS) : HOUSEKEEPING_MS;
    progress.longestPauseMs = Math.min(longestMs, onLookEveryMs);
    this.progress = progress;
    this.originals = new OriginalWatch(queue, { progress, signal, onEvent });
  }

  /** Announces this daemon every few seconds. It works on when that is refused. */
  async announce(): Promise<void> {
    const { name } = this.options;
    if (name === undefined || !this.mayAnnounce || monotonicMs() - this.announcedAt < ANNOUNCE_MS) return;
    const before = this.announcedAt;
    // Set before the call: the next step may ask meanwhile.
    this.announcedAt = monotonicMs();
    try {
      if (this.queue.needsPromotion) await this.lookAtClock();
      const { promoted } = this.progress.totals;
      await this.queue.announce(name, { promoted, latestMs: this.progress.takeLatest() });
      if (this.queue.needsPromotion) this.originals.look();
    } catch (error) {
      this.announcedAt = before;
      if (!(error instanceof DelayerError) || error.code !== 'store_wrong_type') throw error;
      this.mayAnnounce = false;
      this.options.onEvent({ type: 'announce_failed', error });
    }
  }

  /** Jobs that need promotion are due by the store's clock, which is not this machine's. */
  private async lookAtClock(): Promise<void> {
    const byMs = await this.clock.look(() => this.queue.now());
    if (byMs !== undefined) this.options.onEvent({ type: 'clock_stepped', store: this.queue.label, byMs });
  }

  /** Does all that is to be done now. */
  async maintainAll(): Promise<void> {
    const { signal, repairs } = this.options;
    // Where due jobs need no promotion the store runs in this thread, so a second request would not help.
    const atOnce = this.queue.needsPromotion ? STEPS_AT_ONCE : 1;
    await sendWhileMore(() => this.step({ repairs }), { atOnce, signal });
  }

  /** The same, and goes through all possible leftovers. */
  async maintainThoroughly(): Promise<void> {
    await sendWhileMore(() => this.step({ isThorough: true }), { atOnce: 1, signal: this.options.signal });
  }

  /** Answers whether there is more to do. */
  private async step(params: MaintainParams): Promise<boolean> {
    // After a break, for example: a million jobs take longer than others wait before they count this daemon as gone.
    await this.announce();
    const askedAtMs = monotonicMs();
    const step = await this.queue.maintain({ ...params, signal: this.options.signal });
    const now = monotonicMs();
    // The step before may have been under way until it was answered.
    this.progress.stepDone(step, now - Math.max(askedAtMs, this.answeredAtMs));
    this.answeredAtMs = now;
    this.report(step);
    this.options.onLook?.();
    // Counted from the request, because the answer may have taken longer than the time that is left.
    this.nextAtMs = askedAtMs + Math.max(STEP_GAP_MS, step.nextInMs ?? Infinity);
    return step.more;
  }

  async waitForWork(): Promise<void> {
    const { intervalMs = HOUSEKEEPING_MS, signal } = this.options;
    const timeoutMs = Math.max(0, Math.min(this.nextAtMs - monotonicMs(), this.progress.longestPauseMs));
    // Where due jobs need no promotion, a push gives a daemon nothing to do.
    if (!this.queue.needsPromotion) await sleep(timeoutMs, signal);
    else await this.queue.waitForPush({ timeoutMs, pollMs: Math.max(1, intervalMs), signal });
  }

  private report(step: Maintenance): void {
    const { onEvent } = this.options;
    const { promoted, expired, reclaimed, deleted, buried = [], unnamedBodies = 0 } = step;
    this.reportDoubled(step.doubled ?? 0);
    for (const letter of buried) onEvent({ type: 'job_dead', ...letter });
    if (promoted + expired + reclaimed + deleted > 0)
      onEvent({ type: 'maintained', promoted, reclaimed, expired, deleted });
    this.reportStuck(step.stuck);
    this.reportWrongTypes(step.wrongTypes ?? []);
    if (unnamedBodies > 0 !== this.unnamedBodies > 0)
      onEvent({ type: 'unnamed_bodies', bodies: unnamedBodies });
    this.unnamedBodies = unnamedBodies;
  }

  /** Reported once for each key, as long as it lasts. */
  private reportWrongTypes(found: NonNullable<Maintenance['wrongTypes']>): void {
    const { onEvent } = this.options;
    const keys = found.filter(({ key }) => !this.wrongTypes.has(key));
    if (keys.length > 0) onEvent({ type: 'wrong_types', keys });
    if (found.length === 0 && this.wrongTypes.size > 0) onEvent({ type: 'wrong_types_over' });
    this.wrongTypes = new Set(found.map(({ key }) => key));
  }

  /** Reported once: such a daemon goes on leaving them. */
  private reportDoubled(entries: number): void {
    if (entries > 0 && !this.hasToldOfDoubled) this.options.onEvent({ type: 'doubled_entries', entries });
    this.hasToldOfDoubled ||= entries > 0;
  }

  private reportStuck(jobs: number): void {
    if (jobs > 0 && this.stuck === 0) this.options.onEvent({ type: 'jobs_stuck', jobs });
    if (jobs === 0 && this.stuck > 0) this.options.onEvent({ type: 'jobs_unstuck' });
    this.stuck = jobs;
  }
}

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
  /** The longest time (ms) between two looks where the store cannot tell of pushes by all clients. */
  readonly intervalMs: number;
  /** The name under which others see this daemon. */
  readonly name: string;
  /** Ends the work after the step in hand. */
  readonly signal: AbortSignalLike;
  /** Is a store waited for that cannot be reached at the start? Else that ends the daemon. */
  readonly waitsForStore?: boolean | undefined;
  /** Called once, when the store was reached. */
  readonly onReady?: (() => void) | undefined;
  /** Called after each step of work, be there nothing to do, and after each try that failed: the loop is alive. */
  readonly onLook?: (() => void) | undefined;
  /** The longest time (ms) between two calls of it while the store answers; as seems fit when absent. */
  readonly onLookEveryMs?: number | undefined;
  /** Are bodies removed that no key names? */
  readonly repairs?: boolean | undefined;
  /** Keeps account of what is done, for whoever watches. */
  readonly progress?: Progress | undefined;
  readonly onEvent: OnEvent;
}

/** Announcements are three times as frequent as they need to be. */
const ANNOUNCE_MS = DAEMON_SEEN_MS / 3;

/** Where due jobs are ready by themselves there is only clearing up to do, and that has time (ms). */
const HOUSEKEEPING_MS = 5000;

/** Where the store tells of every push, a look that nothing asks for is made so often (ms). */
const LOOK_MS = 1000;

/** Steps that are under way while there is more to do. */
const STEPS_AT_ONCE = 2;

/** The longest pause between two tries is 0.8 s: a store that is back has its jobs promoted within 2 s. */
const LONGEST_BACKOFF = 4;

/**
 * Maintains the store until aborted: due jobs become ready in order of due time, ended leases are
 * reclaimed, expired jobs are cleared away. It sleeps until the next job is due, an earlier one is pushed,
 * or the interval is over. Any number may run on one store.
 *
 * A store that goes away is waited for; at the start where `waitsForStore` says so.
 * @throws DelayerError what no wait can mend; when the first contact fails and is not waited for
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
  // A store that is away forgets the announcement by itself.
  if (isReady && failures === 0) await queue.retire(name).catch(() => undefined);
  return progress.totals;
}

/**
 * Does all that is to be done now, in bounded steps, and ends.
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
  /** When there is something to do next, as far as is known, on the clock of monotonicMs. */
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
    this.progress = progress;
    this.originals = new OriginalWatch(queue, { progress, signal, onEvent });
  }

  /** Lets others see this daemon, every few seconds. It works on where that is refused. */
  async announce(): Promise<void> {
    const { name } = this.options;
    if (name === undefined || !this.mayAnnounce || monotonicMs() - this.announcedAt < ANNOUNCE_MS) return;
    const before = this.announcedAt;
    // At once, for the next step may be asked for meanwhile.
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

  /** Jobs that need promotion are due by a clock that is none of this machine's. */
  private async lookAtClock(): Promise<void> {
    const byMs = await this.clock.look(() => this.queue.now());
    if (byMs !== undefined) this.options.onEvent({ type: 'clock_stepped', store: this.queue.label, byMs });
  }

  /** Does all that is to be done now. */
  async maintainAll(): Promise<void> {
    const { signal, repairs } = this.options;
    // Where jobs are due by themselves the store runs in this thread, and has nothing to wait for.
    const atOnce = this.queue.needsPromotion ? STEPS_AT_ONCE : 1;
    await sendWhileMore(() => this.step({ repairs }), { atOnce, signal });
  }

  /** The same, and goes through all that may be left over. */
  async maintainThoroughly(): Promise<void> {
    await sendWhileMore(() => this.step({ isThorough: true }), { atOnce: 1, signal: this.options.signal });
  }

  /** Answers whether there is more to do. */
  private async step(params: MaintainParams): Promise<boolean> {
    // A million jobs take longer than others wait before they take it for gone.
    await this.announce();
    const askedAtMs = monotonicMs();
    const step = await this.queue.maintain(params);
    const now = monotonicMs();
    // A step that was asked for before may have been under way until it was answered.
    this.progress.stepDone(step, now - Math.max(askedAtMs, this.answeredAtMs));
    this.answeredAtMs = now;
    this.report(step);
    this.options.onLook?.();
    // From when it was asked: the answer may have taken longer than there is left. What is to be done at once, and
    // is not, need not be asked for without a pause.
    this.nextAtMs = askedAtMs + Math.max(1, step.nextInMs ?? Infinity);
    return step.more;
  }

  async waitForWork(): Promise<void> {
    const { intervalMs = HOUSEKEEPING_MS, onLookEveryMs = Infinity, signal } = this.options;
    const { needsPromotion } = this.queue;
    const longestMs = needsPromotion ? Math.max(intervalMs, LOOK_MS) : HOUSEKEEPING_MS;
    const timeoutMs = Math.max(0, Math.min(this.nextAtMs - monotonicMs(), longestMs, onLookEveryMs));
    // Where jobs become ready by themselves, what is pushed gives a daemon nothing to do.
    if (!needsPromotion) await sleep(timeoutMs, signal);
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

  /** Each key once, for as long as it is so. */
  private reportWrongTypes(found: NonNullable<Maintenance['wrongTypes']>): void {
    const { onEvent } = this.options;
    const keys = found.filter(({ key }) => !this.wrongTypes.has(key));
    if (keys.length > 0) onEvent({ type: 'wrong_types', keys });
    if (found.length === 0 && this.wrongTypes.size > 0) onEvent({ type: 'wrong_types_over' });
    this.wrongTypes = new Set(found.map(({ key }) => key));
  }

  /** Once: another daemon goes on leaving them. */
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

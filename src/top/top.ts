import { backoffMs } from '../core/backoff.js';
import { DelayerError, isLasting } from '../core/errors.js';
import type { JobRecord } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import { monotonicMs, onAbort, sleep } from '../core/timer.js';
import { doing, outcome } from './prompt.js';
import { RateMeter } from './rates.js';
import { isSameJob, type Snapshot, toSnapshot } from './snapshot.js';
import { type Act, initialState, type State } from './state.js';
import { Terminal, type Tty } from './terminal.js';
import { withFound, withPage, withSize, withSnapshot } from './receive.js';
import { type Effect, press } from './update.js';
import { frame } from './views/frame.js';
import type { Key } from './keys.js';

/** Jobs of a topic that are asked for at once. */
const PAGE_JOBS = 50;
/**
 * A look that takes long is followed by a pause of so many times that length, so that a busy store is not kept busy
 * by us.
 */
const REST = 4;

/** Acts on jobs, as the commands do. Each answers whether the job was still as it was seen. */
export interface JobActs {
  readonly promote: (job: JobRecord) => Promise<boolean>;
  /** The job is written to a file first. */
  readonly remove: (job: JobRecord) => Promise<boolean>;
  /** The path of that file. */
  readonly keptIn: () => string | undefined;
}

export interface TopOptions {
  readonly intervalMs: number;
  readonly tty: Tty;
  readonly acts: JobActs;
  /** Ends it; the terminal is restored as soon as it aborts. */
  readonly signal: AbortSignal;
}

/**
 * Shows the topics of a queue, its jobs and what they wait for, until the user quits.
 * @throws DelayerError when the store does not answer at first, or fails permanently
 */
export async function runTop(queue: Queue, options: TopOptions): Promise<void> {
  const meter = new RateMeter(options.intervalMs, await queue.now(), monotonicMs());
  // The first look is made before the screen is taken over, so that an error is printed as usual.
  const snapshot = await look(queue, meter);
  if (options.signal.aborted) return;
  const { intervalMs, tty } = options;
  const about = { store: queue.label, intervalMs, hasDue: queue.needsPromotion, size: tty.size() };
  await new Top(queue, options, meter, initialState(about, snapshot)).run();
}

async function look(queue: Queue, meter: RateMeter): Promise<Snapshot> {
  const beyond = meter.beyond(monotonicMs());
  const [stats, now] = await Promise.all([queue.stats({ exact: false, beyond }), queue.now()]);
  meter.add(stats, now, monotonicMs(), beyond);
  return toSnapshot(stats, now, meter);
}

class Top {
  private readonly terminal: Terminal;
  private readonly ending = new AbortController();
  private isWanted = false;
  private wake: () => void = () => undefined;
  private failures = 0;
  /** The act that was begun last. */
  private underWay: Promise<void> = Promise.resolve();

  constructor(
    private readonly queue: Queue,
    private readonly options: TopOptions,
    private readonly meter: RateMeter,
    private state: State,
  ) {
    this.terminal = new Terminal(options.tty, {
      onKey: (key) => this.pressed(key),
      onSize: (size) => this.show(withSize(this.state, size)),
      onEnd: () => this.ending.abort(),
    });
  }

  async run(): Promise<void> {
    const { options, terminal, ending } = this;
    const forget = onAbort(options.signal, () => {
      terminal.leave();
      ending.abort();
    });
    const ended = new Promise<void>((resolve) => onAbort(ending.signal, resolve));
    try {
      terminal.enter();
      this.show(this.state);
      // Answers that are still to come are not waited for.
      await Promise.race([this.refreshUntilTheEnd(), ended]);
    } finally {
      ending.abort();
      terminal.leave();
      forget();
      // An act that has begun is finished, so that the file says whether the job was removed.
      await this.underWay;
    }
  }

  private async refreshUntilTheEnd(): Promise<void> {
    const { signal } = this.ending;
    let tookMs = 0;
    for (;;) {
      if (!this.isWanted) await sleep(this.pauseMs(tookMs), signal, (wake) => (this.wake = wake));
      if (signal.aborted) return;
      this.isWanted = false;
      const began = monotonicMs();
      await this.refresh();
      tookMs = monotonicMs() - began;
    }
  }

  private pauseMs(tookMs: number): number {
    if (this.failures > 0) return backoffMs(this.failures - 1);
    return Math.max(this.options.intervalMs - tookMs, REST * tookMs);
  }

  /** Asks for what the screen shows; if the store does not answer, says so. */
  private async refresh(): Promise<void> {
    const { place, jobs, job } = this.state;
    try {
      const [snapshot, page, found] = await Promise.all([
        look(this.queue, this.meter),
        place === 'jobs' && jobs ? this.pageOf(jobs) : undefined,
        place === 'job' && job ? this.find(job.record) : undefined,
      ]);
      let next = withSnapshot({ ...this.state, ...this.back() }, snapshot);
      if (jobs && page) next = withPage(next, jobs, page);
      if (job && found) next = withFound(next, job, found);
      this.failures = 0;
      this.show(next);
    } catch (error) {
      if (isLasting(error) && !this.ending.signal.aborted) throw error;
      this.failures += 1;
      const { since = new Date(), before = this.state.status } = this.state.trouble ?? {};
      const message = `the store does not answer, retrying: ${(error as Error).message}`;
      this.show({ ...this.state, trouble: { message, since, before } });
    }
  }

  /** Reports the end of an outage, unless the outcome of an act came meanwhile. */
  private back(): Partial<State> {
    const { trouble, status } = this.state;
    return {
      trouble: undefined,
      status: trouble && status === trouble.before ? { text: 'the store answers again' } : status,
    };
  }

  private async pageOf({ topic, only, cursors }: NonNullable<State['jobs']>) {
    const states = only && [only];
    const cursor = cursors.at(-1);
    const { problems = [], ...page } = await this.queue.list(topic, { states, cursor, limit: PAGE_JOBS });
    return { ...page, problem: problems[0]?.message };
  }

  private async find({ id }: JobRecord) {
    const [jobs, now] = await Promise.all([this.queue.find(id), this.queue.now()]);
    return { jobs, now };
  }

  private show(state: State): void {
    this.state = state;
    this.terminal.draw(frame(state));
  }

  private pressed(key: Key): void {
    const { state, effect } = press(this.state, key);
    if (effect) this.follow(effect);
    if (state !== this.state || effect) this.show(state);
  }

  private follow(effect: Effect): void {
    switch (effect.type) {
      case 'end':
        this.ending.abort();
        return;
      case 'redraw':
        this.terminal.forget();
        return;
      case 'fetch':
        this.refreshNow();
        return;
      case 'signal':
        this.terminal.signal(effect.signal);
        return;
      case 'act':
        this.underWay = this.act(effect.act);
    }
  }

  private refreshNow(): void {
    this.isWanted = true;
    this.wake();
  }

  /** An error of an act is shown, and the view stays. */
  private async act(act: Act): Promise<void> {
    this.show({ ...this.state, acting: doing(act), status: undefined });
    const status = await this.tryTo(act);
    if (this.ending.signal.aborted) return;
    this.show({ ...this.state, acting: undefined, status });
    this.refreshNow();
  }

  private async tryTo(act: Act): Promise<NonNullable<State['status']>> {
    try {
      const isDone = await this.perform(act);
      return { text: outcome(act, isDone, this.options.acts.keptIn()), isError: !isDone };
    } catch (error) {
      const hint = error instanceof DelayerError ? `. ${error.hint}` : '';
      return { text: `${(error as Error).message}${hint}`, isError: true };
    }
  }

  private async perform(act: Act): Promise<boolean> {
    const { queue } = this;
    if ('topic' in act) {
      await queue[act.type](act.topic);
      return true;
    }
    // The question may have been open for long, so the job is read again before it is kept.
    const job = (await queue.find(act.job.id)).find((one) => isSameJob(one, act.job));
    return job !== undefined && this.options.acts[act.type](job);
  }
}

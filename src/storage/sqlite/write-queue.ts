import { DelayerError } from '../../core/errors.js';
import { type CallLimits, OUTCOME_GRACE_MS } from '../../core/store.js';
import { isTimeOver, monotonicMs } from '../../core/timer.js';

/** How long a caller waits for its write. */
export interface WriteLimits extends CallLimits {
  /** For how long (ms) after that the write is still tried; 0 when absent. It is tried once in any case. */
  readonly graceMs?: number | undefined;
}

/** Options of a write. */
export interface WriteOptions {
  /** Does it return only when it is on the disk? */
  readonly toDisk: boolean;
  /** Does it make room? Then it may use the room that is reserved for a full disk. */
  readonly frees: boolean;
  /** When its caller stops waiting. */
  readonly limits?: WriteLimits | undefined;
}

/** A write that waits for its transaction. */
export interface Write extends WriteOptions {
  readonly work: (now: number) => unknown;
  /** In a transaction of its own. */
  readonly alone: boolean;
  readonly resolve: (done: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Since when (monotonic) its caller is known to have stopped waiting. */
  overSinceMs: number | undefined;
}

/** The error of a write that was not done because its caller had stopped waiting. */
export class CallOver extends DelayerError {
  constructor(label: string) {
    super('store_busy', `${label} was held by other processes until the time of this call was over`);
  }
}

/**
 * Runs writes in the order in which they were asked for. Writes asked for together share a commit, because a commit
 * takes as long as fifty jobs.
 */
export class WriteQueue {
  private readonly queued: Write[] = [];
  private running: Promise<void> | undefined;

  /**
   * @param commit does all of a group in one transaction or nothing; it may stop early and answer fewer results
   *   than there are writes, or take writes out of the group that it has answered itself
   */
  constructor(private readonly commit: (group: Write[]) => unknown[] | Promise<unknown[]>) {}

  add<T>(work: (now: number) => T, { toDisk, frees, limits }: WriteOptions): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      // Written out: spreading the options took 6 % of single pushes and pops.
      this.queued.push({
        work,
        toDisk,
        frees,
        limits,
        alone: false,
        resolve: resolve as (done: unknown) => void,
        reject,
        overSinceMs: undefined,
      });
      this.running ??= this.run();
    });
  }

  /** Returns when nothing is under way. */
  async idle(): Promise<void> {
    await this.running;
  }

  /** Never rejects. */
  private async run(): Promise<void> {
    // Calls made in the same tick join this commit.
    await Promise.resolve();
    while (this.queued.length > 0) {
      const group = this.nextGroup();
      try {
        const committed = this.commit(group);
        const done = committed instanceof Promise ? await committed : committed;
        for (let i = 0; i < done.length; i += 1) group[i]?.resolve(done[i]);
        // What took too long for one transaction goes into the next.
        if (done.length < group.length) this.queued.unshift(...group.slice(done.length));
      } catch (error) {
        if (group.length > 1 && (error as DelayerError).code !== 'store_busy') {
          // One of them is at fault; run one by one, each shows its own result.
          this.queued.unshift(...group.map((one) => ({ ...one, alone: true })));
        } else for (const { reject } of group) reject(error);
      }
    }
    this.running = undefined;
  }

  private nextGroup(): Write[] {
    if (this.queued.length === 1) return this.queued.splice(0);
    const alone = this.queued.findIndex((one) => one.alone);
    return this.queued.splice(0, alone === 0 ? 1 : alone < 0 ? this.queued.length : alone);
  }
}

/** The limits of a write whose caller needs to know the outcome. */
export function withGrace({ untilMs, signal }: CallLimits): WriteLimits {
  return { untilMs, signal, graceMs: OUTCOME_GRACE_MS };
}

/** Rejects the writes of a group whose callers have stopped waiting, and takes them out of the group. */
export function dropOver(group: Write[], label: string): void {
  for (const write of group.filter(isGivenUp)) {
    group.splice(group.indexOf(write), 1);
    write.reject(new CallOver(label));
  }
}

function isGivenUp(write: Write): boolean {
  const { limits } = write;
  if (limits === undefined || !isTimeOver(limits)) return false;
  write.overSinceMs ??= monotonicMs();
  return monotonicMs() - write.overSinceMs >= (limits.graceMs ?? 0);
}

import { hostname } from 'node:os';
import { DelayerError } from '../core/errors.js';
import type { Backoff, LeasedJob } from '../core/job.js';
import { POP_BATCH } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import type { CallOptions } from '../core/requests.js';
import type { Reserved } from '../core/results.js';
import { takeOrWait } from '../core/take-or-wait.js';
import { monotonicMs } from '../core/timer.js';
import { escapeForTerminal } from '../output/escape.js';
import { LEASED_FORMATS, type LeasedFormat, writeLeasedJobs } from '../output/jobs.js';
import { BodyFile } from './body-file.js';
import { printEvent } from './events.js';
import { toRetryOptions } from './flags.js';
import { printNote } from './stderr.js';

/** The values of `pop --lease` and `bpop --lease`. */
export interface LeaseFlags {
  readonly count: number;
  readonly lease: number;
  readonly output: string;
  readonly 'body-file'?: string | undefined;
  readonly retries?: number | undefined;
  readonly backoff?: Backoff | undefined;
  readonly 'dead-ttl'?: number | undefined;
}

/** Leases jobs on behalf of the command's caller, and prints them with their leases. */
export class LeasePrinter {
  private readonly format: LeasedFormat;
  private readonly bodyFile: BodyFile | undefined;
  private readonly holder = callerName();

  /** @throws DelayerError before a job is taken */
  constructor(
    private readonly topics: readonly Buffer[],
    private readonly flags: LeaseFlags,
  ) {
    this.format = toFormat(flags.output);
    const file = flags['body-file'];
    if (file !== undefined && flags.count > 1)
      throw new DelayerError('usage', '--body-file is for one job, and --count asks for more', {
        hint: 'Leave one of them out.',
      });
    this.bodyFile = file === undefined ? undefined : new BodyFile(file);
  }

  /**
   * Leases up to `count` jobs, batch by batch. What cannot be printed is released.
   * @returns how many were leased
   * @throws OutputError, DelayerError
   */
  async run(queue: Queue, signal: AbortSignal): Promise<number> {
    return this.reserveAll(queue, async (limit) =>
      signal.aborted ? { jobs: [] } : this.reserve(queue, limit),
    );
  }

  /** The same, but waits for the first job. */
  async runWaiting(
    queue: Queue,
    { timeoutMs = Infinity, signal }: { timeoutMs: number | undefined; signal: AbortSignal },
  ): Promise<number> {
    const { topics } = this;
    const untilMs = monotonicMs() + timeoutMs;
    const rest = () => Math.max(0, untilMs - monotonicMs());
    let waited = false;
    return this.reserveAll(queue, async (limit) => {
      // Jobs that are ready together with the first are taken; it does not wait for more.
      if (waited) return signal.aborted ? { jobs: [] } : this.reserve(queue, limit);
      waited = true;
      const taking = {
        label: queue.label,
        take: () => this.reserve(queue, limit, { signal, timeoutMs: rest() }),
        wait: (maxMs: number, since: number | undefined) =>
          queue.waitForReady(topics, { timeoutMs: maxMs, signal, since }),
        onEvent: printEvent,
      };
      return (await takeOrWait(taking, { untilMs, signal })) ?? { jobs: [] };
    });
  }

  /** @param reserve answers no jobs when there are no more */
  private async reserveAll(queue: Queue, reserve: (limit: number) => Promise<Reserved>): Promise<number> {
    const { count } = this.flags;
    let leased = 0;
    while (leased < count) {
      const { jobs, isPaused } = await reserve(Math.min(count - leased, POP_BATCH));
      if (jobs.length === 0) {
        if (isPaused === true && leased === 0) printEvent({ type: 'topics_paused' });
        break;
      }
      leased += jobs.length;
      await this.print(queue, jobs);
    }
    return leased;
  }

  private async reserve(queue: Queue, limit: number, limits: CallOptions = {}): Promise<Reserved> {
    const { topics, holder, flags } = this;
    const retry = toRetryOptions(flags);
    const reserved = await queue.reserve({ topics, limit, leaseMs: flags.lease, holder, retry, ...limits });
    for (const buried of reserved.buried ?? []) printEvent({ type: 'job_dead', ...buried });
    return reserved;
  }

  private async print(queue: Queue, jobs: readonly LeasedJob[]): Promise<void> {
    const { bodyFile, holder } = this;
    const [first] = jobs;
    let written = 0;
    let hasBody = false;
    try {
      if (bodyFile && first) {
        bodyFile.write(first.body);
        hasBody = true;
      }
      const printed = await writeLeasedJobs(
        jobs.map((job) => ({ ...job, leasedBy: holder })),
        this.format,
      );
      written = printed.written;
      if (printed.error) throw printed.error;
    } catch (error) {
      if (hasBody && written === 0) bodyFile?.discard();
      await release(queue, jobs.slice(written));
      throw error;
    }
  }
}

function toFormat(output: string): LeasedFormat {
  const format = LEASED_FORMATS.find((one) => one === output);
  if (format !== undefined) return format;
  throw new DelayerError('usage', `--output ${output} does not print the lease, which is needed to end it`, {
    hint: 'Print JSON, or the lease alone with --output lease and the body with --body-file FILE.',
  });
}

/** Jobs that could not be printed are ready again at once, or when their lease ends. */
async function release(queue: Queue, jobs: readonly LeasedJob[]): Promise<void> {
  try {
    await queue.release(jobs);
  } catch (error) {
    const ids = jobs.map(({ id }) => `"${escapeForTerminal(id)}"`).join(', ');
    printNote(`not printed, and back in the queue when the lease ends: ${ids}: ${String(error)}`);
  }
}

/** `host:pid` of the holder: the calling process, because this one ends before its leases do. */
function callerName(): string {
  // A process sees 0 when its parent is in another container.
  return `${hostname()}:${process.ppid > 0 ? process.ppid : process.pid}`;
}

import { hostname } from 'node:os';
import * as Flags from '../cli/oclif/flags.js';
import type { InferredFlags } from '@oclif/core/interfaces';
import { splitAtDashes, splitFlag } from '../cli/argv.js';
import { BaseCommand } from '../cli/base-command.js';
import {
  assertNoWorkerFlags,
  type GivenCommand,
  toCommand,
  toLockName,
  windowFlags,
  workerFlags,
} from '../cli/drain-flags.js';
import { DrainReport } from '../cli/drain-report.js';
import { printEvent } from '../cli/events.js';
import { jobFormat, topicArgs, toRetryOptions } from '../cli/flags.js';
import { handlerEnvironment } from '../cli/handler-environment.js';
import { whileRead } from '../cli/reader.js';
import { endAtOnce, Interruption } from '../cli/signals.js';
import { printNote } from '../cli/stderr.js';
import { StderrQueue } from '../cli/stderr-queue.js';
import { DelayerError } from '../core/errors.js';
import { jobCount, type LeasedJob } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import { onAbort } from '../core/timer.js';
import { HandlerOutput } from '../output/handler-output.js';
import { JobLog } from '../output/joblog.js';
import { jobWriter } from '../output/jobs.js';
import { jobLine, JobTooLargeError } from '../output/job-line.js';
import { jobToJson } from '../output/json.js';
import { drainFollow } from '../worker/follow.js';
import type { Dead } from '../worker/handler.js';
import { ExecHandler } from '../worker/handlers/exec/exec.js';
import { printHandler } from '../worker/handlers/print.js';
import { drainLoop } from '../worker/loop.js';
import type { DrainOptions, DrainResult } from '../worker/options.js';
import { drainPass } from '../worker/pass.js';

const FOR_MS = 60_000; // A crontab line runs once a minute.
const STEP_MS = 10_000;
/** The lease of a job that a handler has in hand: long enough for a store to restart. */
const LEASE_MS = 60_000;
/** After the second signal, the reader of stdout is waited for so long (ms). */
const HURRY_MS = 1000;
/** So much of jobs (bytes) a batch has at most. Their JSON is at most six times as long. */
const BATCH_BYTES = 64 * 1024 * 1024;
/** A job that was tried in this run was not done by its end. */
const NOT_DONE = 4;

export default class Drain extends BaseCommand {
  static override summary = 'Take ready jobs until none is left: print each, or give each to a handler.';
  static override usage = [
    'drain TOPIC... [flags]',
    "drain TOPIC... --exec 'CMD' [flags]",
    'drain TOPIC... [flags] -- CMD ARG...',
  ];
  static override description = `A job is leased, handled, and only then acknowledged: a job that was not handled returns to the queue.
A handler gets the body on stdin and DELAYER_ID, DELAYER_TOPIC, DELAYER_ATTEMPT, DELAYER_KEY and DELAYER_LEASE in its environment. Exit code 0: done; 65: dead letter; any other: failed, retried while retries are left.
--loop is for cron: it runs a pass at 0, 10, … 50 s and then exits. --follow is a worker that waits for jobs until it is stopped.
The first signal stops it after the jobs in progress; the second terminates the handlers and releases their jobs.`;
  static override examples = [
    '<%= config.bin %> drain close_order',
    "* * * * * <%= config.bin %> drain close_order --loop --lock --exec 'php /srv/shop/cancel.php'",
    '<%= config.bin %> drain thumbnails --follow --jobs 4 --timeout 5m -- ./make-thumbnail',
    '<%= config.bin %> drain urgent close_order --follow | ./cancel-orders',
  ];
  static override args = { topic: topicArgs };
  static override flags = {
    exec: Flags.string({
      helpValue: 'CMD',
      description: 'handle each job with this command, which runs through sh -c',
    }),
    ...windowFlags,
    output: jobFormat({ exclusive: ['exec'] }),
    ...workerFlags,
  };

  private stderr: StderrQueue | undefined;
  /** Is it still writing to stdout though it has to end? */
  private isStuck = false;

  override async run(): Promise<void> {
    const { before, after } = splitAtDashes(this.argv);
    const { args, flags } = await this.parse(Drain, before);
    const command = toCommand(flags.exec, after);
    if (command === undefined) assertNoWorkerFlags(flags);
    else if (before.some((arg) => splitFlag(arg).name === 'output'))
      throw new DelayerError('usage', '--output and a handler cannot be used together', {
        hint: 'Leave one of them out: what a handler prints is passed on.',
      });
    const topics = args.topic.map((topic) => this.toBytes(topic, flags.base64));
    const interruption = new Interruption();
    this.interruption = interruption;
    const stderr = StderrQueue.open();
    this.stderr = stderr;
    // The window also limits how long the store's answers are waited for, so a Redis that hangs does not extend it.
    if (flags.loop) interruption.abortAfter(flags.for ?? FOR_MS);
    const options = {
      ...{ topics, max: flags.max, signal: interruption.signal, onEvent: printEvent },
      waitForRoom: () => stderr.room,
      lockName: flags.lock ? toLockName(flags['lock-name'], topics) : undefined,
    };
    if (command === undefined) await this.print(flags, interruption, options);
    else await this.handle(command, flags, { interruption, stderr }, options);
  }

  private async print(
    flags: DrainFlags,
    interruption: Interruption,
    options: Omit<DrainOptions, 'handler'>,
  ): Promise<void> {
    const writer = jobWriter(flags.output);
    const handler = printHandler(writer.write);
    const { lateAcks, notDone } = await whileRead(interruption, () =>
      this.withQueue(flags, (queue) => drain(queue, flags, { ...options, handler })),
    );
    if (lateAcks > 0)
      printNote(
        `${jobCount(lateAcks)} printed after the lease had ended; another consumer may have them too`,
      );
    if (notDone > 0) this.endWith(NOT_DONE);
    if (writer.error) throw writer.error;
  }

  private async handle(
    command: GivenCommand,
    flags: DrainFlags,
    { interruption, stderr }: { interruption: Interruption; stderr: StderrQueue },
    options: Omit<DrainOptions, 'handler'>,
  ): Promise<void> {
    const report = new DrainReport(flags.json, stderr);
    const output = new HandlerOutput({
      stdout: flags.json ? stderr : report.stdout,
      stderr,
      tags: flags.tag,
      folder: flags['output-dir'],
    });
    const log = flags.joblog === undefined ? undefined : JobLog.open(flags.joblog, command.text);
    const writeError = () => report.stdout.error ?? output.error ?? log?.error;
    const handler = new ExecHandler({
      ...{ command, env: handlerEnvironment(flags), concurrency: flags.jobs ?? 1, timeoutMs: flags.timeout },
      output: {
        get error() {
          return writeError();
        },
        open: (jobs) => {
          const error = writeError();
          if (error) throw error;
          return output.open(jobs);
        },
      },
      batch: toBatch(flags),
      onEnded: log && ((call) => log.add(call)),
    });
    const abort = interruption.abortAtSecond();
    const working: DrainOptions = {
      ...{ ...options, handler, abort, leaseMs: flags.lease ?? LEASE_MS },
      ...{ timeoutMs: flags.timeout, retry: toRetryOptions(flags), rate: flags.rate, halt: flags.halt },
      holder: `${hostname()}:${process.pid}`,
      waitForRoom: () => report.room,
      onJob: report.wantsJobs ? (event) => report.add(event) : undefined,
    };
    try {
      const result = await whileRead(interruption, () =>
        this.withQueue(flags, (queue) => drain(queue, flags, working)),
      );
      report.end();
      report.summarize(result);
      if (result.notDone > 0) this.endWith(NOT_DONE);
    } finally {
      report.end();
      await handler.close();
      await output.closeFiles();
      await log?.close();
      this.isStuck = !(await endsInTime(report.stdout.flush(), abort));
    }
    const error = writeError();
    if (error) throw error;
  }

  protected override finally(error: Error | undefined): void {
    super.finally(error);
    const isHurried = error !== undefined || this.interruption?.isSecond === true;
    void this.stderr?.end(isHurried).then(() => {
      if (this.isStuck) endAtOnce();
    });
  }
}

/** @returns false when what is written to stdout was not read a while after the signal aborted */
async function endsInTime(written: Promise<void>, signal: AbortSignal): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  let forget = (): void => undefined;
  const late = new Promise<false>((resolve) => {
    forget = onAbort(signal, () => (timer = setTimeout(() => resolve(false), HURRY_MS)));
  });
  const isInTime = await Promise.race([written.then(() => true), late]);
  forget();
  clearTimeout(timer);
  return isInTime;
}

type DrainFlags = InferredFlags<typeof Drain.flags & typeof BaseCommand.baseFlags>;

function drain(queue: Queue, flags: DrainFlags, options: DrainOptions): Promise<DrainResult> {
  if (flags.follow) return drainFollow(queue, options);
  if (!flags.loop) return drainPass(queue, options);
  return drainLoop(queue, { ...options, stepMs: flags.step ?? STEP_MS, forMs: flags.for ?? FOR_MS });
}

function toBatch(flags: DrainFlags) {
  const size = flags['batch-size'];
  if (size === undefined) return undefined;
  return { size, bytes: BATCH_BYTES, encode, readsOutcomes: flags.outcomes };
}

function encode(job: LeasedJob): Buffer | Dead {
  try {
    return Buffer.from(jobLine(job, jobToJson));
  } catch (error) {
    if (!(error instanceof JobTooLargeError)) throw error;
    return {
      dead: true,
      reason: 'too large for a line of JSON; a handler without --batch-size gets its body',
    };
  }
}

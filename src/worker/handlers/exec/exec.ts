import type { LeasedJob } from '../../../core/job.js';
import { monotonicMs } from '../../../core/timer.js';
import type { Dead, Handler, HandlerContext, HandlerResult, Outcome, ProgramEnd } from '../../handler.js';
import { type Environment, withJob } from './environment.js';
import { cannotRunError, toOutcome } from './outcome.js';
import { type Command, Program, type TakeBytes } from './program.js';
import { OutcomeReader } from './protocol.js';
import { Tail } from './tail.js';
import { Watchdog } from './watchdog.js';

/** How long a handler has to end after it was told to. */
const KILL_AFTER_MS = 10_000;

/** Where the output of one call goes. */
export interface CallSink {
  readonly stdout: TakeBytes;
  readonly stderr: TakeBytes;
  /** The handler has ended; processes that it left running may still print. */
  end(): void;
  /** No more output can come. */
  close(): void;
}

export interface ExecOutput {
  /** The error that stopped it: no more handlers are started then. */
  readonly error: Error | undefined;
  /** @throws an error when it cannot be opened: the jobs are released then, and the worker ends */
  open(jobs: readonly LeasedJob[]): CallSink;
}

/** A call that has ended. */
export interface EndedCall extends ProgramEnd {
  readonly jobs: readonly LeasedJob[];
  readonly startedAtMs: number;
  readonly runtimeMs: number;
  /** Bytes on its stdin, and from its stdout. */
  readonly sent: number;
  readonly received: number;
}

export interface ExecOptions {
  readonly command: Command;
  /** The environment without the variables of a job. */
  readonly env: Environment;
  readonly concurrency: number;
  readonly output: ExecOutput;
  /** The time limit (ms) of a call, for the reason of one that took longer. */
  readonly timeoutMs?: number | undefined;
  /** Set when a call gets several jobs. */
  readonly batch?: BatchOptions | undefined;
  readonly onEnded?: ((call: EndedCall) => void) | undefined;
  /** KILL_AFTER_MS when absent. */
  readonly killAfterMs?: number | undefined;
}

export interface BatchOptions {
  readonly size: number;
  /** See Handler. */
  readonly bytes: number;
  /** What the handler gets of a job on its stdin; or why it can never be given that job. */
  readonly encode: (job: LeasedJob) => Buffer | Dead;
  /** Does stdout have the outcomes of the jobs? Otherwise the exit code is the outcome of all. */
  readonly readsOutcomes: boolean;
}

/** Gives each job, or each batch, to a program. */
export class ExecHandler implements Handler {
  readonly concurrency: number;
  readonly batchSize: number;
  readonly batchBytes: number | undefined;
  readonly prefetch = 'while short';
  readonly knowsLeases = true;
  private readonly watchdog = new Watchdog();
  /** Has any program run so far, other than failing to start? */
  private hasRun = false;

  constructor(private readonly options: ExecOptions) {
    this.concurrency = options.concurrency;
    this.batchSize = options.batch?.size ?? 1;
    this.batchBytes = options.batch?.bytes;
  }

  /** Ends the watchdog; to be called when no call is under way. */
  async close(): Promise<void> {
    await this.watchdog.close();
  }

  async handle(jobs: readonly LeasedJob[], context: HandlerContext): Promise<HandlerResult> {
    const { output, onEnded } = this.options;
    const input = this.inputOf(jobs, context);
    if (input === undefined) return { outcomes: [] };
    this.watchdog.start();
    const onStarted = (group: number) => this.watchdog.onStarted(group);
    const call = new ExecCall({ jobs, input }, context, this.options, onStarted);
    const { group } = call.program;
    context.onStop(() => call.program.stop());
    const end = await call.program.ended;
    if (group !== undefined) this.watchdog.onEnded(group);
    call.end();
    // One that was stopped, that has said what became of a job, or that has ended a lease, has run.
    const isKnownToHaveRun = call.program.wasStopped || call.hasSettled;
    const error = isKnownToHaveRun ? undefined : cannotRunError(call.program, end);
    if (error !== undefined && (!this.hasRun || isNoFaultOfJob(call.program)) && !(await context.wereEnded()))
      throw error;
    this.hasRun ||= error === undefined;
    if (group !== undefined) onEnded?.(call.describe(end));
    return { outcomes: call.outcomes(end), isClosed: output.error !== undefined };
  }

  /** Ends the leases of jobs that the program can never be given. @returns undefined where that leaves none */
  private inputOf(jobs: readonly LeasedJob[], context: HandlerContext): Buffer | undefined {
    const { batch } = this.options;
    if (batch === undefined) return toBuffer(jobs[0]?.body ?? Buffer.alloc(0));
    const lines: Buffer[] = [];
    for (const [place, job] of jobs.entries()) {
      const line = batch.encode(job);
      if ('dead' in line) context.settle(place, line);
      else lines.push(line);
    }
    return lines.length === 0 ? undefined : Buffer.concat(lines);
  }
}

/** One run of the program. */
class ExecCall {
  readonly program: Program;
  /** Has the program said what became of one of the jobs? */
  hasSettled = false;
  private readonly startedAtMs = Date.now();
  private readonly sinceMs = monotonicMs();
  private readonly tail = new Tail();
  private readonly sink: CallSink;
  private readonly jobs: readonly LeasedJob[];
  private readonly input: Buffer;
  private readonly reader: OutcomeReader | undefined;
  private received = 0;

  constructor(
    { jobs, input }: { readonly jobs: readonly LeasedJob[]; readonly input: Buffer },
    private readonly context: HandlerContext,
    private readonly options: ExecOptions,
    onStarted: (group: number) => void,
  ) {
    const { command, env, batch, output, killAfterMs = KILL_AFTER_MS } = options;
    const [job] = jobs;
    this.jobs = jobs;
    this.input = input;
    this.sink = output.open(jobs);
    if (batch?.readsOutcomes === true)
      this.reader = new OutcomeReader(
        jobs,
        (place, outcome) => {
          this.hasSettled = true;
          return context.settle(place, outcome);
        },
        () => this.program.stop(),
      );
    this.program = new Program(command, {
      env: batch || !job ? env : withJob(env, job),
      input,
      onStarted,
      onStdout: (chunk) => {
        this.received += chunk.length;
        if (this.reader === undefined) return this.sink.stdout(chunk);
        this.reader.write(chunk);
        return undefined;
      },
      onStderr: (chunk) => {
        this.tail.add(chunk);
        return this.sink.stderr(chunk);
      },
      onClosed: () => this.sink.close(),
      killAfterMs,
    });
  }

  end(): void {
    this.reader?.end();
    this.sink.end();
  }

  describe(end: ProgramEnd): EndedCall {
    const runtimeMs = monotonicMs() - this.sinceMs;
    const { jobs, startedAtMs, input, received } = this;
    return { ...end, jobs, startedAtMs, runtimeMs, sent: input.length, received };
  }

  outcomes(end: ProgramEnd): Outcome[] {
    const outcome = this.outcome(end);
    return this.jobs.map(() => outcome);
  }

  /** The outcome of each job that has none yet. */
  private outcome(end: ProgramEnd): Outcome {
    const { program, reader, context, options } = this;
    if (program.error !== undefined) return { reason: `cannot be started: ${program.error.message}` };
    if (reader?.error !== undefined && context.stopReason !== 'shutdown') return { reason: reader.error };
    const reason = program.wasStopped ? context.stopReason : undefined;
    const outcome = toOutcome(end, this.tail.text, { reason, timeoutMs: options.timeoutMs });
    // The handler has said nothing about jobs that it did not name, even if it exited with 0.
    if (outcome === 'done' && reader !== undefined)
      return { reason: 'the handler printed no outcome for it' };
    return outcome;
  }
}

/**
 * Could it not be started for want of the program, a process or a descriptor? That would bury job after job. Only
 * arguments and environment that are too long may be those of one job.
 */
function isNoFaultOfJob({ error }: Program): boolean {
  return error !== undefined && error.code !== 'E2BIG';
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

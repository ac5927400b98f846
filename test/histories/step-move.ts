import { moveOut, type MoveTarget } from '../../src/bulk/move-out.js';
import { MAX_DURATION_MS } from '../../src/core/duration.js';
import type { JobRecord, JobState } from '../../src/core/job.js';
import { type Imported, MOVE_HOLD_MS } from '../../src/core/transfer.js';
import type { Queue } from '../../src/core/queue.js';
import type { OnExisting } from '../../src/core/results.js';
import type { ImportRequest } from '../../src/core/requests.js';
import { type Context, type Fate, orUnknown } from './context.js';
import { expectSame, Undecided } from './difference.js';
import { HELD } from './holds.js';
import type { ImportHow, ModelImport } from './imports.js';
import type { StepOf } from './operations.js';
import { expectScanned, scanned } from './scanned.js';
import { toAttempt, toSeen } from './views.js';

/** The holder of the jobs that are moved. */
const MOVER = 'export:a move';

/** A file of jobs, one per line. */
interface JobFile {
  readonly name: string;
  readonly jobs: readonly ImportRequest[];
}

/** The target of a move. */
class Disk implements MoveTarget {
  /** The jobs that left the store. */
  readonly jobs = new Set<JobRecord>();
  readonly full = new Error('no space left on device');
  private kept: readonly JobRecord[] = [];

  constructor(private readonly isFull: boolean) {}

  start(): void {
    this.kept = [];
  }

  undo(): void {
    this.kept = [];
  }

  begin(): Promise<void> {
    return Promise.resolve();
  }

  keep(jobs: readonly JobRecord[]): Promise<void> {
    this.kept = jobs;
    return this.isFull ? Promise.reject(this.full) : Promise.resolve();
  }

  confirm(removed: readonly boolean[]): Promise<void> {
    for (const [i, job] of this.kept.entries()) if (removed[i] === true) this.jobs.add(job);
    return Promise.resolve();
  }
}

interface ImportCall extends ImportHow {
  readonly jobs: readonly ImportRequest[];
}

/** Exports jobs of the store and the model to files, and imports them. */
export class Mover {
  private readonly files: JobFile[] = [];
  private bodies = 0;
  private moves = 0;

  constructor(private readonly context: Context) {}

  /** Exports the selected jobs to a file; a move removes them from the store. */
  async export({ topics, states, isMove, isFull }: StepOf<'export'>, queue: Queue): Promise<void> {
    const { model, now } = this.context;
    this.context.say(
      `${isMove ? (isFull ? 'move to a full disk' : 'move') : 'export'} ${topics.join(' ')} ${states?.join(' ') ?? 'any state'}`,
    );
    const selection = { topics, states };
    const records = await scanned(queue, selection);
    expectScanned(model, records, selection, now);
    expectScanned(model, await scanned(queue, { ...selection, latestFirst: true }), selection, now);
    const whole = records.filter(isWhole).filter(({ state }) => !isMove || this.canBeRemoved(state));
    const kept = isMove ? await this.move(whole, queue, isFull) : whole;
    if (kept.length > 0) this.files.push({ name: `file ${this.files.length}`, jobs: kept });
  }

  /** Whether a remove must find a job of this state: it may miss the remains of an expired job of Redis. */
  private canBeRemoved(state: JobState): boolean {
    return !(state === 'expired' && this.context.model.rules.losesExpired);
  }

  /** Moves jobs, and expects exactly the removed ones in the file. */
  private async move(
    records: readonly WholeRecord[],
    queue: Queue,
    isFull: boolean,
  ): Promise<readonly WholeRecord[]> {
    const disk = new Disk(isFull);
    const act = moveOut(queue, disk, MOVER);
    const outcomes = await act(records).catch((error: unknown) => {
      if (error !== disk.full) throw error;
      return records.map(() => 'changed' as const);
    });
    const isMoved = this.moveInModel(records, isFull);
    expectSame(
      'a move: jobs that left the store',
      records.map(({ id, body }, i) => [`${id.toString()} ${body.toString()}`, isMoved[i]]),
      records.map(({ id, body }, i) => [`${id.toString()} ${body.toString()}`, outcomes[i] === 'done']),
    );
    return records.filter((record) => disk.jobs.has(record));
  }

  /** Holds the jobs, and acks them when they are in the file; if the disk is full, they are released unchanged. */
  private moveInModel(records: readonly WholeRecord[], isFull: boolean): boolean[] {
    const { model, now } = this.context;
    const isToHold = ({ state }: JobRecord) => HELD.some((one) => one === state);
    const wanted = records.filter(isToHold);
    const toHold = wanted.map(toSeen);
    const others = records.filter((record) => !isToHold(record)).map(toSeen);
    const held = model.holds.hold(
      toHold.map(({ id, state, dueAt, topic, body }, i) => ({
        ...{ id, states: [state], dueAt, topic, body, isWaiting: wanted[i]?.isWaiting ?? false },
      })),
      { leaseMs: MOVE_HOLD_MS, holder: MOVER },
      now,
    );
    this.moves += 1;
    for (const one of held) if (one) model.name(one.lease, `move ${this.moves}.${one.lease.number}`);
    expectSame(
      'a move: what is held is what is kept',
      toHold.map(({ body }, i) => (held[i] ? body : undefined)),
      held.map((one) => one?.lease.job.body),
    );
    const names = held.flatMap((one) => one?.lease.name ?? []);
    if (isFull && names.length + others.length > 0) {
      model.release(names, now);
      return records.map(() => false);
    }
    model.ack(names);
    const [ofHeld, ofOthers] = [held.values(), model.removeSeen(others, now).values()];
    return records.map((record) =>
      isToHold(record) ? ofHeld.next().value !== undefined : ofOthers.next().value === true,
    );
  }

  /** Imports a part of a file: from its progress, from elsewhere, which must do nothing, or all of it without progress. */
  async import(step: StepOf<'import'>, queue: Queue, fate?: Fate): Promise<void> {
    const file = this.files.at(-1 - step.pick);
    if (!file) return;
    const { onExisting } = step;
    if (step.from === 'no file') return this.perform({ jobs: file.jobs, onExisting }, queue, fate);
    const reached = this.context.model.imports.reached(file.name);
    if (step.from === 'anew')
      return this.perform(
        { jobs: [], onExisting, progress: { file: file.name, from: reached, to: 0 } },
        queue,
        fate,
      );
    if (step.from === 'refused') return this.retry(file, onExisting, queue, fate);
    const from = step.from === 'beginning' ? 0 : reached;
    const jobs = file.jobs.slice(from, from + step.most).map((job, i) => ({ ...job, line: from + i + 1 }));
    const progress = { file: file.name, from, to: from + jobs.length };
    await this.perform({ jobs, onExisting, progress }, queue, fate);
  }

  /** Imports the refused lines of a file once more, and its first line, which must do nothing else. */
  private async retry(file: JobFile, onExisting: OnExisting, queue: Queue, fate?: Fate): Promise<void> {
    const lines = new Set([1, ...this.context.model.imports.refused(file.name)]);
    const jobs = file.jobs.flatMap((job, i) => (lines.has(i + 1) ? [{ ...job, line: i + 1 }] : []));
    await this.perform({ jobs, onExisting, retryOf: file.name }, queue, fate);
  }

  /** Imports jobs of another store. */
  async importMade({ jobs, onExisting }: StepOf<'import made'>, queue: Queue, fate?: Fate): Promise<void> {
    const requests = jobs.map((job) => requestOf(job, `made ${(this.bodies += 1)}`, this.context.now));
    await this.perform({ jobs: requests, onExisting }, queue, fate);
  }

  private async perform({ jobs, ...how }: ImportCall, queue: Queue, fate?: Fate): Promise<void> {
    const { model, now } = this.context;
    const { progress, retryOf } = how;
    const of = progress ? ` of ${progress.file}, lines ${progress.from} to ${progress.to}` : '';
    this.context.say(
      `import ${how.onExisting}${of}${retryOf === undefined ? '' : ` again of ${retryOf}`}: ${JSON.stringify(jobs.map(describe))}`,
    );
    const file = progress?.file ?? retryOf;
    if (file !== undefined && model.imports.mayBeForgotten(file, now)) {
      if (fate) throw new Undecided();
      if ((await queue.importProgress(file)).line === 0) model.imports.forget(file);
    }
    const seen = await orUnknown(queue.import(jobs, how), fate);
    // With lines of a file the call is sent again, and does nothing twice.
    const isAgain = fate?.isKilled === false && file !== undefined;
    if (fate?.lost === 'request' && !isAgain) return;
    const expected = model.imports.import(jobs.map(toModelImport), how, now);
    if (!seen || fate?.isKilled === true) return;
    const isDone =
      isAgain &&
      (progress ? seen.reached === progress.to && expected.reached === undefined : retryOf !== undefined);
    if (!isDone) expectImported(expected, seen, model.rules.losesExpired);
    if (file !== undefined && !fate) await this.expectProgress(file, queue);
  }

  private async expectProgress(file: string, queue: Queue): Promise<void> {
    const { imports } = this.context.model;
    const { line, refused } = await queue.importProgress(file);
    expectSame(
      'the progress of a file',
      { line: imports.reached(file), refused: imports.refused(file) },
      { line, refused: [...refused].sort((a, b) => a - b) },
    );
  }
}

/** Replacing a job that an original client has half popped may be reported as imported or replaced. */
function expectImported(expected: Imported, seen: Imported, isOpen: boolean): void {
  const outcomes = expected.outcomes.map((outcome, i) =>
    isOpen && outcome === 'imported' && seen.outcomes[i] === 'replaced' ? 'replaced' : outcome,
  );
  expectSame('import', { ...expected, outcomes }, seen);
}

type WholeRecord = JobRecord & Pick<ImportRequest, 'topic' | 'body'>;

/** Whether a job has its body; one without is not exported. */
const isWhole = (record: JobRecord): record is WholeRecord =>
  record.body !== undefined && record.topic !== undefined;

function requestOf(job: StepOf<'import made'>['jobs'][number], body: string, now: number): ImportRequest {
  const { id, topic, state, isWaiting, attempts, ttlMs, key, own, reason, ...ms } = job;
  const at = (after: number | undefined) => (after === undefined ? undefined : new Date(now + after));
  const expiresIn = (ms.expiresIn ?? 0) > (ms.dueIn ?? 0) ? ms.expiresIn : undefined;
  const last = { endedAt: new Date(now - ms.ago), outcome: 'retried', reason } as const;
  return {
    ...{ id, topic, body, state, isWaiting, attempts, ttlMs, key, ...own, reason },
    history:
      attempts > 1
        ? [
            { ...last, attempt: attempts - 1 },
            { ...last, attempt: attempts },
          ]
        : [],
    ...{ dueAt: at(ms.dueIn), expiresAt: at(expiresIn) },
    ...{ leasedAt: at(-ms.ago), failedAt: at(-ms.ago), deadUntil: at(ms.deadIn) },
  };
}

/** In readable form. */
function describe(job: ImportRequest): object {
  return { ...job, id: job.id.toString(), topic: job.topic.toString(), body: job.body.toString() };
}

function toModelImport(job: ImportRequest): ModelImport {
  const { id, topic, body, state, ttlMs, attempts = 0, key, isWaiting = false, reason, line } = job;
  const at = (date: Date | undefined) => date?.getTime();
  return {
    ...{ id: id.toString(), topic: topic.toString(), body: body.toString() },
    ...{
      attempts,
      key,
      isWaiting,
      wasLeased: state === 'leased',
      line,
      own: ownOf(job),
      history: (job.history ?? []).map(toAttempt),
    },
    ...{ dueAt: at(job.dueAt), expiresAt: at(job.expiresAt) },
    ttlMs: ttlMs !== undefined && ttlMs > 0 && ttlMs <= MAX_DURATION_MS ? ttlMs : undefined,
    leasedAt: state === 'leased' ? at(job.leasedAt) : undefined,
    death:
      state === 'dead' ? { failedAt: at(job.failedAt), deadUntil: at(job.deadUntil), reason } : undefined,
  };
}

/** Retry settings of a request; histories give backoffs only as objects. */
function ownOf({ retries, backoff }: ImportRequest): ModelImport['own'] {
  return { retries, backoff: typeof backoff === 'object' ? backoff : undefined };
}

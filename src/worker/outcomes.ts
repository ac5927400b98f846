import type { JobEvent } from '../core/events.js';
import type { LeasedJob } from '../core/job.js';
import type { NackOptions } from '../core/requests.js';
import type { Counts } from './counts.js';
import type { HeldJob } from './keep-leases.js';

/** What became of a job that failed. */
export interface FailedResult {
  readonly outcome: 'retried' | 'dead';
  readonly dueAt?: Date | undefined;
}

export interface OutcomesOptions {
  /** Is there an event for each job, or for dead letters only? */
  readonly tellsEachJob: boolean;
  readonly onJob: (event: JobEvent) => void;
  /** After so many failures in a row no more jobs are taken. */
  readonly halt?: number | undefined;
}

/** Counts jobs by how they ended, and makes events of them. */
export class Outcomes {
  /** Failures of which the store has not said yet whether the job was still leased, each with its row. */
  private readonly inDoubt = new Map<HeldJob, number>();
  /** How many rows of failures have ended. */
  private row = 0;

  constructor(
    private readonly counts: Counts,
    private readonly options: OutcomesOptions,
  ) {}

  /** The handler has finished a job; the store does not know yet. */
  handled(job: HeldJob, isDone: boolean): void {
    const { counts } = this;
    counts.handled += 1;
    if (!isDone) {
      counts.failuresInARow += 1;
      this.inDoubt.set(job, this.row);
    } else if (counts.failuresInARow > 0) {
      counts.failuresInARow = 0;
      this.row += 1;
    }
  }

  /** Have there been too many failures in a row, if none of them is in doubt? */
  get mayBeHalted(): boolean {
    return this.counts.failuresInARow >= (this.options.halt ?? Infinity);
  }

  get isHalted(): boolean {
    return this.mayBeHalted && this.inDoubt.size === 0;
  }

  /** @param isNone its lease was ended before the handler failed, so that failure decides nothing */
  failureKnown(job: HeldJob, isNone: boolean): void {
    if (isNone && this.inDoubt.get(job) === this.row) this.counts.failuresInARow -= 1;
    this.inDoubt.delete(job);
  }

  /** The handler has finished a job that was known to be lost. */
  handledLost(): void {
    this.counts.handled += 1;
  }

  /** @param isAcked false: its lease was not held any more */
  done(job: LeasedJob, isAcked: boolean): void {
    this.counts.done += 1;
    if (!isAcked) this.counts.lateAcks += 1;
    this.counts.notDone.delete(job.key);
    if (this.options.tellsEachJob) this.options.onJob({ type: 'job_done', job });
  }

  failed(job: LeasedJob, { outcome, dueAt }: FailedResult, failure: NackOptions): void {
    const { reason, exitCode, signalName } = failure;
    this.counts[outcome] += 1;
    this.counts.notDone.add(job.key);
    if (outcome === 'retried') {
      this.tell({ type: 'job_retried', job, dueAt, reason, exitCode, signalName });
    } else {
      const { id, topic, attempts } = job;
      this.options.onJob({ type: 'job_dead', id, topic, attempts, reason, exitCode, signalName });
    }
  }

  /** Its lease ended while the handler had it. */
  lost(job: LeasedJob): void {
    this.counts.lateAcks += 1;
    this.counts.notDone.add(job.key);
    this.tell({ type: 'job_lost', job });
  }

  /**
   * Its lease was ended before its time: by its handler, or because the job was removed. Unless `gone` follows, it is
   * still in the queue, to be tried again, or as a dead letter.
   */
  settled(job: LeasedJob): void {
    this.counts.settled += 1;
    this.counts.notDone.add(job.key);
    this.tell({ type: 'job_settled', job });
  }

  /** A job that was settled is not in the queue any more. */
  gone(job: LeasedJob): void {
    this.counts.notDone.delete(job.key);
  }

  released(job: LeasedJob): void {
    this.counts.released += 1;
    this.tell({ type: 'job_released', job });
  }

  private tell(event: JobEvent): void {
    if (this.options.tellsEachJob) this.options.onJob(event);
  }
}

import type { JobEvent } from '../core/events.js';
import type { LeasedJob } from '../core/job.js';
import type { NackOptions } from '../core/requests.js';
import type { Counts } from './counts.js';

/** What became of a job that failed. */
export interface FailedResult {
  readonly outcome: 'retried' | 'dead';
  readonly dueAt?: Date | undefined;
}

export interface OutcomesOptions {
  /** Is there an event for each job, or for dead letters only? */
  readonly tellsEachJob: boolean;
  readonly onJob: (event: JobEvent) => void;
}

/** Counts jobs by how they ended, and makes events of them. */
export class Outcomes {
  constructor(
    private readonly counts: Counts,
    private readonly options: OutcomesOptions,
  ) {}

  /** The handler has finished a job; the store does not know yet. */
  handled(isDone: boolean): void {
    this.counts.handled += 1;
    this.counts.failuresInARow = isDone ? 0 : this.counts.failuresInARow + 1;
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
   * Its lease was ended before its time: by its handler, or because the job was removed.
   * @param isGone false: it is still in the queue, to be tried again, or as a dead letter
   */
  settled(job: LeasedJob, isGone: boolean): void {
    this.counts.settled += 1;
    if (isGone) this.counts.notDone.delete(job.key);
    else this.counts.notDone.add(job.key);
    this.tell({ type: 'job_settled', job });
  }

  released(job: LeasedJob): void {
    this.counts.released += 1;
    this.tell({ type: 'job_released', job });
  }

  private tell(event: JobEvent): void {
    if (this.options.tellsEachJob) this.options.onJob(event);
  }
}

import type { Swept } from '../bulk/sweep.js';
import { type Bytes, jobCount, JOB_STATES, type JobState } from '../core/job.js';
import { writeIds } from '../output/jobs.js';
import { toJsonLine } from '../output/json.js';
import { stdoutIsTerminal, writeStdout } from '../output/stdout.js';
import { printInfo, printNote, ProgressLine } from './stderr.js';
import { tellOfFailed, type Where } from './where.js';

export type StateCounts = Readonly<Partial<Record<JobState, number>>>;

/** `3 jobs (2 delayed, 1 ready)` */
export function describeCounts(counts: StateCounts): string {
  const parts = JOB_STATES.flatMap((state) =>
    counts[state] === undefined ? [] : [`${counts[state].toLocaleString('en')} ${state}`],
  );
  const total = totalOf(counts);
  const jobs = jobCount(total).replace(/^\d+/, total.toLocaleString('en'));
  return parts.length === 0 ? jobs : `${jobs} (${parts.join(', ')})`;
}

export const totalOf = (counts: StateCounts): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

/**
 * Reports what became of the jobs of a selection: ids in a pipe, counts in JSON, and a summary on stderr.
 */
export class SelectionReport {
  private readonly acted: Partial<Record<JobState, number>> = {};
  private readonly left = { changed: 0, duplicate_id: 0 };
  private lookedAt = 0;
  private readonly progress = new ProgressLine();

  /** @param past what was done to the jobs: `removed` */
  constructor(
    private readonly past: string,
    private readonly json: boolean,
    private readonly where: Where | undefined,
  ) {}

  /** 0 when at least one job was acted on, else 1. */
  get exitCode(): number {
    return totalOf(this.acted) > 0 ? 0 : 1;
  }

  /** Counts what became of a part. @returns the ids of the jobs that were acted on */
  count({ jobs, outcomes, lookedAt }: Swept): Bytes[] {
    const ids: Bytes[] = [];
    for (const [i, { id, state }] of jobs.entries()) {
      const outcome = outcomes[i] ?? 'changed';
      if (outcome === 'done') {
        this.acted[state] = (this.acted[state] ?? 0) + 1;
        ids.push(id);
      } else if (outcome !== 'not_selected') this.left[outcome] += 1;
    }
    this.lookedAt += lookedAt;
    return ids;
  }

  /** Counts what became of a part, and prints it. */
  async add(part: Swept): Promise<void> {
    const ids = this.count(part);
    for (const { message } of part.problems) {
      this.progress.clear();
      printNote(`not all jobs can be read: ${message}`);
    }
    // Nobody reads a million ids on a terminal; the summary is enough there.
    if (!this.json && !stdoutIsTerminal()) await writeIds(ids);
    this.progress.draw(
      () => `${this.lookedAt.toLocaleString('en')} checked, ${describeCounts(this.acted)} ${this.past}`,
    );
  }

  /** What was done is printed even when the rest failed. */
  async end(isComplete: boolean): Promise<void> {
    this.progress.clear();
    const { acted, left, past } = this;
    tellOfFailed(this.where);
    if (this.json) {
      const counts = { [past]: totalOf(acted), byState: acted, left };
      await writeStdout(`${toJsonLine({ ...counts, isComplete })}\n`);
      return;
    }
    const { changed, duplicate_id } = left;
    const hasMet = totalOf(acted) + changed + duplicate_id > 0;
    if (hasMet && this.exitCode === 0 && isComplete) printInfo(this.summary());
    else if (hasMet) printNote(this.summary());
    // An interruption before the first job prints its own line.
    else if (isComplete) printNote('no job matches');
  }

  private summary(): string {
    const { acted, left, past } = this;
    const { changed, duplicate_id } = left;
    return [
      `${describeCounts(acted)} ${past}`,
      ...(changed > 0 ? [`${changed} skipped: changed meanwhile`] : []),
      ...(duplicate_id > 0 ? [`${duplicate_id} skipped: another job of the id is in the queue`] : []),
    ].join(', ');
  }
}

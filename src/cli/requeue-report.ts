import type { Requeued } from '../bulk/requeue.js';
import type { RequeueResult } from '../core/results.js';
import { escapeForTerminal } from '../output/escape.js';
import { writeIds } from '../output/jobs.js';
import { bytesToJson, toJsonLine } from '../output/json.js';
import { stdoutIsTerminal, writeStdout } from '../output/stdout.js';
import { printInfo, printNote, ProgressLine } from './stderr.js';

const WHY_NOT: Record<Exclude<RequeueResult, 'requeued'>, string> = {
  none: 'is neither a dead letter nor an expired job with its body',
  duplicate_id: 'is in the queue again',
};

/** Reports what became of the dead letters that were named: ids on stdout, or counts in JSON. */
export class RequeueReport {
  readonly counts: Record<RequeueResult, number> = { requeued: 0, none: 0, duplicate_id: 0 };
  private readonly notRequeued: Record<string, unknown>[] = [];
  private readonly progress: ProgressLine;

  constructor(private readonly json: boolean) {
    // On a terminal the printed ids are progress enough.
    this.progress = new ProgressLine(json || !stdoutIsTerminal());
  }

  /** 0 when all were requeued, else 1. */
  get exitCode(): number {
    const { none, duplicate_id } = this.counts;
    return none + duplicate_id === 0 ? 0 : 1;
  }

  async add(results: readonly Requeued[]): Promise<void> {
    for (const { id, outcome } of results) {
      this.counts[outcome] += 1;
      if (outcome === 'requeued') continue;
      if (this.json) this.notRequeued.push({ ...bytesToJson('id', id), outcome });
      else this.note(`the job "${escapeForTerminal(id)}" ${WHY_NOT[outcome]}; it was not requeued`);
    }
    if (!this.json)
      await writeIds(results.flatMap(({ id, outcome }) => (outcome === 'requeued' ? [id] : [])));
    this.progress.draw(() => this.summary());
  }

  /** What was done is printed even when the rest failed; if all of it failed, there is nothing to say. */
  async end(isComplete: boolean): Promise<void> {
    this.progress.clear();
    const { exitCode } = this;
    if (this.json) {
      const { counts, notRequeued } = this;
      if (isComplete) await writeStdout(`${toJsonLine({ ...counts, notRequeued })}\n`);
    } else if (exitCode === 0 && isComplete) printInfo(this.summary());
    else if (isComplete || this.total > 0) printNote(this.summary());
  }

  private get total(): number {
    const { requeued, none, duplicate_id } = this.counts;
    return requeued + none + duplicate_id;
  }

  private note(message: string): void {
    this.progress.clear();
    printNote(message);
  }

  private summary(): string {
    const { requeued, none, duplicate_id } = this.counts;
    if (this.total === 0) return 'no dead letter matches';
    const others = [
      ...(duplicate_id > 0 ? [`${duplicate_id} skipped: another job of the id is in the queue`] : []),
      ...(none > 0 ? [`${none} skipped: neither a dead letter nor an expired job with its body`] : []),
    ];
    return [`${requeued} requeued`, ...others].join(', ');
  }
}

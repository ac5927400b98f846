import { formatDuration } from '../core/duration.js';
import type { JobEvent } from '../core/events.js';
import { jobCount } from '../core/job.js';
import { jobEventToJson } from '../output/job-events.js';
import { toJsonLine } from '../output/json.js';
import { Sink } from '../output/sink.js';
import { writeStdout } from '../output/stdout.js';
import type { StderrQueue } from './stderr-queue.js';
import { canRedraw, printInfo, printNote, tellsOfSuccess } from './stderr.js';

const REDRAW_MS = 200;

interface Ended {
  readonly done: number;
  readonly retried: number;
  readonly dead: number;
  readonly released: number;
  readonly settled: number;
  readonly lateAcks: number;
}

/** What a drain with a handler prints: events on stdout, a progress line on a terminal, a summary. */
export class DrainReport {
  /** For the output of handlers, and for events. */
  readonly stdout = new Sink((data) => this.writeStdout(data));
  private readonly startedMs = performance.now();
  private readonly counts = { done: 0, retried: 0, dead: 0 };
  /** The ids of the jobs in progress. Events come of other jobs too: of those that are released before they start. */
  private readonly started = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  private readonly showsProgress: boolean;

  constructor(
    private readonly isJson: boolean,
    private readonly stderr: StderrQueue,
  ) {
    this.showsProgress = canRedraw() && tellsOfSuccess();
    if (this.showsProgress) this.timer = setInterval(() => this.draw(), REDRAW_MS).unref();
  }

  /** Does it want an event for each job? */
  get wantsJobs(): boolean {
    return this.isJson || this.showsProgress;
  }

  /** Nothing, or a promise that resolves when the readers of the output have made room for that of more jobs. */
  get room(): Promise<void> | undefined {
    return this.stdout.room ?? this.stderr.room;
  }

  add(event: JobEvent): void {
    if (this.isJson) void this.stdout.write(Buffer.from(`${toJsonLine(jobEventToJson(event))}\n`));
    const name = ('job' in event ? event.job : event).id.toString('latin1');
    if (event.type === 'job_started') this.started.add(name);
    else this.started.delete(name);
    if (event.type === 'job_done') this.counts.done += 1;
    if (event.type === 'job_retried') this.counts.retried += 1;
    if (event.type === 'job_dead') this.counts.dead += 1;
  }

  end(): void {
    clearInterval(this.timer);
    void this.stderr.clear();
  }

  summarize({ done, retried, dead, released, settled, lateAcks }: Ended): void {
    const parts = [
      `${done} done`,
      ...(retried > 0 ? [`${retried} to be retried`] : []),
      ...(dead > 0 ? [`${dead} dead`] : []),
      ...(released > 0 ? [`${released} released`] : []),
      ...(settled > 0 ? [`${settled} settled by their handlers or removed`] : []),
    ];
    printInfo(`${parts.join(', ')} in ${formatDuration(performance.now() - this.startedMs)}`);
    if (lateAcks > 0)
      printNote(`${jobCount(lateAcks)} ended after the lease was lost; another consumer may have them too`);
  }

  /** What is written to a terminal replaces the progress line. */
  private async writeStdout(data: Buffer): Promise<void> {
    await this.stderr.clear();
    await writeStdout(data);
  }

  private draw(): void {
    // What is being written would stand behind the progress line.
    if (!this.stdout.isIdle) return;
    const { done, retried, dead } = this.counts;
    this.stderr.draw(
      `${done} done, ${retried} to be retried, ${dead} dead; ${this.started.size} in progress`,
    );
  }
}

import { monotonicMs } from '../../core/timer.js';

interface StepSizeParams {
  readonly least: number;
  readonly most: number;
  /** How long (ms) a step may hold Redis as a rule. */
  readonly aimMs: number;
}

/** How much of what was known before counts beside the last step. */
const MEMORY = 0.7;

/**
 * How many jobs a step of a script deals with, so that it holds Redis for some ms: what a job costs differs by several
 * times with the size of the database and with what else the machine does, and a script cannot tell how long it has
 * run (the clock of Redis 7.2 stands still in one). So it is told by how long the last steps took.
 */
export class StepSize {
  private jobs: number;
  private ms: number;
  private answeredAt = -Infinity;

  constructor(private readonly params: StepSizeParams) {
    // The first one is slow: Redis compiles the script.
    this.jobs = params.least;
    this.ms = params.aimMs;
  }

  /** Jobs of the next step. */
  get limit(): number {
    const { least, most, aimMs } = this.params;
    return Math.round(Math.min(most, Math.max(least, (aimMs * this.jobs) / this.ms)));
  }

  /**
   * Makes a step of that limit. Several may be under way: Redis deals with one after the other.
   * @param isFull whether it has dealt with as many jobs as it might: others do not tell what a job costs
   */
  async step<T>(send: (limit: number) => Promise<T>, isFull: (answer: T) => boolean): Promise<T> {
    const { limit } = this;
    const askedAt = monotonicMs();
    const answer = await send(limit);
    const now = monotonicMs();
    const tookMs = now - Math.max(askedAt, this.answeredAt);
    this.answeredAt = now;
    if (isFull(answer)) {
      this.jobs = MEMORY * this.jobs + limit;
      this.ms = MEMORY * this.ms + tookMs;
    }
    return answer;
  }
}

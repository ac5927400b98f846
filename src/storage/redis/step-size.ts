import { monotonicMs } from '../../core/timer.js';

interface StepSizeParams {
  readonly least: number;
  readonly most: number;
  /** How long (ms) a step should block Redis. */
  readonly aimMs: number;
}

/** The weight of earlier steps against the last one. */
const MEMORY = 0.7;

/**
 * Decides how many jobs a step of a script handles, so that it blocks Redis for some ms. The cost of a job varies by
 * several times with the size of the database and the load of the machine, and a script cannot measure its own time
 * (in Redis 7.2 its clock stands still). So the times of the last steps decide.
 */
export class StepSize {
  private jobs: number;
  private ms: number;
  private answeredAt = -Infinity;

  constructor(private readonly params: StepSizeParams) {
    // The first step is slow, because Redis compiles the script.
    this.jobs = params.least;
    this.ms = params.aimMs;
  }

  /** Jobs of the next step. */
  get limit(): number {
    const { least, most, aimMs } = this.params;
    return Math.round(Math.min(most, Math.max(least, (aimMs * this.jobs) / this.ms)));
  }

  /**
   * Runs a step of that size. Several may be under way, which Redis runs one after the other.
   * @param isFull whether it handled as many jobs as it was allowed to: only then its time shows what a job costs
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

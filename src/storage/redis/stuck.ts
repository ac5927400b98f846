import { monotonicMs } from '../../core/timer.js';

/** How often (ms) all stuck jobs are looked at again, because the key in their way may be gone. */
const LOOK_AT_STUCK_MS = 2000;

/**
 * How many due jobs at the head of the pool are stuck behind a key with a wrong type. A script passes over them,
 * because looking at all of them each time would keep Redis busy.
 */
export class StuckJobs {
  private known = 0;
  private countedAt = -Infinity;

  get count(): number {
    return monotonicMs() - this.countedAt < LOOK_AT_STUCK_MS ? this.known : 0;
  }

  /** Counting begins at 0; from then on the time runs after which it begins again. */
  set count(jobs: number) {
    if (this.count === 0) this.countedAt = monotonicMs();
    this.known = jobs;
  }
}

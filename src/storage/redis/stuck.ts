import { monotonicMs } from '../../core/timer.js';

/** All stuck jobs are looked at anew this often (ms): the key in their way may be gone. */
const LOOK_AT_STUCK_MS = 2000;

/**
 * How many due jobs at the head of the pool are stuck behind a key of a wrong type. A script passes over so
 * many: to look at all of them each time would keep Redis busy.
 */
export class StuckJobs {
  private known = 0;
  private countedAt = -Infinity;

  get count(): number {
    return monotonicMs() - this.countedAt < LOOK_AT_STUCK_MS ? this.known : 0;
  }

  /** Counting begins at 0, and from then on the time runs after which it begins again. */
  set count(jobs: number) {
    if (this.count === 0) this.countedAt = monotonicMs();
    this.known = jobs;
  }
}

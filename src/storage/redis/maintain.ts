import type { DelayerError } from '../../core/errors.js';
import type { Maintenance } from '../../core/results.js';
import type { MaintainParams } from '../../core/store.js';
import { monotonicMs } from '../../core/timer.js';
import type { BodyStep, BodySweep } from './body-sweep.js';
import type { Caller } from './caller.js';
import type { ReadySweep, SweepStep } from './ready-sweep.js';
import * as scripts from './scripts/maintain.js';
import { StepSize } from './step-size.js';
import type { StuckJobs } from './stuck.js';

/**
 * Most jobs that a step promotes: it blocks Redis for less than 10 ms, even if each takes twice as long as usual.
 */
export const promotionSteps = (): StepSize => new StepSize({ least: 200, most: 500, aimMs: 3.5 });

/** Clearing up that the user may not do, or the server does not know, is tried again after so long (ms). */
const REFUSED_MS = 600_000;

/** What is remembered from one step to the next. */
export interface MaintainMemory {
  readonly stuck: StuckJobs;
  readonly steps: StepSize;
  readonly sweep: ReadySweep;
  readonly bodies: BodySweep;
  /** When it may be cleared up again (ms, monotonic). */
  mayClearAtMs: number;
}

/** One step of what a daemon does; when it meets only stuck jobs, it looks behind them. */
export async function maintain(
  caller: Caller,
  memory: MaintainMemory,
  { isThorough, repairs = false, graceMs }: MaintainParams = {},
): Promise<Maintenance> {
  const { stuck, steps, sweep, bodies } = memory;
  for (;;) {
    const skip = stuck.count;
    const done = await caller.run('best-effort', (target) =>
      steps.step((limit) => scripts.maintain(target, { skip, limit }), isFull),
    );
    const moved = done.promoted + done.expired + done.reclaimed + done.deleted + done.buried.length;
    sweep.suspect(done.suspects);
    if (!done.more || moved > 0) {
      const { more: isBusy, isUntidy, nextInMs, wrongTypes } = done;
      // The other work needs most of these keys, and can wait.
      const mayClear = wrongTypes.length === 0 && monotonicMs() >= memory.mayClearAtMs;
      let [swept, looked]: [SweepStep?, BodyStep?] = [];
      try {
        if (mayClear) swept = await sweep.step({ isBusy, isUntidy, nextInMs, isThorough });
        if (mayClear && !isBusy) looked = await bodies.step({ removes: repairs, graceMs });
      } catch (error) {
        // What was done has to be counted; the next step that moves nothing fails with the error.
        if (moved === 0) {
          // Told once. Failing at each step would hold up the promotion.
          if ((error as DelayerError).code === 'store_refused')
            memory.mayClearAtMs = monotonicMs() + REFUSED_MS;
          throw error;
        }
      }
      return together(done, swept, looked, skip + done.stuck);
    }
    stuck.count = skip + done.stuck;
  }
}

/** Did a step handle as many due jobs as it was allowed to? */
const isFull = ({ more, promoted, expired }: scripts.MaintainAnswer): boolean =>
  more && promoted + expired > 0;

function together(
  done: scripts.MaintainAnswer,
  swept: SweepStep | undefined,
  looked: BodyStep | undefined,
  stuck: number,
): Maintenance {
  const { promoted, expired, reclaimed, deleted, buried, lateness, nextInMs, wrongTypes } = done;
  const { returned = 0, doubled = 0, more = false } = swept ?? {};
  const repairs = {
    delayed_ids: expired,
    ready_entries: swept?.expired ?? 0,
    notes: done.forgotten + (swept?.forgotten ?? 0),
    bodies: looked?.removed ?? 0,
  };
  const unnamedBodies = looked?.unnamed ?? 0;
  return {
    promoted: promoted + returned,
    expired: expired + repairs.ready_entries,
    ...{ reclaimed, deleted, stuck, nextInMs, more: done.more || more },
    ...(Object.values(repairs).some((count) => count > 0) && { repairs }),
    ...(unnamedBodies > 0 && { unnamedBodies }),
    ...(wrongTypes.length > 0 && { wrongTypes }),
    ...(buried.length > 0 && { buried }),
    ...(lateness && { lateness }),
    ...(doubled > 0 && { doubled }),
  };
}

import type { Maintenance } from '../../core/results.js';
import type { Caller } from './caller.js';
import type { ReadySweep, SweepStep } from './ready-sweep.js';
import * as scripts from './scripts/maintain.js';
import type { StuckJobs } from './stuck.js';

/** One step of what a daemon does; where it meets nothing but stuck jobs, it looks behind them. */
export async function maintain(
  caller: Caller,
  { stuck, sweep }: { readonly stuck: StuckJobs; readonly sweep: ReadySweep },
): Promise<Maintenance> {
  for (;;) {
    const skip = stuck.count;
    const done = await caller.run('best-effort', (target) => scripts.maintain(target, skip));
    const moved = done.promoted + done.expired + done.reclaimed + done.deleted + done.buried.length;
    sweep.suspect(done.suspects);
    if (!done.more || moved > 0) {
      const swept = await sweep.step({ isBusy: done.more, isUntidy: done.isUntidy, nextInMs: done.nextInMs });
      return together(done, swept, skip + done.stuck);
    }
    stuck.count = skip + done.stuck;
  }
}

function together(done: scripts.MaintainAnswer, swept: SweepStep, stuck: number): Maintenance {
  const { promoted, expired, reclaimed, deleted, buried, lateness, nextInMs } = done;
  return {
    promoted: promoted + swept.returned,
    expired: expired + swept.expired,
    ...{ reclaimed, deleted, stuck, nextInMs, more: done.more || swept.more },
    ...(buried.length > 0 && { buried }),
    ...(lateness && { lateness }),
    ...(swept.doubled > 0 && { doubled: swept.doubled }),
  };
}

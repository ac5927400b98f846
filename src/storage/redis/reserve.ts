import type { Burial, Reserved } from '../../core/results.js';
import type { ReserveParams } from '../../core/store.js';
import { isTimeOver } from '../../core/timer.js';
import type { Caller } from './caller.js';
import type { ReadySweep } from './ready-sweep.js';
import { reclaim } from './scripts/maintain.js';
import * as scripts from './scripts/reserve.js';
import type { StuckJobs } from './stuck.js';

/** What a store remembers between reserves. */
export interface ReserveMemory {
  readonly stuck: StuckJobs;
  readonly sweep: ReadySweep;
  /** Counts the changes that the store has heard of: a wait looks for later ones. */
  readonly waiter: { readonly revision: number };
}

/** Leases jobs, in as many short steps as it takes to find some behind expired or stuck ones. */
export async function reserve(
  caller: Caller,
  { stuck, sweep, waiter }: ReserveMemory,
  params: ReserveParams,
): Promise<Reserved> {
  const buried: Burial[] = [];
  for (let reclaimFirst = true; ;) {
    const skip = stuck.count;
    const { revision } = waiter;
    // Jobs of a reserve whose answer was lost come back when their lease ends.
    const answer = await caller.run(
      'best-effort',
      (target) => scripts.reserve(target, params, { skip, reclaimFirst }),
      params,
    );
    reclaimFirst = answer !== 'leases have ended';
    if (answer === 'leases have ended') {
      buried.push(...(await caller.run('best-effort', reclaim, params)));
      continue;
    }
    if ('lockedMs' in answer) return { jobs: [], isLocked: true, nextInMs: answer.lockedMs };
    buried.push(...answer.buried);
    const { jobs, more, nextInMs, isPaused, isUntidy } = answer;
    if (isUntidy && !more) await sweep.tidy();
    if (jobs.length > 0 || !more || isTimeOver(params)) {
      const reserved = { jobs, nextInMs, isPaused, revision };
      return buried.length === 0 ? reserved : { ...reserved, buried };
    }
    stuck.count = skip + answer.stuck;
  }
}

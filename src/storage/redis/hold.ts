import { chunks } from '../../core/chunks.js';
import { newToken } from '../../core/lease.js';
import type { HoldResult } from '../../core/results.js';
import type { HoldParams } from '../../core/store.js';
import type { Caller } from './caller.js';
import { withAway } from './move.js';
import { CHUNK, clearing, inParts } from './push.js';
import * as scripts from './scripts/operate.js';

/** Leases jobs as an operator; those that one step takes are one reservation. */
export async function hold(caller: Caller, { jobs, leaseMs, holder }: HoldParams): Promise<HoldResult[]> {
  const results: HoldResult[] = [];
  const steps = { clear: clearing(caller) };
  for (const chunk of chunks(jobs, CHUNK.jobs))
    results.push(
      ...(await inParts(steps, chunk, (some, cleared) => {
        const params = { token: newToken(), jobs: some, leaseMs, holder };
        return caller.run('never', (target) => scripts.hold(target, params, cleared));
      })),
    );
  return withAway(caller, jobs, results);
}

import { chunks } from '../../core/chunks.js';
import type { RequeueResult } from '../../core/results.js';
import type { RequeueParams } from '../../core/store.js';
import type { Caller } from './caller.js';
import { CHUNK } from './push.js';
import * as scripts from './scripts/operate.js';

/** Expired jobs have lost their bodies: none of them is requeued. */
export async function requeue(
  caller: Caller,
  { jobs, keepAttempts }: RequeueParams,
): Promise<RequeueResult[]> {
  const results: RequeueResult[] = [];
  for (const chunk of chunks(jobs, CHUNK.jobs)) {
    const letters = chunk.filter(({ state }) => state !== 'expired');
    const params = { jobs: letters, keepAttempts };
    const answers =
      letters.length === 0 ? [] : await caller.run('never', (target) => scripts.requeue(target, params));
    let next = 0;
    results.push(
      ...chunk.map(({ state }): RequeueResult =>
        state === 'expired' ? 'none' : (answers[next++] ?? 'none'),
      ),
    );
  }
  return results;
}

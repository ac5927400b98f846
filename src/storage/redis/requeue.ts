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
    const answers: RequeueResult[] = [];
    // A run of the script may have no time for all of them.
    while (answers.length < letters.length) {
      const params = { jobs: letters.slice(answers.length), keepAttempts };
      answers.push(...(await caller.run('never', (target) => scripts.requeue(target, params))));
    }
    let next = 0;
    results.push(
      ...chunk.map(({ state }): RequeueResult =>
        state === 'expired' ? 'none' : (answers[next++] ?? 'none'),
      ),
    );
  }
  return results;
}

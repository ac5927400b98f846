import { chunks } from '../../core/chunks.js';
import type { RequeueResult } from '../../core/results.js';
import type { RequeueParams } from '../../core/store.js';
import type { Caller } from './caller.js';
import { CHUNK } from './push.js';
import * as scripts from './scripts/operate.js';

export async function requeue(
  caller: Caller,
  { jobs, keepAttempts }: RequeueParams,
): Promise<RequeueResult[]> {
  const results: RequeueResult[] = [];
  for (const chunk of chunks(jobs, CHUNK.jobs)) {
    const params = { jobs: chunk, keepAttempts };
    results.push(...(await caller.run('never', (target) => scripts.requeue(target, params))));
  }
  return results;
}

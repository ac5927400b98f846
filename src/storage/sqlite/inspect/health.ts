import type { Problem } from '../../../core/results.js';

/** What can be wrong with Redis cannot be here, and a damaged or full file fails the call that meets it. */
export function health(): Promise<Problem[]> {
  return Promise.resolve([]);
}

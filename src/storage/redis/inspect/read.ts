import type { Target } from '../scripts/run.js';

/** Asks Redis something that changes nothing, and asks again when the connection broke. */
export type Read = <T>(ask: (target: Target) => Promise<T>) => Promise<T>;

/** Jobs or keys that one call looks at: it holds Redis for a millisecond or two. */
export const WINDOW = 250;

import type { Target } from '../scripts/run.js';

/** Asks Redis something that changes nothing, and asks again when the connection broke. */
export type Read = <T>(ask: (target: Target) => Promise<T>) => Promise<T>;

/** Jobs or keys that one call looks at: it holds Redis for a millisecond or two. */
export const WINDOW = 250;

/** Keys of one SCAN step, which looks at names alone. */
export const SCAN_WINDOW = 2000;

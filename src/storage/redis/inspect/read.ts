import type { Target } from '../scripts/run.js';

/** Sends a request that changes nothing, and sends it again when the connection broke. */
export type Read = <T>(ask: (target: Target) => Promise<T>) => Promise<T>;

/** Jobs or keys that one call looks at; it blocks Redis for a millisecond or two. */
export const WINDOW = 250;

/** Keys of a SCAN step that looks at names only. */
export const SCAN_WINDOW = 2000;

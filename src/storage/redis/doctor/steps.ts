/**
 * Jobs that one script of a diagnosis looks at, each with several commands; it blocks Redis for a millisecond.
 */
export const EXAMINED = 100;

/** Keys of a SCAN step most of whose keys match. */
export const SCANNED = 500;

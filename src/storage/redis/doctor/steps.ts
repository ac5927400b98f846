/** Jobs that one script of a diagnosis looks at, each with several commands: it holds Redis for a millisecond. */
export const EXAMINED = 100;

/** Keys of one SCAN step that gives back most of what it looks at. */
export const SCANNED = 500;

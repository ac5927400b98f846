/** What a store is asked for when jobs move from one store to another, and what it answers. */

/**
 * How far a file is imported, by lines, noted in the same step as the jobs. A file that is not at `from` is
 * imported by somebody else as well, or a call was made before whose answer was lost: then nothing is done.
 */
export interface ImportProgress {
  /** Names the file, by what it holds. */
  readonly file: string;
  /** 0 at its beginning. */
  readonly from: number;
  /** When all jobs of the call are in. */
  readonly to: number;
}

/**
 * - `imported`: as it was. `replaced`: it took the place of the job of that id.
 * - `repeated`: the same job is there: an id with the same topic and body, or the same dead letter. It stays as it is.
 * - `kept`: the id exists with other content and was to be kept.
 * - `conflict`: the id exists with other content; nothing changed.
 * - `expired`: its ready lifetime, or the time for which it was kept as a dead letter, is over; it is not taken in.
 * - `blocked`: a key that is not a job stands in its place; nothing changed.
 */
export type ImportOutcome =
  'imported' | 'replaced' | 'repeated' | 'kept' | 'conflict' | 'expired' | 'blocked';

export const IMPORT_OUTCOMES: readonly ImportOutcome[] = [
  ...(['imported', 'replaced', 'repeated', 'kept', 'conflict', 'expired', 'blocked'] as const),
];

export interface Imported {
  /** In order; `[]` where nothing was done. */
  readonly outcomes: ImportOutcome[];
  /** How far the file is, where it was not where it was expected to be, and nothing was done. */
  readonly reached?: number | undefined;
}

/** A store forgets how far a file was imported after so long (ms). */
export const IMPORT_MEMORY_MS = 30 * 86_400_000;

/** How whoever moves jobs out of a store is called in it, in front of what names the move: who holds what is on its way. */
export const MOVE_HOLDER = 'export:';
/** So long (ms) they are held: a move that was cut off may be gone on with until then, and no job is delivered meanwhile. */
export const MOVE_HOLD_MS = 3_600_000;

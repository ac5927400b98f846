/** What a store is asked for when jobs move from one store to another, and what it answers. */

/**
 * How far a file is imported, by lines; noted in the same step as the jobs. When the file is not at `from`, another
 * process imports it as well, or a call before was done and its answer lost. Then nothing is done.
 */
export interface ImportProgress {
  /** Names the file by a digest of its content. */
  readonly file: string;
  /** 0 at its beginning. */
  readonly from: number;
  /** When all jobs of the call are in. */
  readonly to: number;
}

/** How far a file was imported. */
export interface FileProgress {
  /** 0 when nothing of it was, or when the store has forgotten it. */
  readonly line: number;
  /** Lines up to that one that were refused (`conflict` or `blocked`) and have not been imported since. */
  readonly refused: readonly number[];
}

/**
 * - `imported`: as it was. `replaced`: it took the place of the job of that id.
 * - `repeated`: the same job is there: an id with the same topic and body, or the same dead letter. It stays as it is.
 * - `kept`: the id exists with other content and was to be kept.
 * - `conflict`: the id exists with other content; nothing changed.
 * - `expired`: its ready lifetime, or the time for which it was kept as a dead letter, is over; it is not taken in.
 * - `blocked`: a key that is not a job stands in its place; nothing changed.
 * - `before`: its line is no refused one of the file: another call has imported it.
 */
export type ImportOutcome =
  'imported' | 'replaced' | 'repeated' | 'kept' | 'conflict' | 'expired' | 'blocked' | 'before';

export const IMPORT_OUTCOMES: readonly ImportOutcome[] = [
  ...(['imported', 'replaced', 'repeated', 'kept', 'conflict', 'expired', 'blocked', 'before'] as const),
];

/** A job that may be imported later, when what is in its way is gone. */
export const isRefused = (outcome: ImportOutcome): boolean => outcome === 'conflict' || outcome === 'blocked';

export interface Imported {
  /** In order; `[]` where nothing was done. */
  readonly outcomes: ImportOutcome[];
  /** How far the file is, when it was not at `from` and nothing was done. */
  readonly reached?: number | undefined;
}

/** A store forgets how far a file was imported after so long (ms). */
export const IMPORT_MEMORY_MS = 30 * 86_400_000;

/** The prefix of the holder of jobs that are being moved out of a store; the name of the move follows. */
export const MOVE_HOLDER = 'export:';
/**
 * How long (ms) such jobs are held: until then a move that was cut off can be continued, and nobody else is given
 * its jobs.
 */
export const MOVE_HOLD_MS = 3_600_000;

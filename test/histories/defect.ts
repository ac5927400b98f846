import type { StoreName } from './operations.js';

/** A defect that is planted to see whether the histories find it. */
export interface Defect {
  readonly name: string;
  /** What goes wrong, for the table in docs/reliability.md. */
  readonly about: string;
  readonly stores: readonly StoreName[];
  /** The edits: a file, a text that occurs once in it, and its replacement. */
  readonly edits: readonly (readonly [file: string, find: string, replace: string])[];
}

export const REDIS = 'src/storage/redis';
export const LUA = `${REDIS}/lua`;
export const SQLITE = 'src/storage/sqlite';

/** Defects of one store. */
export const redis = (name: string, about: string, ...edits: Defect['edits']): Defect => ({
  name,
  about,
  stores: ['redis'],
  edits,
});
export const sqlite = (name: string, about: string, ...edits: Defect['edits']): Defect => ({
  name,
  about,
  stores: ['sqlite'],
  edits,
});

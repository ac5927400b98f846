import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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

/**
 * The files of a defect as they are with it.
 * @throws Error if a text that it replaces does not occur exactly once
 */
export function edited(
  { name, edits }: Pick<Defect, 'name' | 'edits'>,
  read: (file: string) => string,
): Map<string, string> {
  const files = new Map<string, string>();
  for (const [file, find, replace] of edits) {
    const text = files.get(file) ?? read(file);
    if (text.split(find).length !== 2)
      throw new Error(`${name}: what it replaces in ${file} is not there once: ${find}`);
    files.set(
      file,
      text.replace(find, () => replace),
    );
  }
  return files;
}

/** Returns why a defect cannot be planted in a tree, or an empty list. */
export function misfit(root: string, defect: Pick<Defect, 'name' | 'edits'>): string[] {
  try {
    edited(defect, (file) => readFileSync(join(root, file), 'utf8'));
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}

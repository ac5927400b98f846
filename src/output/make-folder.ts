import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes the folders of a path that are not there, one by one: Node's own `recursive` does not end in a folder that
 * takes no other (/proc).
 * @throws the error of the system
 */
export function makeFolder(path: string, mode?: number): void {
  if (isFolder(path)) return;
  if (!existsSync(path)) makeFolder(dirname(path), mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!isFolder(path)) throw error;
  }
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { FreeBytes } from '../free-bytes.js';

/** How much a file takes of what it could: of itself and what is free on its disk. Nothing where that is not known. */
export function usedPercent(file: string, freeBytes: FreeBytes): number | undefined {
  try {
    const { size } = statSync(file);
    return Math.floor((100 * size) / (size + freeBytes(dirname(file))));
  } catch {
    return undefined;
  }
}

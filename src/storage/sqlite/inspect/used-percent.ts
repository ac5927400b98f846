import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type FreeBytes, FULL_BYTES } from '../free-bytes.js';

/**
 * How much a file takes of what it could: of itself and what is free on its disk; 100 where so little is free that
 * pushes fail. Nothing where that is not known.
 */
export function usedPercent(file: string, freeBytes: FreeBytes): number | undefined {
  try {
    const { size } = statSync(file);
    const free = freeBytes(dirname(file));
    return free < FULL_BYTES ? 100 : Math.floor((100 * size) / (size + free));
  } catch {
    return undefined;
  }
}

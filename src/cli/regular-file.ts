import { type Stats, statSync } from 'node:fs';
import { DelayerError } from '../core/errors.js';

/** Is there a device, a FIFO or a socket at a path? A file that is renamed to the path would replace it. */
export function isSpecialFile(path: string): boolean {
  const stat = look(path);
  return stat !== undefined && !stat.isFile() && !stat.isDirectory();
}

/** @throws DelayerError `usage` where a flag names something else than a regular file, or a new one */
export function assertRegularFile(path: string, flag: string): void {
  if (look(path)?.isFile() === false)
    throw new DelayerError('usage', `${flag} is not a regular file: ${JSON.stringify(path)}`, {
      hint: 'Name a regular file, or a new one.',
    });
}

/** Nothing where it cannot be looked at: whoever opens it says why. */
function look(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

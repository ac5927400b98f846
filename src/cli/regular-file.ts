import { statSync } from 'node:fs';
import { DelayerError } from '../core/errors.js';

/** Is there a device, a FIFO or a socket at a path? A file that is renamed to the path would replace it. */
export function isSpecialFile(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && !stat.isFile() && !stat.isDirectory();
}

/** @throws DelayerError `usage` where a flag names something else than a regular file, or a new one */
export function assertRegularFile(path: string, flag: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false)
    throw new DelayerError('usage', `${flag} is not a regular file: ${JSON.stringify(path)}`, {
      hint: 'Name a regular file, or a new one.',
    });
}

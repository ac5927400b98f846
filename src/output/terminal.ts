import { fstatSync } from 'node:fs';
import { createRequire } from 'node:module';

/** On Linux: the major number of the device /dev/null, which may stand in the place of a terminal. */
const MEMORY_DEVICES = 1;

/** Is this descriptor a terminal? Answers without `node:tty`, which takes milliseconds to load. */
export function isTerminal(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    if (!stat.isCharacterDevice()) return false;
    if (process.platform === 'linux' && stat.rdev >> 8 === MEMORY_DEVICES) return false;
    return tty().isatty(fd);
  } catch {
    // The descriptor was closed from the start.
    return false;
  }
}

function tty(): typeof import('node:tty') {
  return createRequire(import.meta.url)('node:tty') as typeof import('node:tty');
}

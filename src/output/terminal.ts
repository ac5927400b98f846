import { fstatSync } from 'node:fs';
import { createRequire } from 'node:module';

/** Of Linux: the number of the driver of /dev/null, which stands where a terminal does not. */
const MEMORY_DEVICES = 1;

/** Is an open file a terminal? Pipes and files are told apart without `node:tty`, which takes milliseconds to load. */
export function isTerminal(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    if (!stat.isCharacterDevice()) return false;
    if (process.platform === 'linux' && stat.rdev >> 8 === MEMORY_DEVICES) return false;
    return tty().isatty(fd);
  } catch {
    // It was closed from the start.
    return false;
  }
}

function tty(): typeof import('node:tty') {
  return createRequire(import.meta.url)('node:tty') as typeof import('node:tty');
}

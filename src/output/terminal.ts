import { fstatSync } from 'node:fs';
import { createRequire } from 'node:module';

/** Is an open file a terminal? Pipes and files are known without `node:tty`, which takes milliseconds to load. */
export function isTerminal(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice() && isTty(fd);
  } catch {
    // It was closed from the start.
    return false;
  }
}

function isTty(fd: number): boolean {
  const { isatty } = createRequire(import.meta.url)('node:tty') as typeof import('node:tty');
  return isatty(fd);
}

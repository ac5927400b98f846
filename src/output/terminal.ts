import { fstatSync } from 'node:fs';
import { createRequire } from 'node:module';

/** Is an open file a terminal? Pipes and files are told apart without `node:tty`, which takes milliseconds to load. */
export function isTerminal(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice() && tty().isatty(fd);
  } catch {
    // It was closed from the start.
    return false;
  }
}

function tty(): typeof import('node:tty') {
  return createRequire(import.meta.url)('node:tty') as typeof import('node:tty');
}

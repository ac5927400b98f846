import { fstatSync } from 'node:fs';
import { isatty } from 'node:tty';

/** Is an open file a terminal? Pipes and files are told apart without `node:tty`, which takes milliseconds to load. */
export function isTerminal(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice() && isatty(fd);
  } catch {
    // It was closed from the start.
    return false;
  }
}

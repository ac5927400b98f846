import { closeSync, openSync, unlinkSync } from 'node:fs';
import { toFileError } from './sink.js';
import { writeAll } from './stdout.js';

/**
 * Writes a file that is not there yet, for this user alone.
 * @throws OutputError where it is there, or cannot be written; then no part of it is left
 */
export async function writeNewFile(path: string, text: string): Promise<void> {
  let fd;
  try {
    fd = openSync(path, 'wx', 0o600);
  } catch (error) {
    throw toFileError(path, error as NodeJS.ErrnoException);
  }
  try {
    await writeAll(fd, Buffer.from(text), (written, cause) => toFileError(path, cause, written));
  } catch (error) {
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(fd);
  }
}

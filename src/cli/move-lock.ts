import { accessSync, constants, existsSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DelayerError } from '../core/errors.js';
import { toFileError } from '../output/sink.js';
import { lockFile } from '../storage/file-lock.js';

/** Keeps other processes from moving jobs to the same file, until it is released. */
export interface MoveLock {
  /** There was none beside the file, as there is beside an unfinished move. */
  readonly isNew: boolean;
  /** @param isOver nobody will go on with this move */
  release(isOver: boolean): void;
}

/**
 * If two processes moved jobs to one file, each would take what the other holds for its own. The lock is on a file
 * beside; the system frees it when its process ends, however it ends.
 * @throws DelayerError `usage` where another process has it; OutputError where it cannot be made
 */
export async function lockMove(path: string): Promise<MoveLock> {
  const beside = `${path}.lock`;
  const isNew = !existsSync(beside);
  const lock = await open(beside);
  if (!lock)
    throw new DelayerError('usage', `another process moves jobs to ${path}`, { hint: 'Wait until it ends.' });
  return {
    isNew,
    release(isOver) {
      // A process that opened the file before this one finds the move finished.
      if (isOver) rmSync(beside, { force: true });
      lock.release();
    },
  };
}

async function open(beside: string) {
  try {
    // SQLite does not say why it cannot.
    accessSync(dirname(resolve(beside)), constants.W_OK | constants.X_OK);
    return await lockFile(beside);
  } catch (error) {
    throw toFileError(beside, error as NodeJS.ErrnoException);
  }
}

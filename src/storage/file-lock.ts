import { chmodSync } from 'node:fs';

export interface FileLock {
  /** Frees the lock. The end of the process does so too, however it ends. */
  release(): void;
}

/**
 * Locks a file. It is created when absent, stays empty, and is never deleted, because deleting it would let two
 * processes hold the lock of one name. Node has no lock that the system frees, but SQLite has one, on a database
 * that is never written.
 * @returns undefined when another process has it
 * @throws what SQLite throws when the file cannot be opened for writing
 */
export async function lockFile(path: string): Promise<FileLock | undefined> {
  const [{ openDatabase }, { isBusy }] = await Promise.all([
    import('./sqlite/driver.js'),
    import('./sqlite/errors.js'),
  ]);
  const database = openDatabase(path);
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  // Not readable for others: a reader could lock it and delay the next start.
  chmodSync(path, 0o600);
  return {
    release: () => {
      database.exec('ROLLBACK');
      database.close();
    },
  };
}

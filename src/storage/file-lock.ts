import { chmodSync } from 'node:fs';

export interface FileLock {
  /** Frees it. The end of the process does so, too, however it ends. */
  release(): void;
}

/**
 * Locks a file, which is made where it is absent, stays empty, and is left behind: to delete it would let two
 * processes hold the lock of one name. Node has no lock that the system frees, but SQLite has: on a database that is
 * never written.
 * @returns nothing when another process has it
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
  // Whoever may read it could hold up the next start with a lock of his own.
  chmodSync(path, 0o600);
  return {
    release: () => {
      database.exec('ROLLBACK');
      database.close();
    },
  };
}

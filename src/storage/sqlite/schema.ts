import type { Connection } from './connection.js';
import { STORE } from './driver.js';
import { foreignFileError, tooNewError } from './errors.js';
import { MIGRATIONS } from './migrations.generated.js';

/**
 * Marks the file as delayer's, in its header: the letters `dlay`.
 * https://sqlite.org/pragma.html#pragma_application_id
 */
const APPLICATION_ID = 0x646c6179;

/**
 * The version of the layout, stored in the file as `user_version`. The tables are described in migrations/.
 */
export const SCHEMA_VERSION = MIGRATIONS.at(-1)?.version ?? 0;

/**
 * Settings of every connection. FULL: a push that has returned is on the disk; in WAL mode the default syncs only at
 * the next checkpoint. Up to 8 MB of pages are cached. The log is moved into the file at 16 MB, four times the
 * default, so that a page that is changed again meanwhile is written once. A longer log is cut back to that size.
 */
export const SETTINGS = `
PRAGMA ${STORE}.synchronous = FULL;
PRAGMA ${STORE}.cache_size = -8000;
PRAGMA wal_autocheckpoint = 4000;
PRAGMA ${STORE}.journal_size_limit = 16777216;
`;

/** Nothing is put into the temporary folder, which may be missing or full. It comes before anything else. */
export const TEMPORARIES = 'PRAGMA temp_store = MEMORY';

/** Returns the first row of a statement. */
type Ask = (sql: string) => unknown;

/**
 * The version of a store's layout; 0 when the file is empty.
 * @throws DelayerError when the file belongs to another application, or to a newer delayer
 */
export function readVersion(ask: Ask, file: string): number {
  const { application_id: owner } = ask(`PRAGMA ${STORE}.application_id`) as { application_id: number };
  const { user_version: version } = ask(`PRAGMA ${STORE}.user_version`) as { user_version: number };
  if (owner === APPLICATION_ID) {
    if (version > SCHEMA_VERSION) throw tooNewError(file, version, SCHEMA_VERSION);
    return version;
  }
  const { tables } = ask(`SELECT count(*) AS tables FROM ${STORE}.sqlite_schema`) as { tables: number };
  if (owner !== 0 || version !== 0 || tables > 0)
    throw foreignFileError(file, 'the database belongs to another application');
  return 0;
}

/** Migrates a file to the newest version of the layout, step by step; a current one is only read. */
export function migrate(connection: Connection, file: string): void {
  const ask: Ask = (sql) => connection.get(sql);
  while (readVersion(ask, file) < SCHEMA_VERSION) {
    connection.exclusively(() => {
      // Another process may have done it meanwhile.
      const version = readVersion(ask, file);
      const next = MIGRATIONS.find((migration) => migration.version > version);
      if (!next) return;
      connection.exec(next.sql.replaceAll(/^CREATE (TABLE|INDEX|UNIQUE INDEX) /gm, `$&${STORE}.`));
      // SQLite takes no parameters in a pragma.
      connection.exec(`PRAGMA ${STORE}.application_id = ${APPLICATION_ID}`);
      connection.exec(`PRAGMA ${STORE}.user_version = ${next.version}`);
    });
  }
}

import type { Connection } from './connection.js';
import { STORE } from './driver.js';
import { foreignFileError, tooNewError } from './errors.js';
import { MIGRATIONS } from './migrations.generated.js';

/** In the file's header, to know it by: the letters `dlay`. https://sqlite.org/pragma.html#pragma_application_id */
export const APPLICATION_ID = 0x646c6179;

/** The version of the layout, in the file as `user_version`. The tables are described in migrations/. */
export const SCHEMA_VERSION = MIGRATIONS.at(-1)?.version ?? 0;

/**
 * What every connection is set to. FULL: a push that returned has reached the disk; in WAL mode the
 * default leaves that to the next checkpoint. Up to 8 MB of pages are kept in memory. The log is moved
 * into the file at 16 MB, where the default is a quarter of that: pages that were changed again
 * meanwhile are written once. A longer log is cut back to that size.
 */
export const SETTINGS = `
PRAGMA ${STORE}.synchronous = FULL;
PRAGMA ${STORE}.cache_size = -8000;
PRAGMA wal_autocheckpoint = 4000;
PRAGMA ${STORE}.journal_size_limit = 16777216;
`;

/** Nothing is kept in the temporary folder: there may be none, or it may be full. It comes before anything else. */
export const TEMPORARIES = 'PRAGMA temp_store = MEMORY';

/** Answers the first row of a statement. */
type Ask = (sql: string) => unknown;

/**
 * The version of a store's layout; 0 when there is nothing in the file yet.
 * @throws DelayerError when what is there is another application's, or a newer delayer's
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

/** Brings a file to the newest version of the layout, step by step; one that is there already is only read. */
export function migrate(connection: Connection, file: string): void {
  const ask: Ask = (sql) => connection.get(sql);
  while (readVersion(ask, file) < SCHEMA_VERSION) {
    connection.exclusively(() => {
      // Another process may have been faster.
      const version = readVersion(ask, file);
      const next = MIGRATIONS.find((migration) => migration.version > version);
      if (!next) return;
      connection.exec(next.sql.replaceAll(/^CREATE (TABLE|INDEX|UNIQUE INDEX) /gm, `$&${STORE}.`));
      // SQLite takes no parameters here.
      connection.exec(`PRAGMA ${STORE}.application_id = ${APPLICATION_ID}`);
      connection.exec(`PRAGMA ${STORE}.user_version = ${next.version}`);
    });
  }
}

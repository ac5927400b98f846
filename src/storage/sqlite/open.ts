import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openDatabase } from './driver.js';
import { fromSqlite, fromSystem, isNoStore, isTooNew } from './errors.js';
import { prepareFile, readHeader, sizeOf, type TypeOfFileSystem } from './file.js';
import { APPLICATION_ID, SCHEMA, SCHEMA_VERSION, SETTINGS } from './schema.js';
import { Session } from './connection.js';

export interface OpenOptions {
  /** The store's clock, in ms since 1970; the machine's when absent. */
  readonly now?: (() => number) | undefined;
  /** Asks the system when absent. */
  readonly typeOfFileSystem?: TypeOfFileSystem | undefined;
  /** The file may grow to so many pages of 4096 bytes, by this connection; without a limit when absent. */
  readonly maxPages?: number | undefined;
  /** How long (ms) a call waits for the other processes on the file; some seconds when absent. */
  readonly busyDeadlineMs?: number | undefined;
}

export interface Opened {
  readonly session: Session;
  readonly file: string;
  /** Did this make the file? */
  readonly created: boolean;
}

/**
 * Opens a store, or makes it. Nothing is written to a file that is not one.
 * @throws DelayerError `config_invalid`, `store_refused`, `store_corrupt`, `store_too_new`,
 *   `store_full`, `store_busy`
 */
export async function openSession(path: string, options: OpenOptions = {}): Promise<Opened> {
  const file = absolute(path);
  const created = prepareFile(file, options.typeOfFileSystem);
  try {
    // The log is looked for first: delayer has one only after the file itself says whose it is.
    const hasLog = sizeOf(`${file}-wal`) > 0;
    if (!created && !isOurs(file)) {
      if (hasLog) throw isNoStore(file, 'the database belongs to another application');
      peek(file);
    }
    const now = options.now ?? (() => Date.now());
    const session = new Session(openDatabase(file), `sqlite:${file}`, now, options.busyDeadlineMs);
    try {
      await settle(session, file);
      if (options.maxPages !== undefined) session.exec(`PRAGMA max_page_count = ${options.maxPages}`);
    } catch (error) {
      session.close();
      throw error;
    }
    return { session, file, created };
  } catch (error) {
    throw fromSqlite(error, file);
  }
}

function absolute(path: string): string {
  try {
    return resolve(path);
  } catch (error) {
    // The folder that this process is in was deleted.
    throw fromSystem(error, `There is no place for ${path}`);
  }
}

/** Where a database file says whose it is. https://sqlite.org/fileformat.html#the_database_header */
const APPLICATION_ID_AT = 68;

/**
 * Does the file's header name delayer? It is read as bytes: an `immutable` look at a file that another
 * process checkpoints just now finds half of it written, and takes it for damaged.
 */
function isOurs(file: string): boolean {
  return readHeader(file, APPLICATION_ID_AT + 4)?.readUInt32BE(APPLICATION_ID_AT) === APPLICATION_ID;
}

/**
 * Looks at what is in the file itself, without its log and without a lock. To open it in earnest would
 * bring the log of another application's database into it.
 */
function peek(file: string): void {
  const url = `${pathToFileURL(file).href}?immutable=1`;
  const database = openDatabase(url, { readOnly: true });
  try {
    isEmpty((sql) => database.prepare(sql).get(), file);
  } finally {
    database.close();
  }
}

/** Sets the connection up, and makes the tables of a file that is empty. */
async function settle(session: Session, file: string): Promise<void> {
  await session.read(() => {
    if (isEmpty((sql) => session.get(sql), file)) makeTables(session, file);
    const { journal_mode: mode } = session.get('PRAGMA journal_mode = WAL') as { journal_mode: string };
    if (mode !== 'wal') throw isNoStore(file, `its journal cannot be a WAL here (${mode})`);
    session.exec(SETTINGS);
  });
}

/** Before the log is switched on, so that the header of the file itself says whose it is. */
function makeTables(session: Session, file: string): void {
  session.exec('BEGIN EXCLUSIVE');
  try {
    // Another process may have been faster.
    if (isEmpty((sql) => session.get(sql), file)) session.exec(SCHEMA);
    session.exec('COMMIT');
  } catch (error) {
    session.exec('ROLLBACK');
    throw error;
  }
}

/**
 * @returns whether there is nothing in the file yet
 * @throws DelayerError when what is there is another application's, or a newer delayer's
 */
function isEmpty(ask: (sql: string) => unknown, file: string): boolean {
  const { application_id: owner } = ask('PRAGMA application_id') as { application_id: number };
  const { user_version: version } = ask('PRAGMA user_version') as { user_version: number };
  if (owner === APPLICATION_ID) {
    if (version > SCHEMA_VERSION) throw isTooNew(file, version, SCHEMA_VERSION);
    return false;
  }
  const { tables } = ask('SELECT count(*) AS tables FROM sqlite_schema') as { tables: number };
  if (owner !== 0 || version !== 0 || tables > 0) {
    throw isNoStore(file, 'the database belongs to another application');
  }
  return true;
}

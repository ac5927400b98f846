import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DelayerError } from '../../core/errors.js';
import { monotonicMs, sleep } from '../../core/timer.js';
import { Connection } from './connection.js';
import { openDatabase } from './driver.js';
import { foreignFileError, fromSqlite, fromSystem } from './errors.js';
import { prepareFile, readHeader, sizeOf, type TypeOfFileSystem } from './file.js';
import { APPLICATION_ID, migrate, readVersion, SCHEMA_VERSION, SETTINGS } from './schema.js';

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
  readonly connection: Connection;
  readonly file: string;
  /** Did opening it create the file? */
  readonly created: boolean;
}

/**
 * Opens a store, creates it when it is absent, and migrates an older one. Nothing is written to a file that
 * is not a store.
 * @throws DelayerError `config_invalid`, `store_refused`, `store_corrupt`, `store_too_new`,
 *   `store_full`, `store_busy`
 */
export async function openConnection(path: string, options: OpenOptions = {}): Promise<Opened> {
  const file = absolute(path);
  const created = prepareFile(file, options.typeOfFileSystem);
  try {
    if (!created) await assertNotForeign(file);
    const now = options.now ?? (() => Date.now());
    const connection = new Connection(openDatabase(file), `sqlite:${file}`, now, options.busyDeadlineMs);
    try {
      await settle(connection, file);
      if (options.maxPages !== undefined) connection.exec(`PRAGMA max_page_count = ${options.maxPages}`);
    } catch (error) {
      connection.close();
      throw error;
    }
    return { connection, file, created };
  } catch (error) {
    throw fromSqlite(error, file);
  }
}

function absolute(path: string): string {
  try {
    return resolve(path);
  } catch (error) {
    // The folder that this process is in was deleted.
    throw fromSystem(error, `${path} cannot be resolved`);
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
 * Another process may create the store at this moment, and then a look without a lock finds half of it
 * written. What looks damaged is looked at again for so long (ms).
 */
const CREATION_MS = 1000;
const CREATION_PAUSE_MS = 5;

/** @throws DelayerError when the file is another application's; what SQLite throws when it is damaged */
async function assertNotForeign(file: string): Promise<void> {
  const deadline = monotonicMs() + CREATION_MS;
  for (;;) {
    // The log is looked for first: delayer has one only after the file itself says whose it is.
    const hasLog = sizeOf(`${file}-wal`) > 0;
    if (isOurs(file)) return;
    if (hasLog) throw foreignFileError(file, 'the database belongs to another application');
    try {
      peek(file);
      return;
    } catch (error) {
      if (error instanceof DelayerError || monotonicMs() > deadline) throw error;
      await sleep(CREATION_PAUSE_MS);
    }
  }
}

/**
 * Looks at what is in the file itself, without its log and without a lock. To open it in earnest would
 * bring the log of another application's database into it.
 */
function peek(file: string): void {
  const url = `${pathToFileURL(file).href}?immutable=1`;
  const database = openDatabase(url, { readOnly: true });
  try {
    readVersion((sql) => database.prepare(sql).get(), file);
  } finally {
    database.close();
  }
}

/**
 * Sets the connection up and migrates the file. The tables come before the log is switched on, so that the
 * header of the file itself says whose it is.
 */
async function settle(connection: Connection, file: string): Promise<void> {
  await connection.read(() => {
    migrate(connection, file);
    const { journal_mode: mode } = connection.get('PRAGMA journal_mode = WAL') as { journal_mode: string };
    if (mode !== 'wal') throw foreignFileError(file, `its journal cannot be a WAL here (${mode})`);
    connection.exec(SETTINGS);
  });
  connection.expectVersion(SCHEMA_VERSION);
}

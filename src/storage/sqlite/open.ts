import { realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { DelayerError } from '../../core/errors.js';
import { monotonicMs, sleep } from '../../core/timer.js';
import { ClockKeeper } from './clock.js';
import { BUSY_DEADLINE_MS } from './busy-retry.js';
import { Connection } from './connection.js';
import { attach, closeDatabase, newDatabase, newLenientDatabase, STORE } from './driver.js';
import { foreignFileError, fromSqlite, strayLogError } from './errors.js';
import { FileIdentity, type TypeOfFileSystem } from './file.js';
import type { FreeBytes } from './free-bytes.js';
import { boundNumbers } from './bound-numbers.js';
import { MACHINE_CLOCK, runningAs, type RunningClock } from './running-clock.js';
import { migrate, readVersion, SCHEMA_VERSION, SETTINGS, TEMPORARIES } from './schema.js';
import { fromSystem } from './system-errors.js';

export interface OpenOptions {
  /**
   * Is the folder delayer's own? Then it is created when it is absent, and it and the file are for this user
   * alone; an absent store is an empty one.
   */
  readonly ownFolder?: boolean | undefined;
  /** The store's clock, in ms since 1970; the machine's when absent. */
  readonly now?: (() => number) | undefined;
  /** How long the machine has been running. With a `now` of its own a store takes that for it when it is absent. */
  readonly running?: RunningClock | undefined;
  /** Asks the system when absent. */
  readonly typeOfFileSystem?: TypeOfFileSystem | undefined;
  /** Asks the system when absent. */
  readonly freeBytes?: FreeBytes | undefined;
  /** The file may grow to so many pages of 4096 bytes, by this connection; without a limit when absent. */
  readonly maxPages?: number | undefined;
  /** How long (ms) a call waits for the other processes on the file; some seconds when absent. */
  readonly busyDeadlineMs?: number | undefined;
  /** How long (ms) opening waits for them; as long as a call when absent. */
  readonly openTimeoutMs?: number | undefined;
}

/** @throws DelayerError when the folder that this process is in was deleted */
export function absolute(path: string): string {
  try {
    return resolve(path);
  } catch (error) {
    throw fromSystem(error, `${path} cannot be resolved`);
  }
}

/**
 * Connects to a file that is there: an empty one becomes a store, an older store is migrated. Nothing is
 * written to a file that is not a store.
 * @throws DelayerError `config_invalid`, `store_refused`, `store_corrupt`, `store_too_new`,
 *   `store_full`, `store_busy`, `store_moved`
 */
export async function openConnection(file: string, options: OpenOptions): Promise<Connection> {
  const label = `sqlite:${file}`;
  try {
    await assertNotForeign(file);
    const identity = new FileIdentity(file);
    const connection = new Connection(newDatabase(), {
      label,
      file,
      now: options.now ?? (() => Date.now()),
      busyDeadlineMs: options.busyDeadlineMs ?? BUSY_DEADLINE_MS,
    });
    try {
      await within(options.openTimeoutMs, settle(connection, file), label);
      // SQLite has opened the one that was there before, or the one that is there now.
      identity.assertSame();
      connection.hooks.assertSame = () => {
        identity.assertSame();
      };
      connection.clock = new ClockKeeper(
        connection,
        options.running ?? (options.now ? runningAs(options.now) : MACHINE_CLOCK),
      );
      connection.hooks.mend = () => {
        boundNumbers(connection);
      };
      if (options.maxPages !== undefined)
        connection.exec(`PRAGMA ${STORE}.max_page_count = ${options.maxPages}`);
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  } catch (error) {
    throw fromSqlite(error, label, file);
  }
}

/** What goes on when the time is over ends when the connection is closed. @throws DelayerError `store_busy` */
async function within(ms: number | undefined, opening: Promise<void>, label: string): Promise<void> {
  if (ms === undefined) return opening;
  let stop: () => void = () => undefined;
  const isOver = sleep(ms, undefined, (wake) => (stop = wake)).then(() => true);
  try {
    if (await Promise.race([opening.then(() => false), isOver]))
      throw new DelayerError('store_busy', `${label} is busy: another process is creating or migrating it`, {
        hint: 'Try again.',
      });
  } finally {
    stop();
  }
}

/** The name of what is kept beside a file: beside the file itself, where its path is a symbolic link. */
export function besideFile(file: string, what: 'wal' | 'spare'): string {
  return `${realpathSync(file)}-${what}`;
}

/**
 * Another process may create the store, or write what is in its log into it, at this moment, and then a look
 * without a lock finds half of it written. What looks damaged is looked at again for so long (ms).
 */
const UNDERWAY_MS = 1000;
const UNDERWAY_PAUSE_MS = 5;

/** @throws DelayerError when the file is another application's; what SQLite throws when it is damaged */
async function assertNotForeign(file: string): Promise<void> {
  const deadline = monotonicMs() + UNDERWAY_MS;
  for (;;) {
    // The log is looked for first: delayer has one only after the file itself says whose it is.
    const hasLog = (statSync(besideFile(file, 'wal'), { throwIfNoEntry: false })?.size ?? 0) > 0;
    try {
      if (peek(file) === 0 && hasLog)
        throw statSync(file).size === 0
          ? strayLogError(file)
          : foreignFileError(file, 'the database belongs to another application');
      return;
    } catch (error) {
      if (error instanceof DelayerError || monotonicMs() > deadline) throw error;
      await sleep(UNDERWAY_PAUSE_MS);
    }
  }
}

/**
 * The version of the store that is in the file itself; 0 when there is nothing in it. Its log is not looked at,
 * and no lock is taken: to open it in earnest would bring the log of another application's database into it.
 *
 * SQLite has to do it. A handle of our own would, when it is closed, end the locks that any connection of this
 * process has on the file (POSIX has it so), in other threads too; SQLite knows of them and waits with closing.
 */
function peek(file: string): number {
  const database = newLenientDatabase();
  try {
    attach(database, file, 'immutable');
    return readVersion((sql) => database.prepare(sql).get(), file);
  } finally {
    closeDatabase(database);
  }
}

/**
 * Sets the connection up and migrates the file. The tables come before the log is switched on, so that the
 * header of the file itself says whose it is.
 */
async function settle(connection: Connection, file: string): Promise<void> {
  connection.exec(TEMPORARIES);
  await connection.attach();
  await connection.read(() => {
    migrate(connection, file);
    const { journal_mode: mode } = connection.get(`PRAGMA ${STORE}.journal_mode = WAL`) as {
      journal_mode: string;
    };
    if (mode !== 'wal') throw foreignFileError(file, `its journal cannot be a WAL here (${mode})`);
    connection.exec(SETTINGS);
  });
  connection.versions.expect(SCHEMA_VERSION);
}

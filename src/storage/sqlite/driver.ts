import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/** Values that the binding takes and returns: bytes as a Uint8Array, integers as a number. */
export type Value = null | number | string | Uint8Array;

export interface Statement {
  run(...values: Value[]): { readonly changes: number | bigint };
  get(...values: Value[]): unknown;
  all(...values: Value[]): unknown[];
  /** Rows are returned as arrays from now on. Node 22.13 does not have it. */
  setReturnArrays?(isOn: boolean): void;
}

export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

interface Binding {
  readonly DatabaseSync: new (path: string, options?: OpenDatabaseOptions) => Database;
}

interface OpenDatabaseOptions {
  readonly readOnly?: boolean;
  /** False allows `writable_schema`. */
  readonly defensive?: boolean;
}

/** The first version of Node whose `node:sqlite` needs no flag. */
const MIN_NODE = [22, 13, 0] as const;
/**
 * Older versions of SQLite can corrupt a file when its log restarts while another process checkpoints it.
 */
const MIN_SQLITE = [3, 51, 3] as const;

let binding: Binding | undefined;

/**
 * The name under which a store's file is attached to a database in memory. Statements about a file put it before the
 * name of a pragma or of a new table.
 *
 * With a connection of its own, the file would stay open after closing: `@photostructure/sqlite` ends a statement
 * only when it is garbage-collected, and SQLite waits for that. An attached file is closed at once.
 */
export const STORE = 'store';

/**
 * A database without a file; `attach` is called next.
 * @throws what the binding throws
 */
export function newDatabase(): Database {
  return openDatabase(':memory:');
}

/**
 * The same, for `attach` with `immutable`. It reads a file whose header counts more pages than the file has, as one is
 * left when its process was killed, or its disk was full, while the log was brought into it: first the header is
 * written, and the last page at the end. To SQLite such a file is damaged as long as it does not look at the log,
 * unless the schema may be written (lockBtree in its btree.c). Nothing writes here.
 */
export function newLenientDatabase(): Database {
  const database = openDatabase(':memory:', { defensive: false });
  database.exec('PRAGMA writable_schema = ON');
  return database;
}

/** @param mode `immutable`: for reading without locks, and without what is in the file's log */
export function attach(database: Database, file: string, mode: 'rw' | 'immutable'): void {
  const url = `${pathToFileURL(file).href}?${mode === 'rw' ? 'mode=rw' : 'mode=ro&immutable=1'}`;
  database.exec(`ATTACH '${url.replaceAll("'", "''")}' AS ${STORE}`);
}

/** Detaches and closes the file. */
export function closeDatabase(database: Database): void {
  try {
    database.exec(`DETACH ${STORE}`);
  } catch {
    // It could not be attached.
  }
  database.close();
}

/** Opens a file that is there, or makes it. Throws what the binding throws. */
export function openDatabase(path: string, options: OpenDatabaseOptions = {}): Database {
  binding ??= loadBinding(process.versions);
  return new binding.DatabaseSync(path, options);
}

/** Is the SQLite inside of Node recent enough? Older versions of Node do not say which one they have. */
export function hasGoodSqlite(versions: { readonly node: string; readonly sqlite?: string }): boolean {
  return isAtLeast(versions.node, MIN_NODE) && isAtLeast(versions.sqlite ?? '0', MIN_SQLITE);
}

/**
 * Loads only the binding that is used. `import()` would take 5 ms longer in a process that pushes one job.
 */
function loadBinding(versions: { readonly node: string; readonly sqlite?: string }): Binding {
  if (hasGoodSqlite(versions)) return quietly(() => process.getBuiltinModule('node:sqlite') as Binding);
  return createRequire(import.meta.url)('@photostructure/sqlite') as Binding;
}

/** Suppresses Node's warning that its SQLite is experimental, which users of a queue cannot act on. */
function quietly<T>(load: () => T): T {
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = () => undefined;
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}

function isAtLeast(version: string, wanted: readonly number[]): boolean {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10));
  for (const [i, least] of wanted.entries()) {
    const part = parts[i] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}

import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Description } from '../../../core/faults.js';
import type { Connection } from '../connection.js';
import { STORE } from '../driver.js';
import type { StoreFile } from '../store-file.js';
import { logBytes } from './file.js';

const PRAGMAS = [
  ...[
    'application_id',
    'user_version',
    'journal_mode',
    'synchronous',
    'page_size',
    'page_count',
    'freelist_count',
  ],
  ...['max_page_count', 'auto_vacuum', 'encoding', 'cache_size', 'journal_size_limit'],
];
const TABLES = ['job', 'lease', 'waiting', 'dead', 'extras', 'pause', 'lock', 'imported', 'refused_line'];

/** The file, its settings, its schema and how much is in it. */
export async function describe(connection: Connection, file: StoreFile): Promise<Description> {
  const { path, freeBytes } = file;
  return connection.read(() => {
    const first = (sql: string): unknown => Object.values(connection.get(sql) ?? {})[0];
    const schema = connection.all(`SELECT type, name, sql FROM ${STORE}.sqlite_schema ORDER BY type, name`);
    return {
      kind: 'sqlite',
      sqlite: first('SELECT sqlite_version()'),
      pragmas: Object.fromEntries(PRAGMAS.map((name) => [name, first(`PRAGMA ${STORE}.${name}`)])),
      schema,
      rows: Object.fromEntries(TABLES.map((table) => [table, first(`SELECT count(*) FROM ${table}`)])),
      states: connection.all('SELECT state, count(*) AS jobs FROM job GROUP BY state'),
      clock: connection.get('SELECT * FROM clock') ?? null,
      bytes: { file: statSync(path).size, log: logBytes(path), free: free(dirname(path), freeBytes) },
      modes: { file: mode(path), folder: mode(dirname(path)) },
    };
  });
}

const mode = (path: string): string => (statSync(path).mode & 0o7777).toString(8);

function free(folder: string, freeBytes: (folder: string) => number): number | null {
  try {
    return freeBytes(folder);
  } catch {
    return null;
  }
}

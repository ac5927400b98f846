import type { Fault } from '../../../core/faults.js';
import type { Connection } from '../connection.js';
import { closeDatabase, newDatabase, STORE } from '../driver.js';
import { MIGRATIONS } from '../migrations.generated.js';

/** Compares the tables and indexes of a file with those that the migrations make. */

interface Part {
  readonly type: string;
  readonly name: string;
  readonly sql: string | null;
}

const PARTS = (schema: string) =>
  `SELECT type, name, sql FROM ${schema}.sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`;

/** Do two statements make the same? SQLite adds quotes to names when it renames. */
const plain = ({ sql }: Part): string =>
  (sql ?? '')
    .replaceAll(/--[^\n]*/g, ' ')
    .replaceAll(/["`]/g, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ?([(),]) ?/g, '$1')
    .trim();

let expected: ReadonlyMap<string, Part> | undefined;

/** The tables and indexes of a file of this version, by name. */
function expectedParts(): ReadonlyMap<string, Part> {
  if (expected) return expected;
  const database = newDatabase();
  try {
    for (const { sql } of MIGRATIONS) database.exec(sql);
    const parts = database.prepare(PARTS('main')).all() as Part[];
    return (expected = new Map(parts.map((part) => [part.name, part])));
  } finally {
    closeDatabase(database);
  }
}

export function schemaFaults(connection: Connection): Fault[] {
  const found = new Map((connection.all(PARTS(STORE)) as Part[]).map((part) => [part.name, part]));
  const faults: Fault[] = [];
  for (const [name, part] of expectedParts()) {
    const there = found.get(name);
    const row = { table: part.type, key: name };
    if (!there && part.type === 'index') faults.push({ kind: 'index_missing', row, found: name });
    else if (!there || plain(there) !== plain(part)) faults.push({ kind: 'table_changed', row, found: name });
  }
  for (const [name, { type }] of found)
    if (!expectedParts().has(name))
      faults.push({ kind: 'schema_foreign', row: { table: type, key: name }, found: `${type} ${name}` });
  return faults;
}

/**
 * Within a transaction: makes an index that is missing. @returns false where it is there, or is none of ours
 */
export function makeIndex(connection: Connection, name: string): boolean {
  const part = expectedParts().get(name);
  const { there } = connection.get(
    `SELECT count(*) AS there FROM ${STORE}.sqlite_schema WHERE name = ?`,
    name,
  ) as { there: number };
  if (part?.type !== 'index' || part.sql === null || there > 0) return false;
  connection.exec(part.sql.replace(/^CREATE (UNIQUE )?INDEX /i, `$&${STORE}.`));
  return true;
}

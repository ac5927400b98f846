import { openDatabase } from '../src/storage/sqlite/driver.js';
import { bodyOf } from './support.js';

/** The simplest queue on the same binding: a table, an index, and every commit synced to the disk. */
export class BareSqlite {
  private readonly database;
  private readonly insert;
  private readonly popFirst;

  constructor(file: string) {
    this.database = openDatabase(file);
    this.database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      CREATE TABLE job (seq INTEGER PRIMARY KEY, id TEXT, topic TEXT, due_at INTEGER, body TEXT);
      CREATE INDEX line ON job (topic, due_at);`);
    this.insert = this.database.prepare('INSERT INTO job (id, topic, due_at, body) VALUES (?, ?, ?, ?)');
    this.popFirst = this.database.prepare(`
      DELETE FROM job WHERE seq IN (
        SELECT seq FROM job WHERE topic = ? AND due_at <= ? ORDER BY due_at, seq LIMIT ?
      ) RETURNING *`);
  }

  push(n: number, dueAt: number): void {
    this.insert.run(`job-${n}`, 'orders', dueAt, bodyOf(n));
  }

  /** Pushes jobs `first` to `first + count - 1` in one transaction. */
  pushMany(first: number, count: number, dueAt: number): void {
    this.database.exec('BEGIN IMMEDIATE');
    for (let n = first; n < first + count; n += 1) this.push(n, dueAt);
    this.database.exec('COMMIT');
  }

  /** Pops the jobs that are due first. @returns the number of jobs */
  pop(limit: number): number {
    return this.popFirst.all('orders', Date.now(), limit).length;
  }

  close(): void {
    this.database.close();
  }
}

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NewJob } from '../../../src/core/new-job.js';
import { Queue } from '../../../src/core/queue.js';
import { openDatabase } from '../../../src/storage/sqlite/driver.js';
import type { OpenOptions } from '../../../src/storage/sqlite/open.js';
import { SqliteStore } from '../../../src/storage/sqlite/store.js';

export interface Folder {
  path(name?: string): string;
  /** Opens a store, and creates an absent one; it is closed after the test. */
  open(name?: string, options?: OpenOptions): Promise<SqliteStore>;
  openQueue(name?: string, options?: OpenOptions): Promise<Queue>;
}

/** A fresh folder for each test, which is removed after it. */
export function useFolder(): Folder {
  let dir = '';
  let stores: SqliteStore[] = [];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'delayer-test-'));
    chmodSync(dir, 0o755);
    stores = [];
  });
  afterEach(async () => {
    for (const store of stores) await store.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const path = (name = 'queue.db') => join(dir, name);
  const open = async (name?: string, options?: OpenOptions) => {
    const store = await SqliteStore.open(path(name), options);
    stores.push(store);
    await createFile(store);
    return store;
  };
  return { path, open, openQueue: async (name, options) => new Queue(await open(name, options)) };
}

/** Creates the file by a pause that ends at once, because opening alone creates nothing. */
export async function createFile(store: SqliteStore): Promise<void> {
  const topics = [Buffer.from('created')];
  await store.pause({ topics });
  await store.resume({ topics });
}

/** Runs integrity_check; returns `ok`, or what is wrong. */
export function integrityOf(path: string): string {
  const database = openDatabase(path);
  try {
    const rows = database.prepare('PRAGMA integrity_check').all() as { integrity_check: string }[];
    return rows.map((row) => row.integrity_check).join('\n');
  } finally {
    database.close();
  }
}

/** Runs SQL on a database file, which it creates if absent. */
export function makeDatabase(path: string, sql: string): void {
  const database = openDatabase(path);
  database.exec(sql);
  database.close();
}

export function newJob(id: string, topic = 'topic', body = 'body', ttlMs = 60_000): NewJob {
  return {
    id: Buffer.from(id),
    topic: Buffer.from(topic),
    body: Buffer.from(body),
    due: { delayMs: 0 },
    ttlMs,
  };
}

/** Ids `0`, `1`, … in order. */
export function ids(count: number, stem = ''): string[] {
  return Array.from({ length: count }, (_, i) => `${stem}${i}`);
}

import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteStore } from '../../src/storage/sqlite/store.js';
import { MovableClock } from '../support/clock.js';
import { freshPrefix } from '../support/redis.js';
import { createFile } from '../storage/sqlite/files.js';
import { describeStore } from './store-contract.js';

describe('contract', () => {
  let dir = '';
  /** A store without jobs, which each test copies, because creating one syncs the disk several times. */
  const empty = () => join(dir, 'empty.db');

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'delayer-sqlite-'));
    const store = await SqliteStore.open(empty());
    await createFile(store);
    await store.close();
  });
  after(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  describeStore('the SQLite store', async () => {
    const path = join(mkdtempSync(join(dir, 'test-')), 'queue.db');
    copyFileSync(empty(), path);
    const clock = new MovableClock();
    const now = () => clock.now();
    const store = await SqliteStore.open(path, { now });
    const peerStore = await SqliteStore.open(path, { now });
    return {
      store,
      peerStore,
      clock,
      name: (stem = 'name') => `${stem}-${freshPrefix()}`,
      close: async () => {
        await Promise.all([store.close(), peerStore.close()]);
      },
    };
  });
});

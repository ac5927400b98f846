import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteStore } from '../../src/storage/sqlite/store.js';
import { MovableClock } from '../support/clock.js';
import { freshPrefix } from '../support/redis.js';
import { describeStore } from './store-contract.js';

describe('contract', () => {
  describeStore('the SQLite store', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'delayer-sqlite-'));
    const path = join(dir, 'queue.db');
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
        rmSync(dir, { recursive: true, force: true });
      },
    };
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteStore } from '../../src/storage/sqlite/store.js';
import { freshPrefix } from '../support/redis.js';
import { describeStore } from './store-contract.js';

describe('contract', () => {
  describeStore('the SQLite store', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'delayer-sqlite-'));
    const path = join(dir, 'queue.db');
    const a = await SqliteStore.open(path);
    const b = await SqliteStore.open(path);
    return {
      a,
      b,
      name: (stem = 'name') => `${stem}-${freshPrefix()}`,
      close: async () => {
        await Promise.all([a.close(), b.close()]);
        rmSync(dir, { recursive: true, force: true });
      },
    };
  });
});

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { openQueue } from '../../src/storage/open.js';
import { batches, makeJobs, withFolder, type Workload } from '../support.js';

const BATCH = 500;
/** Jobs that stay in the store all the time. */
const STANDING = 10_000;
const MIB = 1024 * 1024;

export const sqliteGrowth: Workload = {
  name: 'sqlite-growth',
  about: `size of the SQLite file and its log while 1,000,000 jobs are pushed and popped and ${STANDING} stay in it`,
  run: (bench) =>
    withFolder(async (folder) => {
      const file = join(folder, 'queue.db');
      const queue = await openQueue(`sqlite:${file}`);
      const size = () =>
        [file, `${file}-wal`].reduce((sum, path) => sum + (existsSync(path) ? statSync(path).size : 0), 0) /
        MIB;
      const count = bench.small ? 50_000 : 1_000_000;
      for (const batch of batches(makeJobs(STANDING, 'standing', 'orders', 0), BATCH))
        await queue.pushMany(batch);
      let early = 0;
      let largest = 0;
      for (let pushed = 0; pushed < count; pushed += BATCH) {
        await queue.pushMany(makeJobs(BATCH, `job-${pushed}`, 'orders', 0));
        let missing = BATCH;
        while (missing > 0) missing -= (await queue.popMany('orders', missing)).length;
        if (pushed % 10_000 !== 0) continue;
        bench.progress(`${pushed} of ${count}: ${size().toFixed(1)} MiB`);
        largest = Math.max(largest, size());
        if (pushed <= count / 10) early = largest;
      }
      await queue.close();
      return [
        {
          what: `largest over ${count} jobs`,
          value: largest,
          unit: 'MiB',
          beside: { what: 'over the first tenth', value: early },
          ratio: largest / early,
          goal: { atMost: 1.1 },
        },
      ];
    }),
};

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openQueue } from '../../src/library.js';
import { load } from '../redis.js';
import {
  inTurns,
  paired,
  peer,
  perSecond,
  runTimed,
  timed,
  withFolder,
  withRedis,
  type Workload,
} from '../support.js';

const CONCURRENCY = 50;

export const bullmq: Workload = {
  name: 'bullmq',
  about: '`queue.work` with an async function, compared with a Worker of BullMQ on the same redis-server',
  run: (bench) =>
    withFolder((folder) =>
      withRedis(async (server) => {
        const redis = server.client();
        const count = bench.small ? 500 : 20_000;
        const ours = async () => {
          await load(redis, { count, stem: 'job' });
          const queue = await openQueue(server.url);
          try {
            let done = 0;
            const handler = () => Promise.resolve(void (done += 1));
            const ms = await timed(() =>
              queue.work('orders', handler, { concurrency: CONCURRENCY, max: count }),
            );
            if (done !== count) throw new Error(`${done} of ${count} jobs were done`);
            return perSecond(count, ms);
          } finally {
            await queue.close();
          }
        };
        const theirs = async () => {
          const printed = join(folder, 'ms');
          await runTimed(peer('bullmq-worker', server.socket, `${count}`, `${CONCURRENCY}`), printed);
          return perSecond(count, Number(readFileSync(printed, 'utf8')));
        };
        const what = `${count} jobs, ${CONCURRENCY} at once`;
        const turns = await inTurns(bench, what, ours, theirs);
        return [paired(what, 'jobs/s', turns, 'BullMQ', { atLeast: 3 })];
      }),
    ),
};

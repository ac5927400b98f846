import { statSync } from 'node:fs';
import { join } from 'node:path';
import { load } from '../redis.js';
import {
  delayer,
  inTurns,
  paired,
  peer,
  perSecond,
  runTimed,
  withFolder,
  withRedis,
  type Workload,
} from '../support.js';

export const drain: Workload = {
  name: 'drain',
  about:
    '`drain` to an NDJSON file as a whole process, compared with one that pops in a bare Lua loop and prints nothing',
  run: (bench) =>
    withFolder((folder) =>
      withRedis(async (server) => {
        const count = bench.small ? 2000 : 100_000;
        const redis = server.client();
        const out = join(folder, 'jobs.ndjson');
        const rate = async (command: string[]) => {
          await load(redis, { count, stem: 'job' });
          const ms = await runTimed(command, out);
          if ((await redis.exists('delayer:ready_queue:orders')) > 0) throw new Error('jobs were left');
          return perSecond(count, ms);
        };
        const turns = await inTurns(
          bench,
          'drain',
          async () => {
            const jobs = await rate(delayer('drain', 'orders', '--store', server.url));
            if (statSync(out).size < count * 100) throw new Error('drain printed too little');
            return jobs;
          },
          () => rate(peer('bare-pop', server.socket, 'orders')),
        );
        return [
          paired(`drain of ${count}`, 'jobs/s', turns, 'bare Lua pop loop', { atLeast: 0.5, now: 0.3 }),
        ];
      }),
    ),
};

import { join } from 'node:path';
import {
  delayer,
  inTurns,
  paired,
  peer,
  perSecond,
  runTimed,
  withFolder,
  withRedis,
  writeNdjson,
  type Workload,
} from '../support.js';

export const pushBatch: Workload = {
  name: 'push-batch',
  about:
    '`push --batch` of NDJSON as a whole process, compared with one that pipelines HSET, EXPIRE and ZADD and reads nothing',
  run: (bench) =>
    withFolder((folder) =>
      withRedis(async (server) => {
        const count = bench.small ? 2000 : 100_000;
        const file = join(folder, 'jobs.ndjson');
        await writeNdjson(file, count, 'job', () => 3600);
        const redis = server.client();
        const rate = async (command: string[]) => {
          const ms = await runTimed(command, join(folder, 'out'));
          const pushed = await redis.zcard('delayer:job_pool');
          if (pushed !== count) throw new Error(`${pushed} of ${count} jobs arrived`);
          await redis.flushall();
          return perSecond(count, ms);
        };
        const turns = await inTurns(
          bench,
          'push --batch',
          () => rate(delayer('push', '--batch', file, '--store', server.url)),
          () => rate(peer('bare-push', server.socket, String(count), 'job')),
        );
        return [
          paired(`push --batch of ${count}`, 'jobs/s', turns, 'bare pipeline', { atLeast: 2, now: 1.5 }),
        ];
      }),
    ),
};

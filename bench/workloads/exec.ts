import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from '../redis.js';
import {
  delayer,
  inTurns,
  paired,
  peer,
  runTimed,
  withFolder,
  withRedis,
  type Figure,
  type Workload,
} from '../support.js';

/** Handlers at once, on each side: one for each processor of the machine of the published figures. */
const JOBS = 2;
const BATCH = 100;

export const exec: Workload = {
  name: 'exec',
  about:
    '`drain` that runs a program for each job, as a whole process, compared with xargs and a bare spawn loop',
  run: (bench) =>
    withFolder((folder) =>
      withRedis(async (server) => {
        const redis = server.client();
        const ids = join(folder, 'ids');
        const perJob = async (count: number, command: readonly string[], stdin?: string) => {
          return (
            (await runTimed(
              stdin === undefined ? command : ['sh', '-c', `"$@" < '${stdin}'`, 'sh', ...command],
            )) / count
          );
        };
        const drained = async (count: number, ...handler: string[]) => {
          await load(redis, { count, stem: 'job' });
          const ms = await perJob(count, delayer('drain', 'orders', '--store', server.url, ...handler));
          if ((await redis.exists('delayer:ready_queue:orders')) > 0) throw new Error('jobs were left');
          return ms;
        };
        const jobs = ['--jobs', String(JOBS)];
        const figures: Figure[] = [];
        const measure = async (
          what: string,
          beside: string,
          ours: () => Promise<number>,
          theirs: () => Promise<number>,
        ) => {
          const turns = await inTurns(bench, what, ours, theirs);
          figures.push(paired(what, 'ms a job', turns, beside, { atMost: 1.2 }));
        };
        const some = bench.small ? 50 : 2000;
        await measure(
          `true for each of ${some}`,
          'bare spawn loop',
          () => drained(some, ...jobs, '--', 'true'),
          () => perJob(some, peer('bare-spawn', String(some), String(JOBS), 'true')),
        );
        const few = bench.small ? 20 : 500;
        writeFileSync(ids, Array.from({ length: few }, (_, n) => `job-${n}\n`).join(''));
        const xargs = ['xargs', '-n', '1', '-P', String(JOBS), 'php', '-r', '0;'];
        await measure(
          `php -r '0;' for each of ${few}`,
          'xargs',
          () => drained(few, ...jobs, '--', 'php', '-r', '0;'),
          () => perJob(few, xargs, ids),
        );
        const batch = [
          ...jobs,
          '--batch-size',
          String(BATCH),
          '--',
          'php',
          '-r',
          'stream_get_contents(STDIN);',
        ];
        await measure(
          `${few} in batches of ${BATCH}`,
          'xargs, a process for each',
          () => drained(few, ...batch),
          () => perJob(few, xargs, ids),
        );
        return figures;
      }),
    ),
};

import type { Redis } from 'ioredis';
import type { RedisServer } from '../../test/support/redis-server.js';
import { load, longestCall, serverTime, topicOf, watchSlowCalls } from '../redis.js';
import {
  type Bench,
  delayer,
  type Figure,
  median,
  perSecond,
  runTimed,
  withFolder,
  withRedis,
  type Workload,
} from '../support.js';

const TOPICS = 10;
const TOPIC_NAMES = Array.from({ length: TOPICS }, (_, i) => topicOf(i));
const GOAL = 50_000;

/** Commands on all jobs, each begun with the same number of jobs. Those that remove jobs keep them in a file. */
const VERBS = [
  { args: ['promote', '--topic', '*', '--yes'], isDelayed: true },
  { args: ['reschedule', '--topic', '*', '--by', '+1h', '--yes'], isDelayed: true },
  { args: ['remove', '--topic', '*', '--yes'], isDelayed: true },
  { args: ['purge', '--state', 'ready', '--yes', ...TOPIC_NAMES], isDelayed: false },
] as const;

export const bulk: Workload = {
  name: 'bulk',
  about:
    'rate and longest Redis call of promote, reschedule, remove and purge of 1,000,000 jobs, as whole processes, removed jobs kept in a file',
  run: (bench) =>
    withFolder((folder) =>
      withRedis(async (server) => {
        const figures: Figure[] = [];
        for (const verb of VERBS) figures.push(...(await measure(bench, server, folder, verb)));
        return figures;
      }),
    ),
};

async function measure(
  bench: Bench,
  server: RedisServer,
  folder: string,
  { args, isDelayed }: (typeof VERBS)[number],
): Promise<Figure[]> {
  const redis = server.client();
  const count = bench.small ? 20_000 : 1_000_000;
  const [verb] = args;
  const [took, longest]: [number[], number[]] = [[], []];
  // At most three rounds, because loading takes longer than what is measured.
  for (let round = 0; round < Math.min(3, bench.rounds); round += 1) {
    bench.progress(`${verb}, round ${round + 1}`);
    await fill(redis, count, isDelayed);
    await watchSlowCalls(redis);
    took.push(
      await runTimed(['env', `XDG_STATE_HOME=${folder}`, ...delayer(...args, '--store', server.url)]),
    );
    longest.push(await longestCall(redis));
    await redis.flushall();
  }
  return [
    {
      ...{ what: `${verb} of ${count}`, value: perSecond(count, median(took)), unit: 'jobs/s' },
      goal: { atLeast: GOAL },
    },
    { what: `${verb}, longest call`, value: median(longest), unit: 'ms', goal: { atMost: 10 } },
  ];
}

async function fill(redis: Redis, count: number, isDelayed: boolean): Promise<void> {
  const later = (await serverTime(redis)) + 3600;
  const due = isDelayed ? { dueAt: (n: number) => later + n / 1000 } : {};
  await load(redis, { count, stem: 'job', topics: TOPICS, ...due });
}

import { load, serverTime, usedMemory, withQueue } from '../redis.js';
import { batches, makeJobs, withRedis, type Workload } from '../support.js';

const BATCH = 500;

export const memory: Workload = {
  name: 'memory',
  about: 'bytes in Redis per delayed job, compared with the layout of the original',
  async run(bench) {
    const count = bench.small ? 10_000 : 100_000;
    bench.progress('ours');
    const ours = await withRedis(async (server) => {
      const redis = server.client();
      const before = await usedMemory(redis);
      await withQueue(server, async (queue) => {
        for (const batch of batches(makeJobs(count, 'job'), BATCH)) await queue.pushMany(batch);
      });
      return ((await usedMemory(redis)) - before) / count;
    });
    bench.progress("the original's");
    const theirs = await withRedis(async (server) => {
      const redis = server.client();
      const before = await usedMemory(redis);
      const due = Math.floor(await serverTime(redis)) + 3600;
      await load(redis, { count, stem: 'job', dueAt: () => due });
      return ((await usedMemory(redis)) - before) / count;
    });
    return [
      {
        what: `${count} delayed`,
        value: ours,
        unit: 'bytes a job',
        beside: { what: "the original's layout", value: theirs },
        ratio: ours / theirs,
        goal: { atMost: 1.05 },
      },
    ];
  },
};

import { load, withQueue } from '../redis.js';
import { bodyOf, inTurns, paired, perSecond, timed, withRedis, type Workload } from '../support.js';

export const oneByOne: Workload = {
  name: 'one-by-one',
  about:
    'push and pop through the library, one job at a time, compared with the commands of the original clients',
  run: (bench) =>
    withRedis((server) =>
      withQueue(server, async (queue) => {
        const count = bench.small ? 500 : 10_000;
        const redis = server.client();
        const rate = async (work: (n: number) => Promise<unknown>) => {
          const ms = await timed(async () => {
            for (let n = 0; n < count; n += 1) await work(n);
          });
          await redis.flushall();
          return perSecond(count, ms);
        };
        const pushed = await inTurns(
          bench,
          'push',
          () =>
            rate((n) => queue.push({ id: `job-${n}`, topic: 'orders', body: bodyOf(n), delayMs: 3_600_000 })),
          () =>
            rate((n) =>
              redis
                .multi()
                .hset(`delayer:job_bucket:job-${n}`, 'topic', 'orders', 'body', bodyOf(n))
                .expire(`delayer:job_bucket:job-${n}`, 608_400)
                .zadd('delayer:job_pool', Date.now() / 1000 + 3600, `job-${n}`)
                .exec(),
            ),
        );
        const popped = await inTurns(
          bench,
          'pop',
          async () => {
            await load(redis, { count, stem: 'job' });
            return rate(async () => {
              if (!(await queue.pop('orders'))) throw new Error('a job is missing');
            });
          },
          async () => {
            await load(redis, { count, stem: 'job' });
            return rate(async () => {
              const bucket = `delayer:job_bucket:${String(await redis.rpop('delayer:ready_queue:orders'))}`;
              const job = await redis.hgetall(bucket);
              await redis.del(bucket);
              if (job.topic !== 'orders') throw new Error('a job is missing');
            });
          },
        );
        return [
          paired('push, one by one', 'jobs/s', pushed, 'MULTI HSET EXPIRE ZADD'),
          paired('pop, one by one', 'jobs/s', popped, 'RPOP, HGETALL, DEL'),
        ];
      }),
    ),
};

// bare-push SOCKET COUNT STEM: the three commands of the original's push for COUNT jobs, 1,000 to a pipeline, and
// nothing else: it reads no input and checks no answers.
import { Redis } from 'ioredis';

const [socket, count, stem] = process.argv.slice(2);
const PIPELINE = 1000;
const TTL = 3600 + 604_800;

const redis = new Redis({ path: socket, protocol: 2 });
const due = Date.now() / 1000 + 3600;
for (let first = 0; first < Number(count); first += PIPELINE) {
  const pipeline = redis.pipeline();
  for (let n = first; n < Math.min(Number(count), first + PIPELINE); n += 1) {
    const id = `${stem}-${n}`;
    const bucket = `delayer:job_bucket:${id}`;
    pipeline.hset(bucket, 'topic', 'orders', 'body', `{"orderID":${n},"shop":"north","amount":129900}`);
    pipeline.expire(bucket, TTL);
    pipeline.zadd('delayer:job_pool', due, id);
  }
  await pipeline.exec();
}
redis.disconnect();

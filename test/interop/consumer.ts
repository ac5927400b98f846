import { Queue } from '../../src/core/queue.js';
import { parseRedisUrl } from '../../src/storage/redis/url.js';
import { RedisStore } from '../../src/storage/redis/store.js';

/** A program for a test: pops a job, and kills itself before it acks the job. */
const [, , url = '', prefix = '', topic = ''] = process.argv;
const store = new RedisStore(parseRedisUrl(url), prefix);
store.ack = () => {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined);
};
await new Queue(store).pop(topic);
process.exitCode = 1; // There was nothing to pop.

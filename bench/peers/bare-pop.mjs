// bare-pop SOCKET TOPIC: pops all ready jobs of a topic by the original's three commands in a Lua loop, 500 a call, and
// nothing else: it does not print the jobs, and a job is lost when its answer is lost.
import { Redis } from 'ioredis';

const [socket, topic] = process.argv.slice(2);
const POP = `
local jobs = {}
for i = 1, 500 do
  local id = redis.call('RPOP', KEYS[1])
  if not id then break end
  local bucket = 'delayer:job_bucket:' .. id
  jobs[i] = { id, redis.call('HGETALL', bucket) }
  redis.call('DEL', bucket)
end
return jobs`;

const redis = new Redis({ path: socket, protocol: 2 });
const sha = await redis.script('LOAD', POP);
while ((await redis.evalsha(sha, 1, `delayer:ready_queue:${topic}`)).length > 0);
redis.disconnect();

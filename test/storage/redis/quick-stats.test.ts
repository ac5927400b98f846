import { expect } from 'chai';
import { Keys } from '../../../src/storage/redis/keys.js';
import { seeTopics } from '../../../src/storage/redis/scripts/look.js';
import { jobsOf, LONG_MS, maintainAll, must } from '../../support/jobs.js';
import { useRedis } from '../../support/redis.js';

const ADD = `
for i = 1, tonumber(ARGV[1]) do
  local id, topic = ARGV[2] .. i, ARGV[i % (#ARGV - 4) + 5]
  redis.call('HSET', KEYS[1] .. id, 'topic', topic, 'body', 'b')
  if ARGV[3] == '' then redis.call('LPUSH', KEYS[2] .. topic, id) else redis.call('ZADD', KEYS[3], ARGV[3] + i, id) end
end`;

/** More keys than quick stats scan one by one. */
const MANY_KEYS = 60_000;
const JOBS = 40_000;

describe('quick stats of many jobs of Redis', function () {
  this.timeout(60_000);
  const ground = useRedis({ movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;
  /** Adds jobs as another client does: delayer has not seen their topics. */
  const add = async (count: number, stem: string, score: number | '', topics: readonly string[]) => {
    const keys = [key('job_bucket:'), key('ready_queue:'), key('job_pool')];
    for (let first = 0; first < count; first += 5000)
      await ground.raw.eval(
        ADD,
        3,
        ...keys,
        Math.min(5000, count - first),
        `${stem}${first}-`,
        score,
        '',
        ...topics,
      );
  };
  const FAR = 9_000_000_000;
  const row = async (topic: string) =>
    must((await ground.queue().stats({ exact: false })).topics.find((one) => one.topic.toString() === topic));

  it('have exact totals, and counts of topics within their stated errors', async () => {
    await add(JOBS, 'a', FAR, ['rare', ...Array<string>(7).fill('often')]);
    const stats = await ground.queue().stats({ exact: false });
    expect(stats.totals).to.include({ delayed: JOBS, due: 0, ready: 0, leased: 0, dead: 0 });
    expect(stats.totals).to.not.have.property('expired');
    const middle = new Date((FAR + 4000) * 1000);
    const { beyond, topics } = await ground.queue().stats({ exact: false, beyond: middle });
    // It is not counted by topic. Scores go from FAR + 1 to FAR + 5000, eight times.
    expect([beyond, topics[0]?.beyond]).to.deep.equal([JOBS / 5, undefined]);
    const estimate = must(stats.estimate);
    expect(estimate.sampled).to.be.within(10_000, 10_500);
    expect(estimate.missingBelow).to.be.within(1, 20);
    expect(estimate.errors).to.deep.equal({});
    for (const [topic, jobs] of [
      ['rare', JOBS / 8],
      ['often', (JOBS * 7) / 8],
    ] as const) {
      const { delayed, errors } = await row(topic);
      const error = must(errors?.delayed);
      expect(error).to.be.within(1, JOBS / 50);
      // The error is of 95 % confidence; three times the error is exceeded once in a hundred million runs.
      expect(delayed).to.be.within(jobs - 3 * error, jobs + 3 * error);
    }
    expect((await ground.queue().stats()).topics.map(({ delayed }) => delayed)).to.deep.equal([35_000, 5000]);
  });

  it('count ready jobs and the oldest of them for each topic that delayer has seen', async () => {
    const queue = ground.queue();
    await add(JOBS, 'a', FAR, ['often']);
    await queue.pushMany(jobsOf('seen', 3));
    await maintainAll(queue);
    await add(MANY_KEYS - JOBS, 'b', '', ['foreign', 'unseen']);
    // As a daemon does when it finds the list.
    await seeTopics({ redis: ground.raw, keys: new Keys(ground.prefix) }, [Buffer.from('foreign')]);
    const { ready, oldestReadyAt, errors } = await row('seen');
    expect({ ready, errors }).to.deep.equal({ ready: 3, errors: undefined });
    expect(oldestReadyAt).to.be.instanceOf(Date);
    expect(await row('foreign')).to.deep.include({ ready: 10_000, oldestReadyAt: undefined });
    const { topics } = await queue.stats({ exact: false });
    expect(topics.map(({ topic }) => topic.toString())).to.deep.equal(['foreign', 'often', 'seen']);
    expect((await queue.stats()).topics.map((one) => one.ready)).to.deep.equal([10_000, 0, 3, 10_000]);
    expect(await ground.raw.ttl(key('topics'))).to.be.within(30 * 86_400, 60 * 86_400);
    await ground.raw.zadd(key('topics'), 1, 'old');
    await queue.announce('daemon');
    expect(await ground.raw.zrange(key('topics'), '0', '-1')).to.have.members(['seen', 'foreign']);
  });

  it('count leased and dead jobs exactly', async () => {
    const queue = ground.queue();
    await queue.pushMany(jobsOf('seen', 700));
    await queue.pushMany(jobsOf('other', 5));
    await maintainAll(queue);
    await queue.reserve({ topics: ['seen', 'other'], limit: 500, leaseMs: LONG_MS, holder: 'host:1' });
    const { jobs } = await queue.reserve({ topics: ['seen', 'other'], limit: 203, leaseMs: LONG_MS });
    await queue.nack(jobs.slice(0, 2), { dead: true });
    await add(JOBS, 'a', FAR, ['often']);
    const stats = await queue.stats({ exact: false });
    expect(stats.totals).to.deep.equal({ delayed: JOBS, due: 0, ready: 2, leased: 701, dead: 2 });
    expect(stats.consumers).to.deep.equal(['host:1']);
    expect(await row('seen')).to.include({ leased: 698, dead: 2 });
    expect(await row('other')).to.include({ leased: 3, ready: 2 });
  });

  it('count thousands of waiting jobs as delayed', async () => {
    const queue = ground.queue();
    const jobs = jobsOf('seen', 5500).map((job, i) => ({ ...job, id: `${i}` }));
    await queue.pushMany(jobs);
    await maintainAll(queue);
    for (let n = 0; n < jobs.length; n += 500)
      await queue.reserve({ topics: ['seen'], limit: 500, leaseMs: LONG_MS });
    await queue.pushMany(jobs.map((job) => ({ ...job, body: 'newer', delayMs: 3 * LONG_MS })));
    ground.clock.advance(2 * LONG_MS);
    await maintainAll(queue);
    const { totals } = await queue.stats({ exact: false });
    expect(totals).to.include({ delayed: 2 * jobs.length, leased: 0 });
  });

  it('are not disturbed by a key of a wrong type in place of the topics, which health reports', async () => {
    await ground.raw.set(key('topics'), 'text');
    const queue = ground.queue();
    await add(JOBS, 'a', FAR, ['often']);
    await queue.push({ topic: 'topic', body: 'b' });
    await maintainAll(queue);
    expect((await queue.stats({ exact: false })).totals).to.include({ delayed: JOBS });
    expect((await queue.health()).map(({ message }) => message).join()).to.include(key('topics'));
    expect((await queue.pop('topic'))?.body.toString()).to.equal('b');
  });
});

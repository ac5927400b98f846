import { expect } from 'chai';
import { drain, idsOf, maintainAll, MINUTE_MS, must, shuffled, soon, textOf } from '../support/jobs.js';
import { failureOf } from '../support/eventually.js';
import { useRedis } from '../support/redis.js';
import { OriginalClient } from './original.js';

describe('defects of the original that delayer does not have (docs/protocol.md), in promotion:', () => {
  const ground = useRedis({ movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;

  /** Pushes jobs as a client does, due hours ago; returns their ids in order of due time. */
  async function dueJobs(count: number): Promise<string[]> {
    const first = Math.floor(Date.now() / 1000) - 100_000;
    const ids = shuffled(Array.from({ length: count }, (_, i) => `job-${i}`));
    for (let start = 0; start < count; start += 1000) {
      const pipeline = ground.raw.pipeline();
      for (const [i, id] of ids.slice(start, start + 1000).entries()) {
        pipeline.hmset(key(`job_bucket:${id}`), 'topic', 'topic', 'body', id);
        pipeline.expire(key(`job_bucket:${id}`), 604_800);
        pipeline.zadd(key('job_pool'), first + start + i, id);
      }
      await pipeline.exec();
    }
    return ids;
  }

  const readyIds = async (topic = 'topic') =>
    (await ground.raw.lrange(key(`ready_queue:${topic}`), 0, -1)).reverse();

  it('defect 1: four daemons at once promote each of 5,000 due jobs once, in order of due time', async () => {
    const ids = await dueJobs(5000);
    await Promise.all([1, 2, 3, 4].map(() => maintainAll(ground.queue())));
    expect(await readyIds()).to.deep.equal(ids);
    expect(await ground.raw.zcard(key('job_pool'))).to.equal(0);
  });

  it('defect 2: 20,000 jobs due at once are all promoted, over one connection', async () => {
    const ids = await dueJobs(20_000);
    const store = ground.open();
    await maintainAll(store);
    expect(await ground.server.strangers()).to.equal(1);
    expect(await readyIds()).to.deep.equal(ids);
    expect(await ground.raw.zcard(key('job_pool'))).to.equal(0);
  });

  it('defect 3: an id whose body has expired is taken out of the pool when it is due', async () => {
    const store = ground.open();
    const before = Math.floor(Date.now() / 1000) - 1;
    await ground.raw.zadd(key('job_pool'), String(before), 'expired', String(before + 3600), 'later');
    expect(await store.maintain()).to.include({ promoted: 0, expired: 1, more: false });
    expect(await ground.raw.zrange(key('job_pool'), '0', '-1')).to.deep.equal(['later']);
    expect(await ground.raw.keys(key('ready_queue:*'))).to.be.empty;
  });

  it('defect 3: ids whose bodies have expired do not block the live ones behind them', async () => {
    const queue = ground.queue();
    const expired = Array.from({ length: 1700 }, (_, i) => [String(1000 + i), `expired-${i}`]).flat();
    await ground.raw.zadd(key('job_pool'), ...expired);
    await queue.push({ topic: 'topic', body: 'live' });
    expect(textOf(await queue.pop('topic'))).to.equal('live');
    await maintainAll(queue);
    expect(await ground.raw.zcard(key('job_pool'))).to.equal(0);
  });

  it('defect 4: a ready key of the wrong type blocks only its own topic, whose jobs stay in the pool', async () => {
    const queue = ground.queue();
    await ground.raw.set(key('ready_queue:bad'), 'a string');
    const jobs = ['bad', 'good', 'bad', 'good'].map((topic, i) => ({
      id: `${topic}-${i}`,
      topic,
      body: 'b',
    }));
    await queue.pushMany(jobs);
    expect(await queue.maintain()).to.include({ promoted: 2, stuck: 2 });
    expect(await readyIds('good')).to.deep.equal(['good-1', 'good-3']);
    expect(await ground.raw.zrange(key('job_pool'), '0', '-1')).to.deep.equal(['bad-0', 'bad-2']);
    expect(await ground.raw.get(key('ready_queue:bad'))).to.equal('a string');
    expect(await failureOf(queue.pop('bad'))).to.include({ code: 'store_wrong_type', exitCode: 69 });
    const problems = await queue.health();
    expect(problems.map(({ code, message }) => `${code} ${message}`).join()).to.contain(
      `wrong_type The key "${key('ready_queue:bad')}"`,
    );
    await ground.raw.del(key('ready_queue:bad'));
    expect(idsOf(await queue.popMany('bad', 9))).to.deep.equal(['bad-0', 'bad-2']);
  });

  it('defect 4: 1200 stuck jobs do not block the jobs behind them', async () => {
    const queue = ground.queue();
    await ground.raw.set(key('ready_queue:bad'), 'a string');
    await queue.pushMany(Array.from({ length: 1200 }, () => ({ topic: 'bad', body: 'b' })));
    await queue.push({ id: 'good', topic: 'good', body: 'b' });
    const done = await queue.maintain();
    expect(done).to.include({ promoted: 1, stuck: 1200, more: false });
    expect(await readyIds('good')).to.deep.equal(['good']);
    await queue.push({ topic: 'better', body: 'by pop' });
    expect(textOf(await queue.pop('better'))).to.equal('by pop');
    expect(await ground.raw.zcard(key('job_pool'))).to.equal(1200);
  });

  it('defect 4: a whole step of stuck jobs stays in the pool, in order, when all behind it are promoted', async () => {
    const queue = ground.queue();
    await ground.raw.set(key('ready_queue:bad'), 'a string');
    const stuck = await queue.pushMany(Array.from({ length: 500 }, () => ({ topic: 'bad', body: 'b' })));
    await queue.pushMany(['1', '2'].map((id) => ({ id, topic: 'good', body: 'b' })));
    expect(await queue.maintain()).to.include({ promoted: 2, stuck: 500, more: false });
    expect(await readyIds('good')).to.deep.equal(['1', '2']);
    expect(await ground.raw.zrange(key('job_pool'), '0', '-1')).to.deep.equal(idsOf(stuck));
  });

  it('defect 5: jobs with one due time are delivered in the order of pushing', async () => {
    const queue = ground.queue();
    const at = await soon(queue, MINUTE_MS);
    const ids = shuffled(Array.from({ length: 300 }, (_, i) => `${i}`));
    await queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: 'b', at })));
    ground.clock.advance(MINUTE_MS + 1);
    expect(idsOf(await drain(queue, 'topic'))).to.deep.equal(ids);
  });

  it('defect 5: 999 jobs due in one millisecond are delivered in the order of pushing, and any more last, by id', async () => {
    const queue = ground.queue();
    const at = await soon(queue, MINUTE_MS);
    const ids = shuffled(Array.from({ length: 1100 }, (_, i) => `${10_000 + i}`));
    const receipts = await queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: 'b', at })));
    expect(receipts.every(({ dueAt }) => dueAt?.getTime() === at.getTime())).to.be.true;
    ground.clock.advance(MINUTE_MS + 1);
    const got = idsOf(await drain(queue, 'topic'));
    expect(got.slice(0, 999)).to.deep.equal(ids.slice(0, 999));
    expect(got.slice(999)).to.deep.equal(ids.slice(999).sort());
  });

  it('defect 5: jobs due in different seconds are delivered in order of due time', async () => {
    const ids = await dueJobs(600);
    expect(idsOf(await drain(ground.queue(), 'topic'))).to.deep.equal(ids);
  });

  it('defect 8: a push of an existing id returns what it did, and a replaced job is not delivered early', async () => {
    const queue = ground.queue();
    const job = { id: '1', topic: 'topic', body: 'old' };
    expect((await queue.push(job)).outcome).to.equal('pushed');
    await maintainAll(queue);
    expect((await queue.push(job)).outcome).to.equal('repeated');
    const replaced = await queue.push({ ...job, body: 'new', delayMs: 150 }, { onExisting: 'replace' });
    expect(replaced.outcome).to.equal('replaced');
    expect(await queue.pop('topic')).to.be.undefined;
    expect(await queue.bpop('topic', { timeoutMs: 5000 })).to.deep.include({ body: Buffer.from('new') });
    expect((await queue.now()).getTime()).to.be.at.least(must(replaced.dueAt).getTime());
  });

  it('defect 8: a push of a ready id by an original client with a delay is not delivered early', async () => {
    const queue = ground.queue();
    const client = new OriginalClient(ground.raw, ground.prefix);
    await queue.push({ id: '1', topic: 'topic', body: 'old' });
    await maintainAll(queue);
    await client.push('1', 'topic', 'new', 3600);
    expect(await queue.popMany('topic', 10)).to.be.empty;
    expect(await queue.find('1')).to.have.nested.property('[0].state', 'delayed');
  });

  it('defect 14: a job is due to the millisecond by the clock of Redis, whatever the clock of the client', async () => {
    const queue = ground.queue();
    const own = Date.now;
    Date.now = () => own() - 3_600_000;
    try {
      const before = (await queue.now()).getTime();
      const { dueAt } = await queue.push({ topic: 'topic', body: 'b', delayMs: 123 });
      const after = (await queue.now()).getTime();
      expect(must(dueAt).getTime()).to.be.within(before + 123, after + 123);
      expect(await queue.pop('topic')).to.be.undefined;
      const job = must(await queue.bpop('topic', { timeoutMs: 5000 }));
      expect(job.dueAt).to.deep.equal(dueAt);
    } finally {
      Date.now = own;
    }
  });
});

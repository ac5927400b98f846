import { expect } from 'chai';
import type { JobRecord } from '../../src/core/job.js';
import { sleep } from '../../src/core/timer.js';
import { LONG_MS, maintainAll, must, SECOND_MS, textOf } from '../support/jobs.js';
import { Proxy } from '../support/proxy.js';
import { useRedis } from '../support/redis.js';
import { OriginalClient, OriginalDaemon } from './original.js';

describe('keys that other clients left behind in Redis:', () => {
  const ground = useRedis({ movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;
  const original = () => new OriginalClient(ground.raw, ground.prefix);
  const scriptsRun = async () =>
    Number(/cmdstat_evalsha:calls=(\d+)/.exec(await ground.raw.info('commandstats'))?.[1] ?? 0);
  const ids = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);

  it('a body whose consumer died is not a job: a push of its id is pushed and delivered', async () => {
    const queue = ground.queue();
    const job = { id: '32', topic: 'topic', body: 'b' };
    for (const body of ['b', 'other']) {
      await original().push(job.id, job.topic, 'b', 0);
      await new OriginalDaemon(ground.raw, ground.prefix).tick();
      expect((await ground.raw.rpop(key('ready_queue:topic')))?.toString()).to.equal('32'); // The consumer dies before the DEL.
      expect((await queue.push({ ...job, body })).outcome).to.equal('pushed');
      expect(textOf(await queue.pop('topic'))).to.equal(body);
    }
  });

  it('a job without a body has expired: a push of its id is pushed, whatever it should do with an existing job', async () => {
    const queue = ground.queue();
    for (const onExisting of ['refuse', 'keep', 'replace'] as const) {
      for (const isReady of [false, true]) {
        await ground.raw.hset(key('job_bucket:32'), 'topic', 'topic');
        if (isReady) await ground.raw.lpush(key('ready_queue:topic'), '32');
        else await ground.raw.zadd(key('job_pool'), 1, '32');
        const { outcome } = await queue.push({ id: '32', topic: 'topic', body: 'b' }, { onExisting });
        expect(outcome).to.equal('pushed');
        expect(textOf(await queue.pop('topic'))).to.equal('b');
        expect(await queue.pop('topic')).to.be.undefined;
      }
    }
  });

  it('a job with an empty body is found as it is, and delivered', async () => {
    const queue = ground.queue();
    await original().push('32', 'topic', '', 0);
    const [found] = await queue.find('32');
    expect([found?.state, found?.flaw, found?.body?.length]).to.deep.equal(['due', undefined, 0]);
    expect(textOf(await queue.pop('topic'))).to.equal('');
  });

  it('an expired job in a new ready list is found, even if the scan for lists before was slow', async () => {
    const proxy = await Proxy.to({ path: ground.server.socket });
    try {
      const queue = ground.queue(proxy.url);
      const slow = proxy.before(
        (request) => request.includes('SCAN'),
        () => sleep(500),
      );
      expect(await queue.find('32')).to.deep.equal([]);
      await slow;
      await original().push('32', 'topic', 'b', 0);
      await new OriginalDaemon(ground.raw, ground.prefix).tick();
      await original().remove('32');
      expect((await queue.list('topic')).jobs.map(({ state }) => state)).to.deep.equal(['expired']);
      expect((await queue.find('32')).map(({ state }) => state)).to.deep.equal(['expired']);
    } finally {
      await proxy.close();
    }
  });

  it('a push of a ready job returns repeated, although 300 jobs are ready', async () => {
    const queue = ground.queue();
    const job = { id: '32', topic: 'topic', body: 'b' };
    await queue.pushMany(ids(300).map((id) => ({ id: `x${id}`, topic: 'topic', body: 'b' })));
    await queue.push(job);
    await maintainAll(queue);
    expect((await queue.push({ ...job, delayMs: LONG_MS })).outcome).to.equal('repeated');
  });

  it('an id that is pushed to two topics in one batch is delivered early in neither', async () => {
    const queue = ground.queue();
    await original().push('1', 'second', 'old', 0);
    await new OriginalDaemon(ground.raw, ground.prefix).tick();
    await original().remove('1');
    const pushes = ['first', 'second'].map((topic) => ({ id: '1', topic, body: topic, delayMs: LONG_MS }));
    await queue.pushMany(pushes, { onExisting: 'replace' });
    expect(await original().pop('second')).to.be.undefined;
  });

  it('the entry of an expired ready job does not deliver the next job of its id early', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'old' });
    await maintainAll(queue);
    await ground.raw.del(key('job_bucket:1'));
    await queue.push({ id: '1', topic: 'topic', body: 'new', delayMs: LONG_MS });
    expect(await original().pop('topic')).to.be.undefined;
    expect(textOf((await queue.find('1'))[0])).to.equal('new');
  });

  it('two entries of a job that two original daemons promoted do not deliver its replacement early', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'old' });
    await maintainAll(queue);
    await ground.raw.lpush(key('ready_queue:topic'), '1');
    await queue.push({ id: '1', topic: 'topic', body: 'new', delayMs: LONG_MS }, { onExisting: 'replace' });
    expect(await original().pop('topic')).to.be.undefined;
  });

  it('an expired ready job is found as expired, and removed in any state', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    await maintainAll(queue);
    await ground.raw.del(key('job_bucket:1'));
    expect(must((await queue.find('1'))[0]).state).to.equal('expired');
    expect(await queue.removeMany(['1'])).to.deep.equal([{ removed: false, state: 'expired' }]);
    expect(await queue.removeMany(['1'], { states: 'any' })).to.deep.equal([
      { removed: true, state: 'expired' },
    ]);
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('views in the millisecond in which a job expires agree with those after it, although Redis still has its body', async () => {
    const queue = ground.queue();
    await original().push('1', 'first', 'old', 0, 1);
    await new OriginalDaemon(ground.raw, ground.prefix).tick();
    ground.clock.advance(2 * SECOND_MS);
    await queue.push({ id: '1', topic: 'second', body: 'new', ttlMs: SECOND_MS });
    ground.clock.stop();
    ground.clock.set(must(must((await queue.find('1'))[0]).expiresAt));
    // This clears its entry, but not the entry of the earlier job of its id in another list.
    await queue.pop('second');
    expect(await ground.raw.exists(key('job_bucket:1'))).to.equal(1);
    const told = ({ state, topic }: JobRecord) => `${state} in ${topic?.toString()}`;
    const views = async () => ({
      found: (await queue.find('1')).map(told),
      listed: (await queue.list(['first', 'second'])).jobs.map(told),
      counted: (await queue.stats()).totals.expired,
      faults: (await queue.findFlawed()).jobs,
    });
    const inThatMs = await views();
    ground.clock.advance(1);
    expect(inThatMs).to.deep.equal(await views());
    expect(inThatMs.found).to.deep.equal(['expired in first']);
    expect(inThatMs.listed).to.deep.equal(['expired in first']);
  });

  it('a pop behind 5000 expired entries takes fewer than 20 scripts', async () => {
    const queue = ground.queue();
    await queue.pushMany(ids(5000).map((id) => ({ id, topic: 'topic', body: 'b' })));
    await maintainAll(queue);
    await ground.raw.del(...ids(5000).map((id) => key(`job_bucket:${id}`)));
    await queue.push({ topic: 'topic', body: 'alive' });
    const before = await scriptsRun();
    expect(textOf(await queue.pop('topic'))).to.equal('alive');
    expect((await scriptsRun()) - before).to.be.below(20);
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('due times of jobs that original clients popped do not pile up', async () => {
    const queue = ground.queue();
    for (let round = 0; round < 6; round += 1) {
      await queue.pushMany(ids(2000).map((id) => ({ id: `${round}-${id}`, topic: 'topic', body: 'b' })));
      await maintainAll(queue);
      const popped = await ground.raw.rpop(key('ready_queue:topic'), 2000);
      await ground.raw.del(...must(popped ?? undefined).map((id) => key(`job_bucket:${id}`)));
    }
    expect(await ground.raw.hlen(key('ready_due'))).to.be.below(4000);
    const daemon = ground.queue();
    for (let step = 0; step < 100; step += 1) await daemon.maintain();
    expect(await ground.raw.hlen(key('ready_due'))).to.be.below(1000);
  });

  it('scores that are not a time affect neither views nor other jobs', async () => {
    const queue = ground.queue();
    const scores = ['inf', '-inf', '1e13', '1e17', '1e300', '-5', '8640000000001'];
    for (const score of scores) {
      await ground.raw.hset(key(`job_bucket:${score}`), { topic: 'topic', body: score });
      await ground.raw.zadd(key('job_pool'), score, score);
    }
    const [counts] = must((await queue.stats()).topics);
    expect(must(counts).delayed + must(counts).due).to.equal(scores.length);
    expect((await queue.list('topic', { limit: 50 })).jobs).to.have.length(scores.length);
    for (const score of scores) expect(await queue.find(score)).to.have.length(1);
    expect((await queue.push({ id: '1e13', topic: 'topic', body: '1e13' })).outcome).to.equal('repeated');
    expect([textOf(await queue.pop('topic')), textOf(await queue.pop('topic'))]).to.deep.equal([
      '-inf',
      '-5',
    ]);
    expect(await queue.pop('topic')).to.be.undefined;
  });

  it('after one look, 3000 stuck jobs cost other calls fewer than 5 scripts', async () => {
    const queue = ground.queue();
    await queue.pushMany(ids(3000).map((id) => ({ id, topic: 'stuck', body: 'b' })));
    await ground.raw.set(key('ready_queue:stuck'), 'a string');
    expect((await queue.maintain()).stuck).to.equal(3000);
    await queue.push({ topic: 'topic', body: 'b' });
    const before = await scriptsRun();
    expect(textOf(await queue.pop('topic'))).to.equal('b');
    expect((await queue.maintain()).stuck).to.equal(3000);
    expect((await scriptsRun()) - before).to.be.below(5);
  });

  it('a stuck job at the head of the pool does not suppress the wake-up of later pushes', async () => {
    const queue = ground.queue();
    await queue.push({ id: 'stuck', topic: 'stuck', body: 'b' });
    await ground.raw.set(key('ready_queue:stuck'), 'a string');
    const ear = ground.server.client();
    await ear.subscribe(key('wake'));
    const heard: string[] = [];
    ear.on('message', (_, due: string) => heard.push(due));
    const { dueAt } = await queue.push({ topic: 'topic', body: 'b', delayMs: LONG_MS });
    await queue.push({ topic: 'topic', body: 'b', delayMs: 2 * LONG_MS });
    const now = await queue.push({ topic: 'topic', body: 'b' });
    await ear.unsubscribe();
    expect(heard).to.deep.equal([dueAt, now.dueAt].map((at) => `${must(at).getTime()}`));
    ear.disconnect();
  });
});

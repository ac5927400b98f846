import { expect } from 'chai';
import { drain, idsOf, LONG_MS, must, promoteAll, textOf, untilPast } from '../../contract/world.js';
import { failureOf } from '../../support/eventually.js';
import { useRedis } from '../../support/redis.js';

describe('a Redis out of memory', () => {
  const ground = useRedis({ args: ['--maxmemory-policy', 'noeviction'] });
  const key = (rest: string) => `${ground.prefix}:${rest}`;

  const fill = () => ground.raw.config('SET', 'maxmemory', '1');
  afterEach(async () => {
    await ground.raw.config('SET', 'maxmemory', '0');
  });

  /** All that is in Redis under the prefix, to compare. */
  async function dump(): Promise<Record<string, Buffer>> {
    const keys = (await ground.raw.keys(key('*'))).sort();
    return Object.fromEntries(
      await Promise.all(
        keys.map(async (name) => [name, (await ground.raw.callBuffer('DUMP', name)) as Buffer]),
      ),
    ) as Record<string, Buffer>;
  }

  for (const onExisting of ['refuse', 'replace', 'keep'] as const) {
    it(`fails a push (${onExisting}) with store_full, and changes nothing`, async () => {
      const queue = ground.queue();
      await queue.push({ id: 'old', topic: 'topic', body: 'b', delayMs: LONG_MS });
      const before = await dump();
      await fill();
      const jobs = ['new', 'newer'].map((id) => ({ id, topic: 'topic', body: 'b' }));
      expect(await failureOf(queue.push({ topic: 'topic', body: 'b' }, onExisting))).to.include({
        code: 'store_full',
        exitCode: 69,
      });
      expect(await failureOf(queue.pushMany(jobs, onExisting))).to.include({ code: 'store_full' });
      expect(await dump()).to.deep.equal(before);
    });
  }

  it('lets due jobs be promoted, taken and confirmed until nothing is left', async () => {
    const queue = ground.queue();
    const pushed = await queue.pushMany(Array.from({ length: 1200 }, () => ({ topic: 'topic', body: 'b' })));
    await fill();
    await promoteAll(queue.store);
    expect(idsOf(await drain(queue, 'topic'))).to.deep.equal(idsOf(pushed));
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('lets jobs be taken that nobody promoted before', async () => {
    const queue = ground.queue();
    const pushed = await queue.pushMany(Array.from({ length: 3 }, () => ({ topic: 'topic', body: 'b' })));
    await fill();
    expect(idsOf(await drain(queue, 'topic'))).to.deep.equal(idsOf(pushed));
  });

  it('lets a waiting bpop get its job', async () => {
    const [queue, waiter] = [ground.queue(), ground.queue()];
    const { dueAt } = await queue.push({ topic: 'topic', body: 'b', delayMs: 100 });
    const waiting = waiter.bpop('topic', { timeoutMs: 5000 });
    await fill();
    expect(textOf(await waiting)).to.equal('b');
    expect((await queue.store.now()).getTime()).to.be.at.least(must(dueAt).getTime());
  });

  it('lets leased jobs be put back and taken again', async () => {
    const queue = ground.queue();
    await queue.pushMany([1, 2].map((i) => ({ topic: 'topic', body: `body ${i}` })));
    await fill();
    await queue.putBack((await queue.lease('topic', 2, LONG_MS)).jobs);
    expect((await drain(queue, 'topic')).map(textOf)).to.deep.equal(['body 1', 'body 2']);
  });

  it('lets some of the jobs of a request be confirmed, and the others put back', async () => {
    const queue = ground.queue();
    await queue.pushMany([1, 2, 3].map((i) => ({ topic: 'topic', body: `body ${i}` })));
    const { jobs } = await queue.lease('topic', 3, LONG_MS);
    await fill();
    expect(await queue.confirm(jobs.slice(0, 1))).to.deep.equal([true]);
    await queue.putBack(jobs.slice(1, 2));
    expect(await queue.confirm(jobs)).to.deep.equal([false, false, true]);
    expect((await drain(queue, 'topic')).map(textOf)).to.deep.equal(['body 2']);
  });

  it('lets jobs come back from leases that ran out', async () => {
    const queue = ground.queue();
    await queue.pushMany([1, 2].map((i) => ({ topic: 'topic', body: `body ${i}` })));
    await fill();
    const { jobs } = await queue.lease('topic', 2, 20);
    await untilPast(queue.store, must(jobs[1]).leaseUntil);
    expect((await drain(queue, 'topic')).map(textOf)).to.deep.equal(['body 1', 'body 2']);
  });

  it('lets jobs be taken while one that comes back has to wait for another of its id', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'leased' });
    const { jobs } = await queue.lease('topic', 1, 20);
    await queue.push({ id: '1', topic: 'topic', body: 'namesake', delayMs: LONG_MS });
    await queue.push({ id: '2', topic: 'topic', body: 'next' });
    await untilPast(queue.store, must(jobs[0]).leaseUntil);
    await fill();
    const got = await queue.popMany('topic', 10);
    expect(got.map(textOf)).to.include('next');
  });

  it('lets a lease be made longer, so that a slow worker does not lose its job', async () => {
    const queue = ground.queue();
    await queue.push({ topic: 'topic', body: 'b' });
    const { jobs } = await queue.lease('topic', 1, 60_000);
    await fill();
    const [until] = await queue.store.extend(jobs, LONG_MS);
    expect(must(until).getTime()).to.be.above(must(jobs[0]).leaseUntil.getTime());
  });

  it('lets a daemon announce itself, so that it goes on promoting', async () => {
    const store = ground.open();
    await fill();
    await store.announce('daemon');
    expect((await store.survey()).problems.map(({ code }) => code)).to.not.include('no_daemon');
    await store.retire('daemon');
  });

  it('lets jobs be removed, in any state', async () => {
    const queue = ground.queue();
    await queue.push({ id: 'leased', topic: 'topic', body: 'b' });
    await queue.lease('topic', 1, LONG_MS);
    await queue.push({ id: 'ready', topic: 'topic', body: 'b' });
    await promoteAll(queue.store);
    await queue.push({ id: 'delayed', topic: 'topic', body: 'b', delayMs: LONG_MS });
    await fill();
    expect(await queue.remove('delayed')).to.be.true;
    const results = await queue.removeMany(['leased', 'ready'], 'any');
    expect(results.map(({ removed }) => removed)).to.deep.equal([true, true]);
  });

  it('lets the queue be looked at', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b', delayMs: LONG_MS });
    await fill();
    expect((await queue.survey()).topics[0]).to.include({ delayed: 1 });
    expect(await queue.find('1')).to.have.length(1);
    expect((await queue.list('topic', { limit: 10 })).jobs).to.have.length(1);
  });

  it('takes jobs in again when there is room', async () => {
    const queue = ground.queue();
    await fill();
    await failureOf(queue.push({ topic: 'topic', body: 'b' }));
    await ground.raw.config('SET', 'maxmemory', '0');
    await queue.push({ topic: 'topic', body: 'b' });
    expect(textOf(await queue.pop('topic'))).to.equal('b');
  });
});

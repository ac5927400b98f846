import { expect } from 'chai';
import {
  areHeld,
  drain,
  idsOf,
  jobsOf,
  LONG_MS,
  maintainAll,
  must,
  only,
  reserve,
  RETRY_MS,
  SECOND_MS,
  statesOf,
  textOf,
} from '../../support/jobs.js';
import { failureOf } from '../../support/eventually.js';
import { useRedis } from '../../support/redis.js';

describe('a Redis that is out of memory', () => {
  const ground = useRedis({ args: ['--maxmemory-policy', 'noeviction'], movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;

  const fill = () => ground.raw.config('SET', 'maxmemory', '1');
  afterEach(async () => {
    await ground.raw.config('SET', 'maxmemory', '0');
  });

  /** Dumps all keys of the prefix, to compare. */
  async function dump(): Promise<Record<string, Buffer>> {
    const keys = (await ground.raw.keys(key('*'))).sort();
    return Object.fromEntries(
      await Promise.all(
        keys.map(async (name) => [name, (await ground.raw.callBuffer('DUMP', name)) as Buffer]),
      ),
    ) as Record<string, Buffer>;
  }

  for (const onExisting of ['refuse', 'replace', 'keep'] as const) {
    it(`refuses a push (${onExisting}) with store_full, and changes nothing`, async () => {
      const queue = ground.queue();
      await queue.push({ id: 'old', topic: 'topic', body: 'b', delayMs: LONG_MS });
      const before = await dump();
      await fill();
      const jobs = ['new', 'newer'].map((id) => ({ id, topic: 'topic', body: 'b' }));
      expect(await failureOf(queue.push({ topic: 'topic', body: 'b' }, { onExisting }))).to.include({
        code: 'store_full',
        exitCode: 69,
      });
      expect(await failureOf(queue.pushMany(jobs, { onExisting }))).to.include({ code: 'store_full' });
      expect(await dump()).to.deep.equal(before);
    });
  }

  it('is shown by stats as the used share of maxmemory', async () => {
    const queue = ground.queue();
    expect(await queue.stats()).to.have.property('usedPercent', undefined);
    await ground.raw.config('SET', 'maxmemory', `${1024 ** 4}`);
    expect((await queue.stats({ exact: false })).usedPercent).to.equal(0);
    await fill();
    expect((await queue.stats()).usedPercent).to.be.above(100);
  });

  it('refuses a requeue with store_full, and keeps the dead letter', async () => {
    const queue = ground.queue();
    const { id } = await queue.push({ topic: 'topic', body: 'b' });
    await queue.nack(await reserve(queue, 'topic'), { dead: true, reason: 'why' });
    const before = await dump();
    await fill();
    expect(await failureOf(queue.requeue([id]))).to.include({ code: 'store_full', exitCode: 69 });
    expect(await dump()).to.deep.equal(before);
  });

  it('refuses a pause with store_full, and allows a resume', async () => {
    const queue = ground.queue();
    await queue.push({ topic: 'paused', body: 'b' });
    await queue.pause('paused');
    await fill();
    expect(await failureOf(queue.pause('topic'))).to.include({ code: 'store_full', exitCode: 69 });
    expect(await queue.pop('paused')).to.be.undefined;
    await queue.resume('paused');
    expect(textOf(await queue.pop('paused'))).to.equal('b');
  });

  it('lets a pause end at its time', async () => {
    const queue = ground.queue();
    await queue.push({ topic: 'topic', body: 'b' });
    await queue.pause('topic', { forMs: SECOND_MS });
    await fill();
    ground.clock.advance(2 * SECOND_MS);
    expect(textOf(await queue.pop('topic'))).to.equal('b');
  });

  it('lets due jobs be promoted, popped and deleted until the store is empty', async () => {
    const queue = ground.queue();
    const pushed = await queue.pushMany(jobsOf('topic', 1200));
    await fill();
    await maintainAll(queue);
    expect(idsOf(await drain(queue, 'topic'))).to.deep.equal(idsOf(pushed));
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('lets due jobs be popped that were not promoted before', async () => {
    const queue = ground.queue();
    const pushed = await queue.pushMany(jobsOf('topic', 3));
    await fill();
    expect(idsOf(await drain(queue, 'topic'))).to.deep.equal(idsOf(pushed));
  });

  it('lets jobs of several topics be reserved together', async () => {
    const queue = ground.queue();
    await queue.pushMany([...jobsOf('b', 2), ...jobsOf('a', 2)]);
    await maintainAll(queue);
    await fill();
    const jobs = await reserve(queue, ['a', 'b'], 3);
    expect(jobs.map(({ topic }) => topic.toString())).to.deep.equal(['a', 'a', 'b']);
    expect(await queue.ack(jobs)).to.deep.equal([true, true, true]);
  });

  it('lets a waiting bpop get its job', async () => {
    const [queue, waiter] = [ground.queue(), ground.queue()];
    const { dueAt } = await queue.push({ topic: 'topic', body: 'b', delayMs: 100 });
    const waiting = waiter.bpop('topic', { timeoutMs: 5000 });
    await fill();
    expect(textOf(await waiting)).to.equal('b');
    expect((await queue.now()).getTime()).to.be.at.least(must(dueAt).getTime());
  });

  it('lets leased jobs be released and reserved again', async () => {
    const queue = ground.queue();
    await queue.pushMany(jobsOf('topic', 2));
    await fill();
    expect(await queue.release(await reserve(queue, 'topic', 2))).to.deep.equal([true, true]);
    expect((await drain(queue, 'topic')).map(textOf)).to.deep.equal(['body 0', 'body 1']);
  });

  it('lets some jobs of a reservation be acked and others released', async () => {
    const queue = ground.queue();
    await queue.pushMany(jobsOf('topic', 3));
    const jobs = await reserve(queue, 'topic', 3);
    await fill();
    expect(await queue.ack(jobs.slice(0, 1))).to.deep.equal([true]);
    expect(await queue.release(jobs.slice(1, 2))).to.deep.equal([true]);
    expect(await queue.ack(jobs)).to.deep.equal([false, false, true]);
    expect((await drain(queue, 'topic')).map(textOf)).to.deep.equal(['body 1']);
  });

  it('lets jobs be nacked with a delay, and retried at their time', async () => {
    const queue = ground.queue();
    await queue.pushMany(jobsOf('topic', 3));
    const jobs = await reserve(queue, 'topic', 3);
    await fill();
    expect(areHeld(await queue.nack(jobs.slice(0, 1), { delayMs: SECOND_MS }))).to.deep.equal([true]);
    expect(areHeld(await queue.nack(jobs.slice(1), { delayMs: SECOND_MS }))).to.deep.equal([true, true]);
    expect(await queue.pop('topic')).to.be.undefined;
    ground.clock.advance(2 * SECOND_MS);
    const again = await reserve(queue, 'topic', 3);
    expect(again.map(textOf)).to.deep.equal(['body 0', 'body 1', 'body 2']);
    expect(again.map(({ attempts }) => attempts)).to.deep.equal([2, 2, 2]);
  });

  it('lets jobs be nacked as dead with a reason, and deletes them at their time', async () => {
    const queue = ground.queue();
    await queue.pushMany(jobsOf('topic', 2).map((job, i) => ({ ...job, id: `${i}` })));
    const jobs = await reserve(queue, 'topic', 2);
    await fill();
    const failure = { dead: true, deadTtlMs: SECOND_MS, reason: 'why' };
    expect(areHeld(await queue.nack(jobs.slice(1), failure))).to.deep.equal([true]);
    expect(await queue.ack(jobs.slice(0, 1))).to.deep.equal([true]);
    expect(only(await queue.find('1'))).to.deep.include({
      state: 'dead',
      body: Buffer.from('body 1'),
      reason: 'why',
    });
    ground.clock.advance(2 * SECOND_MS);
    expect(await queue.maintain()).to.include({ deleted: 1 });
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('lets jobs come back when their leases end', async () => {
    const queue = ground.queue();
    await queue.pushMany(jobsOf('topic', 2));
    await fill();
    await reserve(queue, 'topic', 2, SECOND_MS);
    ground.clock.advance(2 * SECOND_MS);
    expect((await drain(queue, 'topic')).map(textOf)).to.deep.equal(['body 0', 'body 1']);
  });

  it('lets jobs be reserved while a job whose lease ended starts to wait for a duplicate', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'leased' });
    await reserve(queue, 'topic', 1, SECOND_MS);
    await queue.push({ id: '1', topic: 'topic', body: 'duplicate', delayMs: LONG_MS });
    await queue.push({ id: '2', topic: 'topic', body: 'next' });
    ground.clock.advance(2 * SECOND_MS);
    await fill();
    expect((await queue.popMany('topic', 10)).map(textOf)).to.deep.equal(['next']);
    expect(statesOf(await queue.find('1'))).to.deep.equal(['delayed', 'delayed']);
  });

  it('lets a job that waits for a duplicate come back when the duplicate is gone', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'first' });
    const jobs = await reserve(queue, 'topic');
    await queue.push({ id: '1', topic: 'topic', body: 'duplicate', delayMs: LONG_MS });
    await fill();
    expect(await queue.release(jobs)).to.deep.equal([true]);
    ground.clock.advance(LONG_MS + SECOND_MS);
    expect(textOf(await queue.pop('topic'))).to.equal('duplicate');
    ground.clock.advance(RETRY_MS);
    expect(textOf(await queue.pop('topic'))).to.equal('first');
  });

  for (const [what, count] of [
    ['the lease of a job', 1],
    ['one lease of several', 3],
  ] as const) {
    it(`lets ${what} be extended`, async () => {
      const queue = ground.queue();
      await queue.pushMany(jobsOf('topic', count));
      const jobs = await reserve(queue, 'topic', count, SECOND_MS);
      await fill();
      const [until] = await queue.extend(jobs.slice(0, 1), LONG_MS);
      expect(must(until).getTime()).to.be.above(must(jobs[0]).leaseUntil.getTime());
      ground.clock.advance(2 * SECOND_MS);
      expect(await queue.maintain()).to.include({ reclaimed: count - 1 });
      expect(await queue.ack(jobs)).to.deep.equal(jobs.map((_, i) => i === 0));
    });
  }

  it('lets a daemon announce itself', async () => {
    const queue = ground.queue();
    await fill();
    await queue.announce('daemon');
    expect((await queue.health()).map(({ code }) => code)).to.not.include('no_daemon');
    await queue.retire('daemon');
  });

  it('lets jobs be removed, in any state', async () => {
    const queue = ground.queue();
    await queue.push({ id: 'dead', topic: 'topic', body: 'b' });
    await queue.nack(await reserve(queue, 'topic'), { dead: true });
    await queue.pushMany(['leased', 'held'].map((id) => ({ id, topic: 'topic', body: 'b' })));
    const jobs = await reserve(queue, 'topic', 2);
    await queue.push({ id: 'ready', topic: 'topic', body: 'b' });
    await maintainAll(queue);
    await queue.push({ id: 'delayed', topic: 'topic', body: 'b', delayMs: LONG_MS });
    await fill();
    expect(await queue.remove('delayed')).to.be.true;
    const results = await queue.removeMany(['leased', 'ready', 'dead'], { states: 'any' });
    expect(results).to.deep.equal(
      (['leased', 'ready', 'dead'] as const).map((state) => ({ removed: true, state })),
    );
    expect(await queue.ack(jobs)).to.deep.equal([false, true]);
  });

  it('lets stats, find and list work', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b', delayMs: LONG_MS });
    await fill();
    expect(only((await queue.stats()).topics)).to.include({ delayed: 1 });
    expect((await queue.stats({ exact: false })).totals).to.include({ delayed: 1 });
    expect(await queue.find('1')).to.have.length(1);
    expect((await queue.list('topic', { limit: 10 })).jobs).to.have.length(1);
  });

  it('accepts pushes again when there is room', async () => {
    const queue = ground.queue();
    await fill();
    await failureOf(queue.push({ topic: 'topic', body: 'b' }));
    await ground.raw.config('SET', 'maxmemory', '0');
    await queue.push({ topic: 'topic', body: 'b' });
    expect(textOf(await queue.pop('topic'))).to.equal('b');
  });
});

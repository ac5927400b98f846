import { expect } from 'chai';
import { LONG_MS, must, promoteAll, textOf, untilPast } from '../../contract/world.js';
import { useRedis } from '../../support/redis.js';

/** A Redis that evicts takes keys away one by one; so does a user who cleans up. */
describe('a key that is gone from Redis', () => {
  const ground = useRedis();
  const key = (rest: string) => `${ground.prefix}:${rest}`;
  const job = { id: '1', topic: 'topic', body: 'b' };

  it('with what a request has taken ends the lease: nobody waits for it, and nothing is left', async () => {
    const queue = ground.queue();
    await queue.push(job);
    const { jobs } = await queue.lease('topic', 1, 20);
    for (const name of await ground.raw.keys(key('inflight:*'))) await ground.raw.del(name);
    await untilPast(queue.store, must(jobs[0]).leaseUntil);
    const { returned, nextInMs } = await queue.store.promote();
    expect({ returned, nextInMs }).to.deep.equal({ returned: 0, nextInMs: undefined });
    expect(await queue.confirm(jobs)).to.deep.equal([false]);
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('with the body of a delayed job keeps no namesake from coming back from its lease', async () => {
    const queue = ground.queue();
    await queue.push({ ...job, body: 'first' });
    const { jobs } = await queue.lease('topic', 1, LONG_MS);
    await queue.push({ ...job, body: 'second', delayMs: LONG_MS });
    await ground.raw.del(key('job_bucket:1'));
    await queue.putBack(jobs);
    expect(textOf(await queue.pop('topic'))).to.equal('first');
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('with the body alone makes the job one that is passed over', async () => {
    const queue = ground.queue();
    await queue.pushMany([job, { ...job, id: '2', body: 'next' }]);
    await promoteAll(queue.store);
    await ground.raw.hdel(key('job_bucket:1'), 'body');
    expect(textOf(await queue.pop('topic'))).to.equal('next');
  });

  it('goes with its job when that is removed in any state: none is left', async () => {
    const queue = ground.queue();
    await queue.push(job);
    await promoteAll(queue.store);
    await queue.push({ ...job, id: '2' });
    await queue.removeMany(['1', '2'], 'any');
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('of a daemon that is not seen any more is forgotten when another one announces itself', async () => {
    const store = ground.open();
    await ground.raw.zadd(key('daemons'), '1000', 'long ago');
    await store.announce('daemon');
    expect(await ground.raw.zrange(key('daemons'), '0', '-1')).to.deep.equal(['daemon']);
  });
});

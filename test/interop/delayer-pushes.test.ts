import { expect } from 'chai';
import { LONG_MS, must, promoteAll, soon, textOf, untilPast } from '../contract/world.js';
import { freshPrefix, useRedis } from '../support/redis.js';
import { Queue } from '../../src/core/queue.js';
import { parseRedisUrl } from '../../src/storage/redis/url.js';
import { RedisStore } from '../../src/storage/redis/store.js';
import { OriginalClient, OriginalDaemon } from './original.js';

const BINARY = Buffer.from([0, 255, 10, 13, 0x7b, 0x7d, 0xc3, 0x28]);

describe('what delayer pushed', () => {
  const ground = useRedis();
  const client = () => new OriginalClient(ground.raw, ground.prefix);
  const daemon = () => new OriginalDaemon(ground.raw, ground.prefix);
  const key = (rest: string) => `${ground.prefix}:${rest}`;

  it('lies in the original keys, of the original types, under the prefix delayer', async () => {
    const store = new RedisStore(parseRedisUrl(ground.server.url), 'delayer');
    try {
      const queue = new Queue(store);
      await queue.push({ id: '32', topic: 'close_order', body: '{}', delayMs: LONG_MS });
      await queue.push({ id: '33', topic: 'close_order', body: '{}' });
      await promoteAll(store);
      expect((await ground.raw.keys('delayer:*')).sort()).to.include.members([
        'delayer:job_bucket:32',
        'delayer:job_bucket:33',
        'delayer:job_pool',
        'delayer:ready_queue:close_order',
      ]);
      expect(await ground.raw.type('delayer:job_pool')).to.equal('zset');
      expect(await ground.raw.type('delayer:job_bucket:32')).to.equal('hash');
      expect(await ground.raw.type('delayer:ready_queue:close_order')).to.equal('list');
      expect(await ground.raw.lrange('delayer:ready_queue:close_order', 0, -1)).to.deep.equal(['33']);
    } finally {
      await ground.raw.del(...(await ground.raw.keys('delayer:*')));
      await store.close();
    }
  });

  it('is a hash of topic and body alone, byte for byte', async () => {
    await ground.queue().push({ id: BINARY, topic: BINARY, body: BINARY, delayMs: LONG_MS });
    const bucket = Buffer.concat([Buffer.from(key('job_bucket:')), BINARY]);
    const fields = (await ground.raw.callBuffer('HGETALL', bucket)) as Buffer[];
    expect(fields).to.deep.equal([Buffer.from('topic'), BINARY, Buffer.from('body'), BINARY]);
  });

  it('lives for its delay and its ready lifetime', async () => {
    const { dueAt } = await ground
      .queue()
      .push({ id: '1', topic: 't', body: 'b', delayMs: 20_500, ttlMs: 30_250 });
    const ttl = await ground.raw.pttl(key('job_bucket:1'));
    expect(ttl).to.be.within(50_750 - 5000, 50_750);
    const left = must(dueAt).getTime() + 30_250 - (await ground.open().now()).getTime();
    expect(await ground.raw.pttl(key('job_bucket:1'))).to.be.within(left - 1000, left + 1);
  });

  it('has its due time in Unix seconds with a fraction in milliseconds as its score', async () => {
    const at = new Date(1_995_343_220_250);
    await ground.queue().push({ id: '1', topic: 't', body: 'b', at });
    expect(await ground.raw.zscore(key('job_pool'), '1')).to.equal('1995343220.25');
  });

  it('the original daemon promotes at the next whole second, and the client pops, byte for byte', async () => {
    const at = new Date(Math.floor(Date.now() / 1000) * 1000 + 5250);
    await ground.queue().push({ id: BINARY, topic: BINARY, body: BINARY, at });
    const second = Math.floor(at.getTime() / 1000);
    await daemon().tick(second);
    expect(await client().pop(BINARY)).to.be.undefined;
    await daemon().tick(second + 1);
    expect(await client().pop(BINARY)).to.deep.equal({ id: BINARY, topic: BINARY, body: BINARY });
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('a client waiting in bPop gets as soon as delayer promotes', async () => {
    const waiter = new OriginalClient(ground.server.client(), ground.prefix);
    const waiting = waiter.bPop('topic', 10);
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    await promoteAll(queue.store);
    expect(textOf(await waiting)).to.equal('b');
  });

  it('a client pops in the order of the due times when delayer has promoted', async () => {
    const queue = ground.queue();
    const at = await soon(queue.store, 40);
    for (const [id, later] of [
      ['3', 20],
      ['1', 0],
      ['2', 10],
    ] as const) {
      await queue.push({ id, topic: 'topic', body: id, at: new Date(at.getTime() + later) });
    }
    await untilPast(queue.store, at.getTime() + 20);
    await promoteAll(queue.store);
    const bodies = [];
    for (let job; (job = await client().pop('topic'));) bodies.push(textOf(job));
    expect(bodies).to.deep.equal(['1', '2', '3']);
  });

  it('a client removes while it is delayed', async () => {
    const queue = ground.queue();
    await queue.push({ id: BINARY, topic: 'topic', body: 'b', delayMs: LONG_MS });
    expect(await client().remove(BINARY)).to.be.true;
    expect(await queue.find(BINARY)).to.be.empty;
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('a client overwrites, and delayer gives the new job', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'old', delayMs: LONG_MS });
    await client().push('1', 'topic', 'new', 0);
    expect(textOf(await queue.pop('topic'))).to.equal('new');
    expect(await queue.pop('topic')).to.be.undefined;
  });

  it('is out of the reach of a client while it is leased, and back when it is given back', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    const { jobs } = await queue.lease('topic', 1, 60_000);
    expect(await client().pop('topic')).to.be.undefined;
    expect(await client().remove('1')).to.be.false;
    await queue.putBack(jobs);
    expect(await ground.raw.hgetall(key('job_bucket:1'))).to.deep.equal({ topic: 'topic', body: 'b' });
    expect(await ground.raw.pttl(key('job_bucket:1'))).to.be.above(0);
    expect(await client().pop('topic')).to.deep.equal({
      id: Buffer.from('1'),
      topic: Buffer.from('topic'),
      body: Buffer.from('b'),
    });
  });

  it('a client pops when a lease has run out', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    const { jobs } = await queue.lease('topic', 1, 20);
    await untilPast(queue.store, must(jobs[0]).leaseUntil);
    await promoteAll(queue.store);
    expect(textOf(await client().pop('topic'))).to.equal('b');
  });

  it('leaves nothing that grows in Redis when clients pop what delayer promoted', async () => {
    const queue = ground.queue();
    for (let round = 0; round < 40; round += 1) {
      await queue.pushMany(Array.from({ length: 50 }, () => ({ topic: 'topic', body: 'b' })));
      await promoteAll(queue.store);
      while (await client().pop('topic'));
    }
    expect(await ground.raw.hlen(key('ready_due'))).to.be.below(200);
  });

  it('touches no key beyond its prefix', async () => {
    const other = `${freshPrefix()}:job_pool`;
    await ground.raw.set(other, 'not ours');
    const before = (await ground.raw.keys('*')).sort();
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    await queue.push({ id: '2', topic: 'topic', body: 'b', delayMs: LONG_MS });
    await queue.lease('topic', 1, 60_000);
    await queue.survey();
    const keys = (await ground.raw.keys('*')).sort();
    expect(keys.filter((name) => !name.startsWith(`${ground.prefix}:`))).to.deep.equal(before);
    expect(await ground.raw.get(other)).to.equal('not ours');
    await ground.raw.del(other);
  });
});

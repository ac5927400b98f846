import { expect } from 'chai';
import { LONG_MS, maintainAll, must, reserve, soon, textOf, untilPast } from '../support/jobs.js';
import { freshPrefix, useRedis } from '../support/redis.js';
import { Queue } from '../../src/core/queue.js';
import { parseRedisUrl } from '../../src/storage/redis/url.js';
import { RedisStore } from '../../src/storage/redis/store.js';
import { OriginalClient, OriginalDaemon } from './original.js';

const BINARY = Buffer.from([0, 255, 10, 13, 0x7b, 0x7d, 0xc3, 0x28]);

describe('original clients with jobs that delayer pushed:', () => {
  const ground = useRedis();
  const client = () => new OriginalClient(ground.raw, ground.prefix);
  const daemon = () => new OriginalDaemon(ground.raw, ground.prefix);
  const key = (rest: string) => `${ground.prefix}:${rest}`;

  it('jobs are in the keys of the original, of its types, under the prefix delayer', async () => {
    const store = new RedisStore(parseRedisUrl(ground.server.url), 'delayer');
    try {
      const queue = new Queue(store);
      await queue.push({ id: '32', topic: 'close_order', body: '{}', delayMs: LONG_MS });
      await queue.push({ id: '33', topic: 'close_order', body: '{}' });
      await maintainAll(store);
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

  it('a pushed job is a hash with only topic and body, byte for byte', async () => {
    await ground.queue().push({ id: BINARY, topic: BINARY, body: BINARY, delayMs: LONG_MS });
    const bucket = Buffer.concat([Buffer.from(key('job_bucket:')), BINARY]);
    const fields = (await ground.raw.callBuffer('HGETALL', bucket)) as Buffer[];
    expect(fields).to.deep.equal([Buffer.from('topic'), BINARY, Buffer.from('body'), BINARY]);
  });

  it('a bucket expires after the delay and the ready lifetime of its job', async () => {
    const { dueAt } = await ground
      .queue()
      .push({ id: '1', topic: 't', body: 'b', delayMs: 20_500, ttlMs: 30_250 });
    const ttl = await ground.raw.pttl(key('job_bucket:1'));
    expect(ttl).to.be.within(50_750 - 5000, 50_750);
    const left = must(dueAt).getTime() + 30_250 - (await ground.queue().now()).getTime();
    expect(await ground.raw.pttl(key('job_bucket:1'))).to.be.within(left - 1000, left + 1);
  });

  it('the score of a job is its due time in Unix seconds, with a fraction for milliseconds', async () => {
    const at = new Date(1_995_343_220_250);
    await ground.queue().push({ id: '1', topic: 't', body: 'b', at });
    expect(await ground.raw.zscore(key('job_pool'), '1')).to.equal('1995343220.25');
  });

  it('the original daemon promotes a job of delayer at the next whole second, and a client pops it byte for byte', async () => {
    const at = new Date(Math.floor(Date.now() / 1000) * 1000 + 5250);
    await ground.queue().push({ id: BINARY, topic: BINARY, body: BINARY, at });
    const second = Math.floor(at.getTime() / 1000);
    await daemon().tick(second);
    expect(await client().pop(BINARY)).to.be.undefined;
    await daemon().tick(second + 1);
    expect(await client().pop(BINARY)).to.deep.equal({ id: BINARY, topic: BINARY, body: BINARY });
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('a client that waits in bPop gets a job when delayer promotes it', async () => {
    const waiter = new OriginalClient(ground.server.client(), ground.prefix);
    const waiting = waiter.bPop('topic', 10);
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    await maintainAll(queue);
    expect(textOf(await waiting)).to.equal('b');
  });

  it('a client pops jobs that delayer promoted in order of due time', async () => {
    const queue = ground.queue();
    const at = await soon(queue, 1000);
    for (const [id, later] of [
      ['3', 20],
      ['1', 0],
      ['2', 10],
    ] as const) {
      await queue.push({ id, topic: 'topic', body: id, at: new Date(at.getTime() + later) });
    }
    await untilPast(queue, at.getTime() + 20);
    await maintainAll(queue);
    const bodies = [];
    for (let job; (job = await client().pop('topic'));) bodies.push(textOf(job));
    expect(bodies).to.deep.equal(['1', '2', '3']);
  });

  it('a client can remove a delayed job of delayer', async () => {
    const queue = ground.queue();
    await queue.push({ id: BINARY, topic: 'topic', body: 'b', delayMs: LONG_MS });
    expect(await client().remove(BINARY)).to.be.true;
    expect(await queue.find(BINARY)).to.be.empty;
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('a client can overwrite a job of delayer, and delayer delivers the new one', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'old', delayMs: LONG_MS });
    await client().push('1', 'topic', 'new', 0);
    expect(textOf(await queue.pop('topic'))).to.equal('new');
    expect(await queue.pop('topic')).to.be.undefined;
  });

  it('a client can neither pop nor remove a leased job, and can pop it after its release', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    const jobs = await reserve(queue, 'topic', 1, 60_000);
    expect(await client().pop('topic')).to.be.undefined;
    expect(await client().remove('1')).to.be.false;
    await queue.release(jobs);
    // delayer adds one field of its own.
    expect(await ground.raw.hgetall(key('job_bucket:1'))).to.include({ topic: 'topic', body: 'b' });
    expect(await ground.raw.pttl(key('job_bucket:1'))).to.be.above(0);
    expect(await client().pop('topic')).to.deep.equal({
      id: Buffer.from('1'),
      topic: Buffer.from('topic'),
      body: Buffer.from('b'),
    });
  });

  it('a client can pop a job whose lease has ended', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    const jobs = await reserve(queue, 'topic', 1, 20);
    await untilPast(queue, must(jobs[0]).leaseUntil);
    await maintainAll(queue);
    expect(textOf(await client().pop('topic'))).to.equal('b');
  });

  it('the notes of delayer do not grow when clients pop the jobs that it promoted', async () => {
    const queue = ground.queue();
    for (let round = 0; round < 40; round += 1) {
      await queue.pushMany(Array.from({ length: 50 }, () => ({ topic: 'topic', body: 'b' })));
      await maintainAll(queue);
      while (await client().pop('topic'));
    }
    expect(await ground.raw.hlen(key('ready_due'))).to.be.below(200);
  });

  it('delayer touches no key outside its prefix', async () => {
    const other = `${freshPrefix()}:job_pool`;
    await ground.raw.set(other, 'not ours');
    const before = (await ground.raw.keys('*')).sort();
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    await queue.push({ id: '2', topic: 'topic', body: 'b', delayMs: LONG_MS });
    await reserve(queue, 'topic', 1, 60_000);
    await queue.stats();
    const keys = (await ground.raw.keys('*')).sort();
    expect(keys.filter((name) => !name.startsWith(`${ground.prefix}:`))).to.deep.equal(before);
    expect(await ground.raw.get(other)).to.equal('not ours');
    await ground.raw.del(other);
  });

  it('a client can remove a job that waits for a retry', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    await queue.nack(await reserve(queue, 'topic'), { delayMs: LONG_MS });
    expect(await client().remove('1')).to.be.true;
    expect(await queue.find('1')).to.be.empty;
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('a retry is promoted by the original daemon, and popped by a client byte for byte', async () => {
    const queue = ground.queue();
    await queue.push({ id: BINARY, topic: BINARY, body: BINARY });
    await queue.nack(await reserve(queue, BINARY), { delayMs: 5000 });
    const due = must(must((await queue.find(BINARY))[0]).dueAt).getTime();
    await daemon().tick(Math.floor(due / 1000));
    expect(await client().pop(BINARY)).to.be.undefined;
    await daemon().tick(Math.ceil(due / 1000));
    expect(await client().pop(BINARY)).to.deep.equal({ id: BINARY, topic: BINARY, body: BINARY });
  });

  it('the bucket of a retry expires after the delay and the whole ready lifetime', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b', ttlMs: 60_000 });
    await queue.nack(await reserve(queue, 'topic'), { delayMs: 20_000 });
    expect(await ground.raw.pttl(key('job_bucket:1'))).to.be.within(75_000, 80_001);
  });

  it('a job with retry settings that the original daemon promoted keeps its ready lifetime for its retry', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b', delayMs: 40_000, ttlMs: 60_000, retries: 5 });
    // The job is due by the clock of that daemon.
    await daemon().tick(Math.ceil(must(must((await queue.find('1'))[0]).dueAt).getTime() / 1000));
    await queue.nack(await reserve(queue, 'topic'), { delayMs: 0 });
    expect(await ground.raw.pttl(key('job_bucket:1'))).to.be.within(55_000, 60_001);
  });

  it('a pause holds back delayer, but not clients', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    await queue.pause('topic');
    await maintainAll(queue);
    expect(await queue.pop('topic')).to.be.undefined;
    expect(textOf(await client().pop('topic'))).to.equal('b');
  });

  it('a client can neither pop nor remove a dead letter, and a push of its id leaves it unchanged', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'dead' });
    await queue.nack(await reserve(queue, 'topic'), { dead: true });
    expect(await client().pop('topic')).to.be.undefined;
    expect(await client().remove('1')).to.be.false;
    await client().push('1', 'topic', 'new', 3600);
    expect((await queue.find('1')).map(({ state, body }) => [state, String(body)])).to.deep.equal([
      ['delayed', 'new'],
      ['dead', 'dead'],
    ]);
    expect(await client().remove('1')).to.be.true;
    expect(await queue.requeue(['1'])).to.deep.equal(['requeued']);
    await maintainAll(queue);
    expect(textOf(await client().pop('topic'))).to.equal('dead');
  });

  it('a job that a client pushes under the id of a failed one has no attempts and its own ready lifetime', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b', ttlMs: 10_000 });
    await queue.nack(await reserve(queue, 'topic'), { delayMs: LONG_MS });
    // HMSET keeps the other fields of the hash.
    await client().push('1', 'topic', 'b', 0, 7000);
    const [job] = await reserve(queue, 'topic');
    expect(job).to.deep.include({ attempts: 1, body: Buffer.from('b') });
    await queue.nack([must(job)], { delayMs: 0 });
    const found = must((await queue.find('1'))[0]);
    const lifetime = must(found.expiresAt).getTime() - must(found.dueAt).getTime();
    expect(lifetime).to.be.within(6_990_000, 7_010_000);
  });

  it('a job that waits for a duplicate of a client comes back when a client has popped the duplicate', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'first' });
    const jobs = await reserve(queue, 'topic');
    await client().push('1', 'topic', 'of the client', 0);
    await queue.release(jobs);
    await daemon().tick();
    expect(textOf(await client().pop('topic'))).to.equal('of the client');
    expect(textOf(await queue.bpop('topic', { timeoutMs: 5000 }))).to.equal('first');
  });
});

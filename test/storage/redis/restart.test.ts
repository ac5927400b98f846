import { expect } from 'chai';
import { Queue } from '../../../src/core/queue.js';
import { parseRedisUrl } from '../../../src/storage/redis/url.js';
import { RedisStore } from '../../../src/storage/redis/store.js';
import { drain, idsOf, LONG_MS, must, only, reserve, statesOf, textOf } from '../../support/jobs.js';
import { eventually, failureOf } from '../../support/eventually.js';
import { RedisServer } from '../../support/redis-server.js';

describe('a Redis that is killed and started again', () => {
  let server: RedisServer;
  let queue: Queue;
  let number = 0;

  before(async () => {
    server = await RedisServer.start({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
  });
  after(() => server.stop());
  beforeEach(() => {
    number += 1;
    queue = new Queue(new RedisStore(parseRedisUrl(server.url), `test-${number}`));
  });
  afterEach(() => queue.close());

  it('keeps each job in its state, and each pause', async () => {
    const delayed = await queue.push({
      id: 'delayed',
      topic: 'topic',
      body: 'b',
      delayMs: LONG_MS,
      ttlMs: LONG_MS,
    });
    await queue.push({ id: 'leased', topic: 'topic', body: 'b' });
    const jobs = await reserve(queue, 'topic');
    await queue.push({ id: 'dead', topic: 'topic', body: 'b' });
    await queue.nack(await reserve(queue, 'topic'), { dead: true, reason: 'why' });
    await queue.push({ id: 'failed', topic: 'topic', body: 'b' });
    await queue.nack(await reserve(queue, 'topic'), { delayMs: LONG_MS });
    await queue.pushMany(['1', '2', '3'].map((id) => ({ id, topic: 'topic', body: 'b' })));
    await queue.maintain();
    await queue.pause('paused');
    await server.restart();
    const found = only(await queue.find('delayed'));
    expect(found).to.deep.include({ state: 'delayed', dueAt: delayed.dueAt });
    expect(only(await queue.find('dead'))).to.include({ state: 'dead', reason: 'why', attempts: 1 });
    expect(only(await queue.find('failed'))).to.include({ state: 'delayed', attempts: 1 });
    await queue.push({ id: 'held', topic: 'paused', body: 'b' });
    expect(await queue.pop('paused')).to.be.undefined;
    expect(statesOf(await queue.find('held'))).to.deep.equal(['ready']);
    expect(must(found.expiresAt).getTime()).to.equal(must(delayed.dueAt).getTime() + LONG_MS);
    expect(idsOf(await drain(queue, 'topic'))).to.deep.equal(['1', '2', '3']);
    expect(await queue.ack(jobs.map(({ lease }) => lease))).to.deep.equal([true]);
  });

  it('is used again without an error by a queue that stayed open', async () => {
    await queue.push({ topic: 'topic', body: 'one' });
    await server.restart();
    await queue.push({ topic: 'topic', body: 'two' });
    expect((await queue.popMany('topic', 2)).map(textOf)).to.deep.equal(['one', 'two']);
  });

  it('is waited for if it is back within two seconds', async () => {
    await queue.push({ topic: 'topic', body: 'b' });
    await server.kill();
    const popping = queue.pop('topic');
    await server.restart();
    expect(textOf(await popping)).to.equal('b');
  });

  it('makes calls fail while it is away, and is used again when it is back', async () => {
    await queue.push({ topic: 'topic', body: 'b' });
    await server.kill();
    const before = performance.now();
    // 69 if the end of the connection was noticed before the request was sent, else 75.
    expect(await failureOf(queue.pop('topic')))
      .to.have.property('exitCode')
      .that.is.oneOf([69, 75]);
    expect(performance.now() - before).to.be.below(10_000);
    await server.restart();
    expect(textOf(await queue.pop('topic'))).to.equal('b');
  });

  it('lets a waiting bpop get its job afterwards', async () => {
    const other = new Queue(new RedisStore(parseRedisUrl(server.url), `test-${number}`));
    try {
      const waiting = queue.bpop('topic', { timeoutMs: 15_000 });
      await eventually(() => queue.find('none'));
      await server.restart();
      await other.push({ topic: 'topic', body: 'b', delayMs: 20 });
      expect(textOf(await waiting)).to.equal('b');
    } finally {
      await other.close();
    }
  });

  it('loses no job whose push returned, and delivers none twice', async () => {
    const answered: string[] = [];
    const push = async () => {
      for (let i = 0; i < 200; i += 1) {
        const id = `${i}`;
        const [receipt] = await queue.pushMany([{ id, topic: 'topic', body: 'b' }]);
        if (receipt?.outcome === 'pushed') answered.push(id);
      }
    };
    const disturb = async () => {
      for (let i = 0; i < 3; i += 1) {
        const reached = answered.length + 20;
        await eventually(() => answered.length >= reached || answered.length >= 190);
        await server.restart();
      }
    };
    await Promise.all([push(), disturb()]);
    const got = idsOf(await drain(queue, 'topic'));
    expect(new Set(got).size).to.equal(got.length);
    expect(got).to.include.members(answered);
  });
});

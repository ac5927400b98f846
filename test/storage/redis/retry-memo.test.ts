import { expect } from 'chai';
import type { JobRecord } from '../../../src/core/job.js';
import type { Queue } from '../../../src/core/queue.js';
import { MAX_DURATION_MS } from '../../../src/core/duration.js';
import { MAX_RETRIES } from '../../../src/core/retry-policy.js';
import { idsOf, LONG_MS, maintainAll, MINUTE_MS, must, only, reserve, textOf } from '../../support/jobs.js';
import { useRedis } from '../../support/redis.js';

const TTL_MS = 10 * MINUTE_MS;
const own = { retries: 7, backoff: { firstMs: 1000, lastMs: 2000 } };
const job = { id: '1', topic: 'topic', body: 'b', ttlMs: TTL_MS, ...own };

describe('retry settings, key and history in the bucket of a job in Redis', () => {
  const ground = useRedis({ movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;

  const keptOf = ({ retries, backoff, history }: Partial<JobRecord>) => ({ retries, backoff, history });
  const NOTHING = { retries: undefined, backoff: undefined, history: undefined };

  /** Pushes as an original client does, due at `dueMs`, expiring at `expiresMs`. */
  async function originalPush(dueMs: number, expiresMs: number, { topic = 'topic', body = 'b' } = {}) {
    await ground.raw
      .multi()
      .hmset(key('job_bucket:1'), 'topic', topic, 'body', body)
      .pexpireat(key('job_bucket:1'), expiresMs)
      .zadd(key('job_pool'), dueMs / 1000, '1')
      .exec();
  }

  /** Pushes a job with retry settings that fails once and is then delayed; returns its key. */
  async function pushFailed(queue: Queue): Promise<string> {
    await queue.push(job);
    const [leased] = await reserve(queue, 'topic');
    await queue.nack([must(leased)], { delayMs: MINUTE_MS, reason: 'why' });
    expect(only(await queue.find('1'))).to.deep.include({ ...own, attempts: 1 });
    return must(leased).key;
  }

  async function expectNew(queue: Queue, topic: string, oldKey: string): Promise<void> {
    expect(keptOf(must((await queue.find('1'))[0]))).to.deep.equal(NOTHING);
    const { jobs } = await queue.list(topic, { states: ['due', 'delayed'] });
    expect(keptOf(only(jobs))).to.deep.equal(NOTHING);
    ground.clock.advance(2 * MINUTE_MS);
    const [got] = await reserve(queue, topic);
    expect(got).to.include({ attempts: 1 });
    expect(keptOf(must(got))).to.deep.equal(NOTHING);
    expect(got?.key).not.to.equal(oldKey);
  }

  for (const [what, dueOff, expiryOff, over] of [
    ['with another body', 0, 0, { body: 'new' }],
    ['to another topic', 0, 0, { topic: 'other' }],
    ['with another expiry', 0, 60_000, {}],
    ['with the same expiry and another due time', -1000, 0, {}],
  ] as const) {
    it(`are not inherited by a job that an original client pushes over it ${what}`, async () => {
      const queue = ground.queue();
      const oldKey = await pushFailed(queue);
      const { dueAt, expiresAt } = only(await queue.find('1'));
      await originalPush(must(dueAt).getTime() + dueOff, must(expiresAt).getTime() + expiryOff, over);
      await expectNew(queue, 'topic' in over ? over.topic : 'topic', oldKey);
    });
  }

  it('are not inherited by a job that an original client pushes after popping the one before', async () => {
    const queue = ground.queue();
    const oldKey = await pushFailed(queue);
    await ground.raw.zrem(key('job_pool'), '1');
    await ground.raw.del(key('job_bucket:1'));
    await originalPush(ground.clock.now(), ground.clock.now() + TTL_MS);
    await expectNew(queue, 'topic', oldKey);
  });

  it('are not inherited by a job that an original client pushes while the one before is leased', async () => {
    const queue = ground.queue();
    await queue.push(job);
    const [leased] = await reserve(queue, 'topic');
    await originalPush(ground.clock.now(), ground.clock.now() + TTL_MS);
    await expectNew(queue, 'topic', must(leased).key);
    expect(await queue.ack([must(leased)])).to.deep.equal([true]);
  });

  it('are kept when an original daemon makes the job ready', async () => {
    const queue = ground.queue();
    const oldKey = await pushFailed(queue);
    const before = keptOf(only(await queue.find('1')));
    ground.clock.advance(MINUTE_MS);
    await ground.raw.zrem(key('job_pool'), '1');
    await ground.raw.lpush(key('ready_queue:topic'), '1');
    expect(keptOf(only(await queue.find('1')))).to.deep.equal(before);
    expect(keptOf(only((await queue.list('topic')).jobs))).to.deep.equal(before);
    expect(only(await reserve(queue, 'topic'))).to.deep.include({ ...own, attempts: 2, key: oldKey });
  });

  it('do not change the fields topic and body, and a job without them has no other field', async () => {
    const queue = ground.queue();
    await queue.push(job);
    await queue.push({ id: '2', topic: 'topic', body: 'b' });
    expect(await ground.raw.hmget(key('job_bucket:1'), 'topic', 'body')).to.deep.equal(['topic', 'b']);
    expect((await ground.raw.hkeys(key('job_bucket:1'))).sort()).to.deep.equal(['body', 'delayer', 'topic']);
    expect((await ground.raw.hkeys(key('job_bucket:2'))).sort()).to.deep.equal(['body', 'topic']);
  });

  it('can be the most retries and the longest backoff', async () => {
    const queue = ground.queue();
    const most = { retries: MAX_RETRIES, backoff: { firstMs: 0, lastMs: MAX_DURATION_MS } };
    await queue.push({ ...job, ...most });
    expect(only(await queue.find('1'))).to.deep.include(most);
    const leased = await reserve(queue, 'topic');
    expect(only(leased)).to.deep.include(most);
    const [result] = await queue.nack(leased);
    expect(result?.outcome).to.equal('retried');
    await maintainAll(queue);
    expect(only(await reserve(queue, 'topic'))).to.deep.include({ ...most, attempts: 2 });
  });

  it('are returned again by a reserve that is repeated with the same token', async () => {
    const [queue, store] = [ground.queue(), ground.open()];
    const oldKey = await pushFailed(queue);
    await queue.push({ id: '2', topic: 'topic', body: 'plain' });
    ground.clock.advance(MINUTE_MS);
    const token = `${'0'.repeat(32)}-00000001`;
    const params = { topics: [Buffer.from('topic')], limit: 5, leaseMs: LONG_MS, token };
    const first = await store.reserve(params);
    const again = await store.reserve(params);
    expect(again.jobs).to.deep.equal(first.jobs);
    expect(idsOf(again.jobs)).to.deep.equal(['2', '1']);
    expect(again.jobs.map((one) => one.key)).to.deep.equal([`${token}.1`, oldKey]);
    expect(again.jobs.map(({ retries }) => retries)).to.deep.equal([undefined, 7]);
    expect(textOf(again.jobs[0])).to.equal('plain');
  });
});

import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import type { Reserved } from '../../../src/core/results.js';
import {
  DAY_MS,
  idsOf,
  LONG_MS,
  maintainAll,
  must,
  only,
  reserve,
  SECOND_MS,
  statesOf,
} from '../../support/jobs.js';
import { useRedis } from '../../support/redis.js';

/** Changes of the retry settings of a job, in Lua, with the reason that the dead letter then has. */
const BROKEN = [
  ['retries below 0', 'extras[2] = -1', 'the number of retries is not valid'],
  ['half a retry', 'extras[2] = 1.5', 'the number of retries is not valid'],
  ['too many retries', 'extras[2] = 1000001', 'the number of retries is not valid'],
  ['infinite retries', 'extras[2] = 1/0', 'the number of retries is not valid'],
  ['retries that are no number', 'extras[2] = 0/0', 'the number of retries is not valid'],
  ['retries in words', "extras[2] = 'three'", 'the number of retries is not valid'],
  ['a backoff in words', "extras[3] = '1s'", 'a pause of the backoff is not valid'],
  ['half a backoff', "extras[4] = ''", 'a pause of the backoff is not valid'],
  ['a backoff below 0', 'extras[3] = -1', 'a pause of the backoff is not valid'],
  ['a backoff that goes down', 'extras[3] = 5000', 'the first pause of the backoff is longer than the last'],
  ['fewer values', 'extras[5] = nil', 'they cannot be read'],
  ['text', "extras = 'garbage'", 'they cannot be read'],
] as const;

describe('invalid retry settings of a job in Redis', () => {
  const ground = useRedis({ movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;
  const job = { id: '1', topic: 'topic', body: 'b', retries: 2, backoff: { firstMs: 1000, lastMs: 2000 } };

  /** Changes the retry settings, key and history in the memo of a job. */
  const change = (id: string, lua: string) =>
    ground.raw.eval(
      `local memo = cmsgpack.unpack(redis.call('HGET', KEYS[1], 'delayer'))
       local extras = cmsgpack.unpack(memo[8])
       ${lua}
       memo[8] = type(extras) == 'table' and cmsgpack.pack(extras) or extras
       redis.call('HSET', KEYS[1], 'delayer', cmsgpack.pack(memo))`,
      1,
      key(`job_bucket:${id}`),
    );
  const reserveSome = (queue: Queue): Promise<Reserved> =>
    queue.reserve({ topics: 'topic', limit: 5, leaseMs: LONG_MS, retry: { deadTtlMs: DAY_MS } });
  const buriedOf = ({ buried = [] }: Reserved) =>
    buried.map(({ id, topic, reason }) => `${id.toString()} of ${topic.toString()}: ${reason}`);

  for (const [what, lua, reason] of BROKEN) {
    it(`(${what}) make it a dead letter at the next reserve, which reports it and returns the other jobs`, async () => {
      const queue = ground.queue();
      await queue.pushMany([{ ...job, id: '0' }, job, { ...job, id: '2' }]);
      await change('1', lua);
      expect((await queue.find('1'))[0], 'it is found').to.include({ state: 'due' });
      const reserved = await reserveSome(queue);
      expect(idsOf(reserved.jobs)).to.deep.equal(['0', '2']);
      expect(buriedOf(reserved)).to.deep.equal([`1 of topic: its retry settings are broken: ${reason}`]);
      expect(only(await queue.find('1'))).to.deep.include({
        state: 'dead',
        body: Buffer.from('b'),
        attempts: 0,
        reason: `its retry settings are broken: ${reason}`,
        deadUntil: new Date(must(only(await queue.find('1')).failedAt).getTime() + DAY_MS),
      });
      expect((await queue.stats()).totals).to.deep.include({ dead: 1, leased: 2, ready: 0, due: 0 });
      expect((await reserveSome(queue)).buried).to.be.undefined;
      expect(await ground.raw.exists(key('job_bucket:1'), key('job_bucket:2'))).to.equal(0);
    });
  }

  it('make dead letters of 1200 jobs in steps, each reported once, and a pop returns the job behind them', async () => {
    const [queue, store] = [ground.queue(), ground.open()];
    const ids = Array.from({ length: 1200 }, (_, i) => `${i}`);
    await queue.pushMany([...ids, 'sound'].map((id) => ({ ...job, id })));
    for (const id of ids) await change(id, 'extras[2] = -1');
    const popped = await store.pop({ topics: [Buffer.from('topic')], limit: 5 });
    expect(idsOf(popped.jobs)).to.deep.equal(['sound']);
    expect(new Set(idsOf(must(popped.buried))).size).to.equal(1200);
    expect(popped.buried).to.have.length(1200);
    expect((await queue.stats()).totals).to.deep.include({ dead: 1200, leased: 0, ready: 0 });
  });

  it('are kept when the dead letter is requeued, which the next reserve makes a dead letter again', async () => {
    const queue = ground.queue();
    await queue.push(job);
    await change('1', 'extras[2] = -1');
    await reserveSome(queue);
    expect(await queue.requeue(['1'])).to.deep.equal(['requeued']);
    expect(buriedOf(await reserveSome(queue))).to.have.length(1);
    expect(statesOf(await queue.find('1'))).to.deep.equal(['dead']);
  });

  it('leave the job where it is while a key of a wrong type is in place of its dead letters', async () => {
    const queue = ground.queue();
    await queue.push(job);
    await change('1', 'extras[2] = -1');
    await ground.raw.set(key('dead_letter:1'), 'text');
    expect((await reserveSome(queue)).jobs).to.be.empty;
    expect(await ground.raw.exists(key('job_bucket:1'))).to.equal(1);
    await ground.raw.del(key('dead_letter:1'));
    await maintainAll(queue);
    expect(buriedOf(await reserveSome(queue))).to.have.length(1);
    expect(statesOf(await queue.find('1'))).to.deep.equal(['dead']);
  });

  it('in the record of a lease are ignored, and the retry policy applies', async () => {
    const queue = ground.queue();
    const garble = (lease: string, extras: string) =>
      ground.raw.eval(
        `local record = cmsgpack.unpack(redis.call('GET', KEYS[1]))
         record[16] = ${extras}
         redis.call('SET', KEYS[1], cmsgpack.pack(record))`,
        1,
        key(`inflight:${must(lease.split('.')[0])}`),
      );
    for (const extras of [
      "'garbage'",
      "cmsgpack.pack({ '', -1, '', '', '' })",
      "cmsgpack.pack({ '', 9, '', '', 'x' })",
    ]) {
      await queue.push({ id: '1', topic: 'topic', body: 'b' });
      const leased = await reserve(queue, 'topic');
      await garble(must(leased[0]).lease, extras);
      expect(statesOf(await queue.find('1')), extras).to.deep.equal(['leased']);
      expect(only(await queue.nack(leased, { delayMs: LONG_MS })).outcome, extras).to.equal('retried');
      expect(statesOf(await queue.find('1')), extras).to.deep.equal(['delayed']);
      await queue.remove('1');
      await queue.push({ id: '1', topic: 'topic', body: 'b' });
      const { jobs } = await queue.reserve({
        topics: 'topic',
        limit: 1,
        leaseMs: SECOND_MS,
        retry: { retries: 0 },
      });
      await garble(must(jobs[0]).lease, "'garbage'");
      ground.clock.advance(2 * SECOND_MS);
      await maintainAll(queue);
      expect(statesOf(await queue.find('1')), extras).to.deep.equal(['dead']);
      await queue.removeMany(['1'], { states: 'any' });
    }
  });

  it('an unreadable retry policy in the record of a lease counts as none: the job comes back', async () => {
    const queue = ground.queue();
    for (const policy of ['garbage', '\x90', '\x94\x00\x00\x00\xa1x', '\x94\x00\x00\x00\xff']) {
      await queue.push({ id: '1', topic: 'topic', body: 'b' });
      const { jobs } = await queue.reserve({
        topics: 'topic',
        limit: 1,
        leaseMs: SECOND_MS,
        retry: { retries: 0 },
      });
      await ground.raw.eval(
        `local record = cmsgpack.unpack(redis.call('GET', KEYS[1]))
         record[6] = ARGV[1]
         redis.call('SET', KEYS[1], cmsgpack.pack(record))`,
        1,
        key(`inflight:${must(must(jobs[0]).lease.split('.')[0])}`),
        Buffer.from(policy, 'latin1'),
      );
      ground.clock.advance(2 * SECOND_MS);
      await maintainAll(queue);
      const again = await reserve(queue, 'topic');
      expect(only(again), policy).to.include({ attempts: 2 });
      await queue.ack(again);
    }
  });

  it('an unreadable history is not shown, and the next attempt starts a new one', async () => {
    const queue = ground.queue();
    for (const history of [
      "'garbage'",
      'cmsgpack.pack({ 1 })',
      "cmsgpack.pack({ 'a', 'b', 'c', 'd', 'e', 'f', 'g' })",
    ]) {
      await queue.push(job);
      await change('1', `extras[5] = ${history}`);
      expect(only(await queue.find('1')).history, history).to.be.undefined;
      const leased = await reserve(queue, 'topic');
      expect(only(leased), history).to.include({ retries: 2 });
      await queue.nack(leased, { delayMs: LONG_MS, reason: 'why' });
      const reasons = only(await queue.find('1')).history?.map(({ reason }) => reason);
      expect(reasons, history).to.deep.equal(['why']);
      await queue.remove('1');
    }
  });
});

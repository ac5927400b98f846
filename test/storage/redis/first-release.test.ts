import { expect } from 'chai';
import type { JobRecord } from '../../../src/core/job.js';
import { failureOf } from '../../support/eventually.js';
import {
  areHeld,
  drain,
  idsOf,
  maintainAll,
  MINUTE_MS,
  must,
  only,
  reserve,
  SECOND_MS,
  statesOf,
  textOf,
} from '../../support/jobs.js';
import { useRedis } from '../../support/redis.js';

/** The id of a process of the first release; the token of each reservation is this id with a number. */
const PROCESS = '01a214dfaa7570c9b1831821435082c9';

/** A value as Redis's cmsgpack packs it. */
function packed(value: string | number | readonly (string | number)[]): Buffer {
  if (typeof value === 'number') {
    if (value < 128) return Buffer.from([value]);
    const wide = Buffer.from([0xcf, 0, 0, 0, 0, 0, 0, 0, 0]);
    wide.writeBigUInt64BE(BigInt(value), 1);
    return wide;
  }
  if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    const head = bytes.length < 32 ? [0xa0 + bytes.length] : [0xda, bytes.length >> 8, bytes.length & 255];
    return Buffer.concat([Buffer.from(head), bytes]);
  }
  const head = value.length < 16 ? [0x90 + value.length] : [0xdc, value.length >> 8, value.length & 255];
  return Buffer.concat([Buffer.from(head), ...value.map((one) => packed(one))]);
}

const toScore = (ms: number, order = 0) =>
  `${Math.floor(ms / 1000)}.${String(ms % 1000).padStart(3, '0')}${String(order).padStart(3, '0')}`;

describe('a keyspace that the first release wrote to Redis', () => {
  const ground = useRedis({ movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;

  /** When the first release was stopped (ms). */
  let t0 = 0;
  const TTL_MS = 10 * MINUTE_MS;
  const LEASE_MS = MINUTE_MS;

  interface Old {
    readonly id: string;
    readonly topic: string;
    readonly body: string;
    readonly dueMs: number;
  }

  async function writeBucket({ id, topic, body, dueMs }: Old, attempts = 0): Promise<void> {
    await ground.raw.hset(key(`job_bucket:${id}`), { topic, body, ...(attempts > 0 ? { attempts } : {}) });
    await ground.raw.pexpireat(key(`job_bucket:${id}`), dueMs + TTL_MS);
  }

  async function writeDelayed(job: Old, order = 0): Promise<void> {
    await writeBucket(job);
    await ground.raw.zadd(key('job_pool'), toScore(job.dueMs, order), job.id);
  }

  async function writeReady(job: Old, attempts = 0, order = 0): Promise<void> {
    await writeBucket(job, attempts);
    await ground.raw.lpush(key(`ready_queue:${job.topic}`), job.id);
    const note = `${toScore(job.dueMs, order)} ${job.dueMs + TTL_MS} ${job.topic}`;
    await ground.raw.hset(key('ready_due'), job.id, note);
  }

  /** Writes a reservation of the first release: topic, then number, id, body, due time, expiry and attempts of each job. */
  async function writeTaken(request: string, jobs: readonly (Old & { attempts: number })[]): Promise<void> {
    const rows = jobs.flatMap(({ id, body, dueMs, attempts }, i) => [
      i + 1,
      id,
      body,
      dueMs,
      dueMs + TTL_MS,
      attempts,
    ]);
    await ground.raw.set(key(`inflight:${PROCESS}-${request}`), packed([must(jobs[0]).topic, ...rows]));
    await ground.raw.zadd(key('reserved'), toScore(t0 + LEASE_MS), `${PROCESS}-${request}`);
  }

  const old = (topic: string, name: string, dueMs: number): Old => ({
    id: `${topic}-${name}`,
    topic,
    body: `body of ${name}`,
    dueMs,
  });
  const leased = (topic: string, count: number, attempts: number) =>
    Array.from({ length: count }, (_, i) => ({ ...old(topic, `leased-${i}`, t0 - 5000 + i), attempts }));

  /** Writes what a first release left that was stopped at `t0`, a second ago. */
  async function firstRelease(): Promise<void> {
    ground.clock.stop();
    t0 = ground.clock.now();
    await writeTaken('00000001', leased('topic', 3, 1));
    await writeTaken('00000002', leased('other', 1, 4));
    for (const i of [0, 1, 2]) await writeReady(old('topic', `ready-${i}`, t0 - 3000), 0, i);
    await writeReady(old('topic', 'ready-again', t0 - 2000), 2);
    for (const i of [0, 1]) await writeDelayed(old('topic', `due-${i}`, t0 - 1000), i);
    await writeDelayed(old('topic', 'delayed', t0 + 5 * MINUTE_MS));
    ground.clock.advance(SECOND_MS);
  }

  const LEASED = ['topic-leased-0', 'topic-leased-1', 'topic-leased-2'];
  const READY = ['topic-ready-0', 'topic-ready-1', 'topic-ready-2', 'topic-ready-again'];
  const DUE = ['topic-due-0', 'topic-due-1'];

  const find = async (id: string): Promise<JobRecord> => only(await ground.queue().find(id));

  it('the fixture packs a record byte for byte as the first release did', () => {
    expect(packed(['m', 1, 'leased-3', 'm', 1795646532278, 1796251332278, 2]).toString('hex')).to.equal(
      '97a16d01a86c65617365642d33a16dcf000001a214dfaab6cf000001a238ec2eb602',
    );
    expect(packed('x'.repeat(300)).toString('hex', 0, 4)).to.equal('da012c78');
  });

  it('has jobs that are found with their states, times, bodies and attempts', async () => {
    await firstRelease();
    for (const [id, state, attempts, dueMs] of [
      ['topic-leased-1', 'leased', 1, t0 - 4999],
      ['other-leased-0', 'leased', 4, t0 - 5000],
      ['topic-ready-1', 'ready', 0, t0 - 3000],
      ['topic-ready-again', 'ready', 2, t0 - 2000],
      ['topic-due-0', 'due', 0, t0 - 1000],
      ['topic-delayed', 'delayed', 0, t0 + 5 * MINUTE_MS],
    ] as const) {
      expect(await find(id)).to.deep.include({
        state,
        attempts,
        body: Buffer.from(`body of ${id.replace(/^\w+-/, '')}`),
        dueAt: new Date(dueMs),
        expiresAt: new Date(dueMs + TTL_MS),
      });
    }
    expect((await find('topic-leased-1')).leaseUntil).to.deep.equal(new Date(t0 + LEASE_MS));
  });

  it('has jobs that are counted and listed', async () => {
    await firstRelease();
    const queue = ground.queue();
    const { totals } = await queue.stats();
    expect(totals).to.include({ leased: 4, ready: 4, due: 2, delayed: 1, expired: 0, dead: 0 });
    expect(totals).to.deep.include((await queue.stats({ exact: false })).totals);
    const { jobs } = await queue.list('topic', { limit: 100 });
    expect(idsOf(jobs)).to.deep.equal([...READY, ...LEASED, ...DUE, 'topic-delayed']);
  });

  it('has ready jobs that are delivered in order, with their due times and attempts', async () => {
    await firstRelease();
    const queue = ground.queue();
    const got = await drain(queue, 'topic');
    expect(idsOf(got)).to.deep.equal([...READY, ...DUE]);
    expect(got.map(({ attempts }) => attempts)).to.deep.equal([1, 1, 1, 3, 1, 1]);
    expect(got.map(({ dueAt }) => dueAt?.getTime())).to.deep.equal([
      t0 - 3000,
      t0 - 3000,
      t0 - 3000,
      t0 - 2000,
      t0 - 1000,
      t0 - 1000,
    ]);
  });

  it('has leased jobs that come back when their leases end, before those due later', async () => {
    await firstRelease();
    const queue = ground.queue();
    ground.clock.advance(LEASE_MS - SECOND_MS - 1);
    expect(await queue.maintain()).to.include({ reclaimed: 0 });
    ground.clock.advance(2);
    expect(await queue.maintain()).to.include({ reclaimed: 4, expired: 0 });
    const got = await drain(queue, 'topic');
    expect(idsOf(got)).to.deep.equal([...LEASED, ...READY, ...DUE]);
    expect(got.map(({ attempts }) => attempts)).to.deep.equal([2, 2, 2, 1, 1, 1, 3, 1, 1]);
    expect(got.map(textOf).slice(0, 3)).to.deep.equal([0, 1, 2].map((i) => `body of leased-${i}`));
    expect(await queue.pop('other')).to.deep.include({ attempts: 5, dueAt: new Date(t0 - 5000) });
    ground.clock.advance(5 * MINUTE_MS);
    expect(idsOf(await drain(queue, 'topic'))).to.deep.equal(['topic-delayed']);
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('has leases that can be extended, acked and nacked by the lease string that find returns', async () => {
    await firstRelease();
    const queue = ground.queue();
    const leases = [];
    for (const id of LEASED) leases.push(must((await find(id)).lease));
    const [one = '', two = '', three = ''] = leases;
    expect(await queue.extend([two], 5 * MINUTE_MS)).to.deep.equal([
      new Date(ground.clock.now() + 5 * MINUTE_MS),
    ]);
    expect(await queue.ack([one])).to.deep.equal([true]);
    expect(areHeld(await queue.nack([three], { delayMs: MINUTE_MS }))).to.deep.equal([true]);
    const dueMs = ground.clock.now() + MINUTE_MS;
    expect(await find(must(LEASED[2]))).to.deep.include({
      state: 'delayed',
      attempts: 1,
      dueAt: new Date(dueMs),
      expiresAt: new Date(dueMs + TTL_MS),
    });
    ground.clock.advance(LEASE_MS + SECOND_MS);
    await maintainAll(queue);
    expect(statesOf(await queue.find(must(LEASED[1])))).to.deep.equal(['leased']);
    expect(await queue.ack([two])).to.deep.equal([true]);
    expect(await queue.ack(leases)).to.deep.equal([false, false, false]);
  });

  it('has leased jobs whose key is that of their lease, with a history from the next failure on', async () => {
    await firstRelease();
    const queue = ground.queue();
    const { lease } = await find(must(LEASED[1]));
    await queue.nack([must(lease)], { delayMs: 0, reason: 'why' });
    const attempt = { attempt: 1, endedAt: new Date(ground.clock.now()), outcome: 'retried', reason: 'why' };
    expect((await find(must(LEASED[1]))).history).to.deep.equal([attempt]);
    await maintainAll(queue);
    const again = (await reserve(queue, 'topic', 20)).filter(({ id }) => id.toString() === LEASED[1]);
    expect(only(again)).to.include({ attempts: 2, key: `${PROCESS}-00000001.2` });
  });

  it('has leases that can be released one by one', async () => {
    await firstRelease();
    const queue = ground.queue();
    const { lease } = await find('topic-leased-1');
    expect(await queue.release([must(lease)])).to.deep.equal([true]);
    const job = must(await queue.pop('topic'));
    expect(job).to.deep.include({
      id: Buffer.from('topic-leased-1'),
      attempts: 1,
      dueAt: new Date(t0 - 4999),
    });
    expect((await queue.stats()).totals.leased).to.equal(3);
    ground.clock.advance(LEASE_MS);
    expect(idsOf(await queue.popMany('topic', 2))).to.deep.equal(['topic-leased-0', 'topic-leased-2']);
  });

  it('has leased jobs that can be removed in any state, and do not come back', async () => {
    await firstRelease();
    const queue = ground.queue();
    expect(await queue.removeMany(['topic-leased-1'], { states: 'any' })).to.deep.equal([
      { removed: true, state: 'leased' },
    ]);
    ground.clock.advance(LEASE_MS);
    expect(idsOf(await queue.popMany('topic', 2))).to.deep.equal(['topic-leased-0', 'topic-leased-2']);
  });

  it('has ready and delayed jobs that can be reserved, nacked and removed like others', async () => {
    await firstRelease();
    const queue = ground.queue();
    const jobs = await reserve(queue, 'topic', 4);
    expect(idsOf(jobs)).to.deep.equal(READY);
    await queue.release(jobs.slice(1));
    await queue.nack(jobs.slice(0, 1), { dead: true, reason: 'broken' });
    expect(await find('topic-ready-0')).to.deep.include({ state: 'dead', attempts: 1, reason: 'broken' });
    expect(await find('topic-ready-again')).to.deep.include({
      state: 'ready',
      attempts: 2,
      dueAt: new Date(t0 - 2000),
    });
    expect(await queue.remove('topic-delayed')).to.be.true;
    expect(await queue.requeue(['topic-ready-0'])).to.deep.equal(['requeued']);
    expect(idsOf(await drain(queue, 'topic'))).to.deep.equal([...READY.slice(1), ...DUE, 'topic-ready-0']);
  });

  it('has a waiting job that comes back when its duplicate is gone', async () => {
    ground.clock.stop();
    t0 = ground.clock.now();
    const job = old('topic', 'twice', t0 - 5000);
    const waiting = `${PROCESS}-00000007:2`;
    await ground.raw.set(
      key(`inflight:${waiting}`),
      packed(['topic', 2, job.id, 'first', job.dueMs, job.dueMs + TTL_MS, 1]),
    );
    await ground.raw.zadd(key('reserved'), toScore(t0 + SECOND_MS), waiting);
    await writeDelayed({ ...job, body: 'second', dueMs: t0 + 5 * MINUTE_MS });
    const queue = ground.queue();
    expect((await queue.find(job.id)).map(textOf)).to.have.members(['first', 'second']);
    for (let i = 0; i < 5; i += 1) {
      ground.clock.advance(30 * SECOND_MS);
      await maintainAll(queue);
    }
    expect(await queue.pop('topic')).to.be.undefined;
    ground.clock.advance(3 * MINUTE_MS);
    const got = [await queue.pop('topic')];
    ground.clock.advance(2 * SECOND_MS);
    got.push(await queue.pop('topic'));
    expect(got.map(textOf)).to.deep.equal(['second', 'first']);
    expect(must(got[1]).attempts).to.equal(2);
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('has a leased job of an original client without due time and expiry that comes back', async () => {
    ground.clock.stop();
    t0 = ground.clock.now();
    // The record has neither due time nor expiry.
    await ground.raw.set(key(`inflight:${PROCESS}-00000001`), packed(['topic', 1, 'id', 'body', '', '', 1]));
    await ground.raw.zadd(key('reserved'), toScore(t0 + SECOND_MS), `${PROCESS}-00000001`);
    const found = await find('id');
    expect(found.state).to.equal('leased');
    expect([found.dueAt, found.expiresAt]).to.deep.equal([undefined, undefined]);
    ground.clock.advance(2 * SECOND_MS);
    const job = must(await ground.queue().pop('topic'));
    expect(job).to.deep.include({ body: Buffer.from('body'), attempts: 2 });
    expect([job.dueAt, job.expiresAt]).to.deep.equal([undefined, undefined]);
  });
});

describe('a record of unknown shape and later version in Redis', () => {
  const ground = useRedis({ movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;
  /** A version that does not exist yet. */
  const LATER = 99;

  async function expectTooNew(call: Promise<unknown>): Promise<void> {
    const error = await failureOf(call);
    expect(error).to.include({ code: 'store_too_new', exitCode: 69 });
    expect(error.message).to.contain(String(LATER));
  }

  it('of a reservation is refused with its version, and left as it is', async () => {
    const queue = ground.queue();
    await queue.push({ topic: 'topic', body: 'b' });
    const jobs = await reserve(queue, 'topic', 1, SECOND_MS);
    const name = only(await ground.raw.keys(key('inflight:*')));
    const record = packed([LATER, 'what', 'it', 'means', 'is', 'not', 'known', 'here']);
    await ground.raw.set(name, record);
    const [{ id }] = [must(jobs[0])];
    await expectTooNew(queue.ack(jobs));
    await expectTooNew(queue.release(jobs));
    await expectTooNew(queue.nack(jobs, { delayMs: 0 }));
    await expectTooNew(queue.nack(jobs, { dead: true }));
    await expectTooNew(queue.extend(jobs, MINUTE_MS));
    await expectTooNew(queue.find(id));
    ground.clock.advance(2 * SECOND_MS);
    await expectTooNew(queue.maintain());
    expect(await ground.raw.getBuffer(name)).to.deep.equal(record);
    expect(await ground.raw.zcard(key('reserved'))).to.equal(1);
  });

  it('in the bucket of a job is refused, and the job stays in its ready list', async () => {
    const queue = ground.queue();
    await queue.push({ id: 'id', topic: 'topic', body: 'b' });
    await maintainAll(queue);
    await ground.raw.hset(key('job_bucket:id'), 'delayer', packed([LATER, 1, 2, 3, 4, 5]));
    await expectTooNew(queue.pop('topic'));
    await expectTooNew(reserve(queue, 'topic'));
    expect(await ground.raw.lrange(key('ready_queue:topic'), 0, -1)).to.deep.equal(['id']);
    expect(await ground.raw.hget(key('job_bucket:id'), 'body')).to.equal('b');
  });

  it('of a dead letter is refused, and kept', async () => {
    const queue = ground.queue();
    await queue.push({ id: 'id', topic: 'topic', body: 'b' });
    await queue.nack(await reserve(queue, 'topic'), { dead: true, deadTtlMs: MINUTE_MS });
    const record = packed([LATER, 'topic', 'b']);
    await ground.raw.lset(key('dead_letter:id'), 0, record);
    await expectTooNew(queue.requeue(['id']));
    await expectTooNew(queue.find('id'));
    ground.clock.advance(2 * MINUTE_MS);
    await expectTooNew(queue.maintain());
    expect(await ground.raw.lrangeBuffer(key('dead_letter:id'), 0, -1)).to.deep.equal([record]);
  });
});

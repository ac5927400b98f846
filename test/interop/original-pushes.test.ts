import { expect } from 'chai';
import type { JobRecord } from '../../src/core/job.js';
import { idsOf, maintainAll, must, reserve, textOf } from '../support/jobs.js';
import { useRedis } from '../support/redis.js';
import { OriginalClient, OriginalDaemon } from './original.js';

const BINARY = Buffer.from([0, 255, 10, 13, 0x7b, 0x7d, 0xc3, 0x28]);

describe('delayer with jobs that an original client pushed:', () => {
  const ground = useRedis();
  const client = () => new OriginalClient(ground.raw, ground.prefix);
  const daemon = () => new OriginalDaemon(ground.raw, ground.prefix);

  it('promotes and pops a job of a client, byte for byte', async () => {
    const queue = ground.queue();
    await client().push(BINARY, BINARY, BINARY, 0, 30);
    expect((await queue.maintain()).promoted).to.equal(1);
    const job = must(await queue.pop(BINARY));
    expect(job).to.deep.include({ id: BINARY, topic: BINARY, body: BINARY, attempts: 1, state: 'ready' });
    expect(await ground.raw.keys(`${ground.prefix}:*`)).to.be.empty;
  });

  it('delivers jobs of a client in order of due time, with the client’s due time and expiry', async () => {
    const queue = ground.queue();
    const before = Math.floor(Date.now() / 1000);
    await client().push('2', 'topic', 'second', 0, 30);
    await client().push('1', 'topic', 'first', -5, 60);
    const [first, second] = await queue.popMany('topic', 2);
    expect([first, second].map(textOf)).to.deep.equal(['first', 'second']);
    expect(must(second?.dueAt).getTime()).to.be.within(before * 1000, before * 1000 + 2000);
    expect(must(second?.dueAt).getTime() % 1000).to.equal(0);
    expect(must(second?.expiresAt).getTime()).to.be.within(before * 1000 + 30_000, before * 1000 + 32_000);
  });

  it('does not deliver a job of a client before it is due', async () => {
    const queue = ground.queue();
    await client().push('1', 'topic', 'b', 3600);
    await maintainAll(queue);
    expect(await queue.pop('topic')).to.be.undefined;
  });

  it('delivers a job of a client to a waiting bpop when it is due', async () => {
    const queue = ground.queue();
    const waiting = queue.bpop('topic', { timeoutMs: 10_000 });
    await client().push('1', 'topic', 'at once', 0);
    expect(textOf(await waiting)).to.equal('at once');
    const next = queue.bpop('topic', { timeoutMs: 10_000 });
    await client().push('2', 'topic', 'in a second', 1);
    expect(textOf(await next)).to.equal('in a second');
  });

  it('removes a delayed job of a client, and leaves no key behind', async () => {
    const queue = ground.queue();
    await client().push(BINARY, 'topic', 'b', 3600);
    expect(await queue.remove(BINARY)).to.be.true;
    expect(await ground.raw.keys(`${ground.prefix}:*`)).to.be.empty;
  });

  it('finds, lists and counts a delayed job of a client', async () => {
    const queue = ground.queue();
    const before = Math.floor(Date.now() / 1000);
    await client().push(BINARY, 'topic', BINARY, 3600, 30);
    const job = must((await queue.find(BINARY))[0]);
    expect(job).to.deep.include({ id: BINARY, topic: Buffer.from('topic'), body: BINARY, state: 'delayed' });
    expect(must(job.dueAt).getTime() / 1000).to.be.within(before + 3600, before + 3602);
    expect(must(job.expiresAt).getTime() / 1000).to.be.within(before + 3630, before + 3632);
    const [listed] = (await queue.list('topic', { limit: 10 })).jobs;
    expect(listed).to.deep.include({ id: BINARY, body: BINARY, dueAt: job.dueAt, state: 'delayed' });
    expect((await queue.stats()).topics[0]).to.deep.include({
      topic: Buffer.from('topic'),
      delayed: 1,
      nextDueAt: job.dueAt,
    });
  });

  it('lists every job of one second, even if the last job of a page was removed', async () => {
    const queue = ground.queue();
    const at = Math.floor(Date.now() / 1000) + 3600;
    for (const id of ['1', '2', '3', '4']) {
      await client().push(id, 'topic', 'b', 3600);
      await ground.raw.zadd(`${ground.prefix}:job_pool`, at, id);
    }
    const { jobs, cursor } = await queue.list('topic', { limit: 2 });
    expect(idsOf(jobs)).to.deep.equal(['1', '2']);
    await queue.remove('2');
    expect(idsOf((await queue.list('topic', { limit: 10, cursor })).jobs)).to.include.members(['3', '4']);
  });

  it('pops, finds, lists and counts a job that the original daemon promoted', async () => {
    const queue = ground.queue();
    await client().push('1', 'topic', 'one', 0);
    await client().push('2', 'topic', 'two', 0);
    await daemon().tick();
    expect(must((await queue.find('1'))[0])).to.include({ state: 'ready' });
    expect((await queue.list('topic', { limit: 10 })).jobs.map(({ state }) => state)).to.deep.equal([
      'ready',
      'ready',
    ]);
    expect((await queue.stats()).topics[0]).to.deep.include({ ready: 2, due: 0 });
    const jobs = await queue.popMany('topic', 10);
    expect(idsOf(jobs).sort()).to.deep.equal(['1', '2']);
    expect(jobs.map(({ dueAt }) => dueAt)).to.deep.equal([undefined, undefined]);
  });

  it('delivers a job once that the original daemon promoted twice', async () => {
    const queue = ground.queue();
    await client().push('1', 'topic', 'one', 0);
    const slow = daemon();
    const due = await slow.look();
    await maintainAll(queue);
    await slow.move(due);
    await slow.move(due);
    expect(await ground.raw.llen(`${ground.prefix}:ready_queue:topic`)).to.equal(3);
    expect((await queue.popMany('topic', 10)).map(textOf)).to.deep.equal(['one']);
    expect(await queue.pop('topic')).to.be.undefined;
  });

  it('scans a job once that the original daemon promoted twice', async () => {
    const queue = ground.queue();
    await client().push('1', 'topic', 'b', 0);
    await daemon().tick();
    await ground.raw.lpush(`${ground.prefix}:ready_queue:topic`, '1');
    const seen: string[] = [];
    for await (const { jobs } of queue.scan({ topics: 'topic' })) seen.push(...idsOf(jobs));
    expect(seen).to.deep.equal(['1']);
  });

  it('reserves a job once that the original daemon promoted twice', async () => {
    const queue = ground.queue();
    await client().push('1', 'topic', 'one', 0);
    const due = await daemon().look();
    await daemon().move(due);
    await daemon().move(due);
    const jobs = await reserve(queue, 'topic', 1, 60_000);
    expect(jobs).to.have.length(1);
    expect(await reserve(queue, 'topic', 1, 60_000)).to.be.empty;
    await queue.release(jobs);
    expect(textOf(await queue.pop('topic'))).to.equal('one');
    expect(await queue.pop('topic')).to.be.undefined;
  });

  it('delivers a ready job that a client pushed again at its new due time', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'old' });
    await maintainAll(queue);
    await client().push('1', 'topic', 'new', 1);
    expect(await queue.pop('topic')).to.be.undefined;
    expect(textOf(await queue.bpop('topic', { timeoutMs: 10_000 }))).to.equal('new');
    expect(await queue.pop('topic')).to.be.undefined;
  });

  it('counts and lists a ready job that a client pushed again once', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'old' });
    await maintainAll(queue);
    await client().push('1', 'topic', 'new', 3600);
    expect((await queue.stats()).topics[0]).to.include({ ready: 0, expired: 0, due: 0, delayed: 1 });
    const { jobs } = await queue.list('topic', { limit: 10 });
    expect(jobs.map(({ state, body }) => [state, String(body)])).to.deep.equal([['delayed', 'new']]);
  });

  it('counts and lists a ready job that a client pushed to another topic only there', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'old', body: 'old' });
    await maintainAll(queue);
    await client().push('1', 'new', 'new', 0);
    await daemon().tick();
    const { topics } = await queue.stats();
    expect(topics.map(({ topic, ready, expired }) => [String(topic), ready, expired])).to.deep.equal([
      ['new', 1, 0],
      ['old', 0, 0],
    ]);
    expect((await queue.list('old', { limit: 10 })).jobs).to.be.empty;
    expect((await queue.list('new', { limit: 10 })).jobs.map(textOf)).to.deep.equal(['new']);
  });

  it('delivers a job of a client that expires in thousands of years', async () => {
    const queue = ground.queue();
    await client().push('1', 'topic', 'b', 0, 200_000_000_000);
    await maintainAll(queue);
    const job = must(await queue.pop('topic'));
    expect(must(job.expiresAt).getTime()).to.be.above(200_000_000_000_000);
    expect(job.dueAt).to.be.instanceOf(Date);
  });

  it('can import a job of a client that expires in thousands of years as it was listed', async () => {
    const queue = ground.queue();
    await client().push('1', 'topic', 'b', 3600, 200_000_000_000);
    const [job] = (await queue.list('topic')).jobs as (JobRecord & { topic: Buffer; body: Buffer })[];
    await queue.remove('1');
    expect((await queue.import([must(job)])).outcomes).to.deep.equal(['imported']);
    expect((await queue.list('topic')).jobs).to.deep.equal([job]);
  });

  it('puts jobs of one second back in their order when they are released, whatever their ids', async () => {
    const queue = ground.queue();
    const ids = Array.from({ length: 9 }, (_, i) => `${i}`);
    const due = Math.floor(Date.now() / 1000) - 10;
    for (const id of ids) {
      await client().push(id, 'topic', id, 60);
      await ground.raw.zadd(`${ground.prefix}:job_pool`, due, id);
    }
    const leases = await reserve(queue, 'topic', 9);
    expect(idsOf(leases)).to.deep.equal(ids);
    const named = [7, 2, 8, 4, 3, 6, 5].map((i) => must(leases[i]));
    await queue.release(named);
    expect(idsOf(await reserve(queue, 'topic', 9))).to.deep.equal(ids.slice(2));
  });

  it('puts a job back before those of its second when it is released together with a later one', async () => {
    const queue = ground.queue();
    const [second] = (await ground.raw.time()).map(Number);
    // The scores make both due in one second, even if the clock moved on between the pushes.
    for (const id of ['1', '2']) await client().push(id, 'topic', id, 0, 60);
    await ground.raw.zadd(`${ground.prefix}:job_pool`, must(second), '1', must(second), '2');
    await queue.push({ id: '3', topic: 'topic', body: '3' });
    await maintainAll(queue);
    const held = await queue.hold([{ id: '1' }, { id: '3' }], { leaseMs: 60_000, holder: 'operator' });
    expect(idsOf((await queue.list('topic', { states: ['ready'] })).jobs)).to.deep.equal(['2']);
    await queue.release(held.flatMap(({ lease }) => lease ?? []));
    expect(idsOf(await queue.popMany('topic', 3))).to.deep.equal(['1', '2', '3']);
  });

  it('shows no due time of an earlier job of the id', async () => {
    const queue = ground.queue();
    const { dueAt: old } = await queue.push({ id: '1', topic: 'topic', body: 'old', ttlMs: 3_600_000 });
    await maintainAll(queue);
    expect(textOf(await client().pop('topic'))).to.equal('old');
    await client().push('1', 'topic', 'new', 0);
    await daemon().tick();
    const found = must((await queue.find('1'))[0]);
    expect(found.dueAt).to.not.deep.equal(old);
    expect(must(await queue.pop('topic')).dueAt).to.not.deep.equal(old);
  });

  it('distinguishes jobs of one id that expire after the last time it knows', async () => {
    const queue = ground.queue();
    for (const topic of ['other', 'topic']) {
      await client().push('1', 'topic', 'old', -3600, 200_000_000_000_000);
      await maintainAll(queue);
      await client().push('1', topic, 'new', 0, 200_000_000_000_000);
      await daemon().tick();
      expect((await queue.find('1'))[0]?.dueAt, `found in ${topic}`).to.be.undefined;
      expect((await queue.list(topic, { limit: 10 })).jobs.map(({ dueAt }) => dueAt)).to.deep.equal([
        undefined,
      ]);
      expect(must(await queue.pop(topic)).dueAt, `popped from ${topic}`).to.be.undefined;
    }
  });

  it('delivers a ready job that a client pushed to another topic only there', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'old', body: 'old' });
    await maintainAll(queue);
    await client().push('1', 'new', 'new', 0);
    await daemon().tick();
    expect(await queue.pop('old')).to.be.undefined;
    expect(textOf(await queue.pop('new'))).to.equal('new');
  });

  it('keeps a job that a client pushed under the id of a leased one when the lease is acked', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'leased' });
    const jobs = await reserve(queue, 'topic', 1, 60_000);
    expect(await client().push('1', 'topic', 'new', 0)).to.be.true;
    expect(await queue.ack(jobs)).to.deep.equal([true]);
    expect(textOf(await queue.pop('topic'))).to.equal('new');
  });

  it('repeats, refuses and replaces jobs of a client as its own', async () => {
    const queue = ground.queue();
    await client().push('1', 'topic', 'b', 3600);
    const [before] = await queue.find('1');
    const job = { id: '1', topic: 'topic', body: 'b' };
    const [repeated] = await queue.pushMany([job]);
    expect(repeated).to.deep.include({ outcome: 'repeated', dueAt: must(before).dueAt });
    expect((await queue.pushMany([{ ...job, body: 'c' }]))[0]).to.include({ outcome: 'conflict' });
    expect((await queue.find('1'))[0]).to.deep.equal(before);
    expect((await queue.push({ ...job, body: 'c' }, { onExisting: 'replace' })).outcome).to.equal('replaced');
    expect(textOf(await queue.pop('topic'))).to.equal('c');
  });
});

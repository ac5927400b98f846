import { expect } from 'chai';
import { idsOf, must, promoteAll, textOf } from '../contract/world.js';
import { useRedis } from '../support/redis.js';
import { OriginalClient, OriginalDaemon } from './original.js';

const BINARY = Buffer.from([0, 255, 10, 13, 0x7b, 0x7d, 0xc3, 0x28]);

describe('what an original client pushed', () => {
  const ground = useRedis();
  const client = () => new OriginalClient(ground.raw, ground.prefix);
  const daemon = () => new OriginalDaemon(ground.raw, ground.prefix);

  it('delayer promotes and pops, byte for byte', async () => {
    const queue = ground.queue();
    await client().push(BINARY, BINARY, BINARY, 0, 30);
    expect((await queue.store.promote()).promoted).to.equal(1);
    const job = must(await queue.pop(BINARY));
    expect(job).to.deep.include({ id: BINARY, topic: BINARY, body: BINARY, attempts: 1, state: 'ready' });
    expect(await ground.raw.keys(`${ground.prefix}:*`)).to.be.empty;
  });

  it('delayer gives in the order of the due times, with expiry and due time as the client set them', async () => {
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

  it('delayer does not give before the due time', async () => {
    const queue = ground.queue();
    await client().push('1', 'topic', 'b', 3600);
    await promoteAll(queue.store);
    expect(await queue.pop('topic')).to.be.undefined;
  });

  it('delayer gives to a waiting bpop when it is due', async () => {
    const queue = ground.queue();
    const waiting = queue.bpop('topic', { timeoutMs: 10_000 });
    await client().push('1', 'topic', 'at once', 0);
    expect(textOf(await waiting)).to.equal('at once');
    const next = queue.bpop('topic', { timeoutMs: 10_000 });
    await client().push('2', 'topic', 'in a second', 1);
    expect(textOf(await next)).to.equal('in a second');
  });

  it('delayer removes, and leaves no key behind', async () => {
    const queue = ground.queue();
    await client().push(BINARY, 'topic', 'b', 3600);
    expect(await queue.remove(BINARY)).to.be.true;
    expect(await ground.raw.keys(`${ground.prefix}:*`)).to.be.empty;
  });

  it('delayer finds, lists and counts while it is delayed', async () => {
    const queue = ground.queue();
    const before = Math.floor(Date.now() / 1000);
    await client().push(BINARY, 'topic', BINARY, 3600, 30);
    const job = must((await queue.find(BINARY))[0]);
    expect(job).to.deep.include({ id: BINARY, topic: Buffer.from('topic'), body: BINARY, state: 'delayed' });
    expect(must(job.dueAt).getTime() / 1000).to.be.within(before + 3600, before + 3602);
    expect(must(job.expiresAt).getTime() / 1000).to.be.within(before + 3630, before + 3632);
    const [listed] = (await queue.list('topic', { limit: 10 })).jobs;
    expect(listed).to.deep.include({ id: BINARY, body: BINARY, dueAt: job.dueAt, state: 'delayed' });
    expect((await queue.survey()).topics[0]).to.deep.include({
      topic: Buffer.from('topic'),
      delayed: 1,
      nextDueAt: job.dueAt,
    });
  });

  it('delayer lists without leaving one out, when the last of a page is gone among those of one second', async () => {
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

  it('delayer pops, finds, lists and counts when the original daemon has promoted it', async () => {
    const queue = ground.queue();
    await client().push('1', 'topic', 'one', 0);
    await client().push('2', 'topic', 'two', 0);
    await daemon().tick();
    expect(must((await queue.find('1'))[0])).to.include({ state: 'ready' });
    expect((await queue.list('topic', { limit: 10 })).jobs.map(({ state }) => state)).to.deep.equal([
      'ready',
      'ready',
    ]);
    expect((await queue.survey()).topics[0]).to.deep.include({ ready: 2, due: 0 });
    const jobs = await queue.popMany('topic', 10);
    expect(idsOf(jobs).sort()).to.deep.equal(['1', '2']);
    expect(jobs.map(({ dueAt }) => dueAt)).to.deep.equal([undefined, undefined]);
  });

  it('delayer gives once, although the original daemon promoted it twice', async () => {
    const queue = ground.queue();
    await client().push('1', 'topic', 'one', 0);
    const slow = daemon();
    const due = await slow.look();
    await promoteAll(queue.store);
    await slow.move(due);
    await slow.move(due);
    expect(await ground.raw.llen(`${ground.prefix}:ready_queue:topic`)).to.equal(3);
    expect((await queue.popMany('topic', 10)).map(textOf)).to.deep.equal(['one']);
    expect(await queue.pop('topic')).to.be.undefined;
  });

  it('delayer finds ready entries that the daemon left twice once only when they are taken one by one', async () => {
    const queue = ground.queue();
    await client().push('1', 'topic', 'one', 0);
    const due = await daemon().look();
    await daemon().move(due);
    await daemon().move(due);
    const { jobs } = await queue.lease('topic', 1, 60_000);
    expect(jobs).to.have.length(1);
    expect((await queue.lease('topic', 1, 60_000)).jobs).to.be.empty;
    await queue.putBack(jobs);
    expect(textOf(await queue.pop('topic'))).to.equal('one');
    expect(await queue.pop('topic')).to.be.undefined;
  });

  it('delayer gives under its new due time, when the client pushed the id of a ready job again', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'old' });
    await promoteAll(queue.store);
    await client().push('1', 'topic', 'new', 1);
    expect(await queue.pop('topic')).to.be.undefined;
    expect(textOf(await queue.bpop('topic', { timeoutMs: 10_000 }))).to.equal('new');
    expect(await queue.pop('topic')).to.be.undefined;
  });

  it('delayer counts and lists once, when the client pushed the id of a ready job again', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'old' });
    await promoteAll(queue.store);
    await client().push('1', 'topic', 'new', 3600);
    expect((await queue.survey()).topics[0]).to.include({ ready: 0, dead: 0, due: 0, delayed: 1 });
    const { jobs } = await queue.list('topic', { limit: 10 });
    expect(jobs.map(({ state, body }) => [state, String(body)])).to.deep.equal([['delayed', 'new']]);
  });

  it('delayer counts and lists in its new topic alone, when the client pushed the id of a ready job to another', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'old', body: 'old' });
    await promoteAll(queue.store);
    await client().push('1', 'new', 'new', 0);
    await daemon().tick();
    const { topics } = await queue.survey();
    expect(topics.map(({ topic, ready, dead }) => [String(topic), ready, dead])).to.deep.equal([
      ['new', 1, 0],
      ['old', 0, 0],
    ]);
    expect((await queue.list('old', { limit: 10 })).jobs).to.be.empty;
    expect((await queue.list('new', { limit: 10 })).jobs.map(textOf)).to.deep.equal(['new']);
  });

  it('delayer gives with its due time and expiry, also when that is thousands of years away', async () => {
    const queue = ground.queue();
    await client().push('1', 'topic', 'b', 0, 200_000_000_000);
    await promoteAll(queue.store);
    const job = must(await queue.pop('topic'));
    expect(must(job.expiresAt).getTime()).to.be.above(200_000_000_000_000);
    expect(job.dueAt).to.be.instanceOf(Date);
  });

  it('delayer tells no due time that belonged to an earlier job of the id', async () => {
    const queue = ground.queue();
    const { dueAt: old } = await queue.push({ id: '1', topic: 'topic', body: 'old', ttlMs: 3_600_000 });
    await promoteAll(queue.store);
    expect(textOf(await client().pop('topic'))).to.equal('old');
    await client().push('1', 'topic', 'new', 0);
    await daemon().tick();
    const found = must((await queue.find('1'))[0]);
    expect(found.dueAt).to.not.deep.equal(old);
    expect(must(await queue.pop('topic')).dueAt).to.not.deep.equal(old);
  });

  it('delayer gives in its new topic alone, when the client pushed the id of a ready job to another', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'old', body: 'old' });
    await promoteAll(queue.store);
    await client().push('1', 'new', 'new', 0);
    await daemon().tick();
    expect(await queue.pop('old')).to.be.undefined;
    expect(textOf(await queue.pop('new'))).to.equal('new');
  });

  it('is a job of its own beside a leased one of that id, and confirming that does not delete it', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'leased' });
    const { jobs } = await queue.lease('topic', 1, 60_000);
    expect(await client().push('1', 'topic', 'new', 0)).to.be.true;
    expect(await queue.confirm(jobs)).to.deep.equal([true]);
    expect(textOf(await queue.pop('topic'))).to.equal('new');
  });

  it('delayer repeats, refuses and replaces by the same rules as its own', async () => {
    const queue = ground.queue();
    await client().push('1', 'topic', 'b', 3600);
    const [before] = await queue.find('1');
    const job = { id: '1', topic: 'topic', body: 'b' };
    const [repeated] = await queue.pushMany([job]);
    expect(repeated).to.deep.include({ outcome: 'repeated', dueAt: must(before).dueAt });
    expect((await queue.pushMany([{ ...job, body: 'c' }]))[0]).to.include({ outcome: 'conflict' });
    expect((await queue.find('1'))[0]).to.deep.equal(before);
    expect((await queue.push({ ...job, body: 'c' }, 'replace')).outcome).to.equal('replaced');
    expect(textOf(await queue.pop('topic'))).to.equal('c');
  });
});

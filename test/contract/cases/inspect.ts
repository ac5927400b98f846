import { expect } from 'chai';
import { LONG_MS, must, promoteAll, untilPast, type World } from '../world.js';

export function describeLooking(world: () => World): void {
  describe('find', () => {
    it('finds nothing where nothing is', async () => {
      const { qa, name } = world();
      expect(await qa.find(name('id'))).to.deep.equal([]);
    });

    it('finds a delayed job with all that is known of it', async () => {
      const { qa, qb, name } = world();
      const [id, topic] = [name('id'), name('topic')];
      const { dueAt } = await qa.push({ id, topic, body: 'b', delayMs: LONG_MS, ttlMs: 1000 });
      const [job, ...others] = await qb.find(id);
      expect(others).to.be.empty;
      expect(job).to.deep.include({
        id: Buffer.from(id),
        topic: Buffer.from(topic),
        body: Buffer.from('b'),
        state: 'delayed',
        dueAt,
        expiresAt: new Date(must(dueAt).getTime() + 1000),
        attempts: 0,
      });
    });

    it('tells a due job that nobody moved yet from a delayed one', async () => {
      const { a, qa, qb, name } = world();
      const { id, dueAt } = await qa.push({ topic: name('topic'), body: 'b', delayMs: 10 });
      await untilPast(a, must(dueAt));
      expect(must((await qb.find(id))[0]).state).to.equal(a.needsPromotion ? 'due' : 'ready');
    });

    it('finds a ready job, its due time, and how many come before it', async () => {
      const { a, qa, qb, name } = world();
      const topic = name('topic');
      const pushed = await qa.pushMany([1, 2, 3].map((i) => ({ topic, body: `body ${i}` })));
      await promoteAll(a);
      for (const [i, { id, dueAt }] of pushed.entries()) {
        expect(must((await qb.find(id))[0])).to.deep.include({ state: 'ready', dueAt, readyAhead: i });
      }
    });

    it('finds how many come before a ready job, whatever has died in other topics', async () => {
      const { a, qa, qb, name } = world();
      const topic = name('topic');
      const dead = await qa.push({ topic: name('other'), body: 'b', ttlMs: 150 });
      await qa.push({ topic, body: 'first' });
      const { id } = await qa.push({ topic, body: 'second' });
      await promoteAll(a);
      await untilPast(a, must(dead.dueAt).getTime() + 150);
      expect(must((await qb.find(id))[0])).to.deep.include({ state: 'ready', readyAhead: 1 });
    });

    it('finds a leased job, its lease and when that ends', async () => {
      const { qa, qb, name } = world();
      const topic = name('topic');
      const { id } = await qa.push({ topic, body: 'b' });
      const { lease, leaseUntil } = must((await qa.lease(topic, 1, LONG_MS)).jobs[0]);
      const [job] = await qb.find(id);
      expect(job).to.deep.include({
        state: 'leased',
        lease,
        leaseUntil,
        attempts: 1,
        body: Buffer.from('b'),
      });
    });

    it('finds a dead job that was not cleared away yet', async () => {
      const { a, qa, qb, name } = world();
      const { id, dueAt } = await qa.push({ topic: name('topic'), body: 'b', ttlMs: 20 });
      await untilPast(a, must(dueAt).getTime() + 20);
      expect(must((await qb.find(id))[0])).to.deep.include({ id, state: 'dead' });
    });

    it('changes nothing', async () => {
      const { qa, qb, name } = world();
      const topic = name('topic');
      const { id } = await qa.push({ topic, body: 'b' });
      const before = await qa.find(id);
      await qb.find(id);
      await qb.list(topic, { limit: 10 });
      await qb.survey();
      expect(await qa.find(id)).to.deep.equal(before);
    });
  });

  describe('survey', () => {
    it('counts the jobs of every topic by state, in order of topic', async () => {
      const { a, qa, qb, name } = world();
      const stem = name('topic');
      const [one, two, three] = [`${stem}-1`, `${stem}-2`, `${stem}-3`];
      await qa.pushMany(Array.from({ length: 5 }, () => ({ topic: two, body: 'b' })));
      await qa.lease(two, 2, LONG_MS);
      await promoteAll(a);
      const [first] = await qa.pushMany([
        { topic: three, body: 'b', delayMs: LONG_MS },
        { topic: three, body: 'b', delayMs: 2 * LONG_MS },
        { topic: one, body: 'b', delayMs: 5 },
      ]);
      const due = await qa.push({ topic: one, body: 'c', delayMs: 10 });
      await untilPast(a, must(due.dueAt));
      const { topics } = await qb.survey();
      const counts = topics.map((count) => ({
        ...count,
        topic: count.topic.toString(),
        nextDueAt: undefined,
      }));
      const zero = { delayed: 0, due: 0, ready: 0, leased: 0, dead: 0, nextDueAt: undefined };
      expect(counts).to.deep.equal([
        { ...zero, topic: one, ...(a.needsPromotion ? { due: 2 } : { ready: 2 }) },
        { ...zero, topic: two, ready: 3, leased: 2 },
        { ...zero, topic: three, delayed: 2 },
      ]);
      expect(topics[2]?.nextDueAt).to.deep.equal(first?.dueAt);
    });

    it('counts ready jobs that have died, and those behind them', async () => {
      const { a, qa, qb, name } = world();
      const topic = name('topic');
      const { dueAt } = await qa.push({ topic, body: 'b', ttlMs: 60 });
      await qa.push({ topic, body: 'b' });
      await promoteAll(a);
      await untilPast(a, must(dueAt).getTime() + 60);
      expect((await qb.survey()).topics[0]).to.deep.include({ ready: 1, dead: 1, delayed: 0, due: 0 });
    });

    it('counts every one of many', async () => {
      const { a, qa, qb, name } = world();
      const topic = name('topic');
      const jobs = (count: number, delayMs: number) =>
        Array.from({ length: count }, () => ({ topic, body: 'b', delayMs }));
      await qa.pushMany(jobs(1300, 0));
      await promoteAll(a);
      for (let i = 0; i < 2; i += 1) await qa.lease(topic, 300, LONG_MS);
      await qa.pushMany(jobs(1700, LONG_MS));
      expect((await qb.survey()).topics[0]).to.deep.include({
        ready: 700,
        leased: 600,
        delayed: 1700,
        due: 0,
      });
    });

    it('counts nothing where nothing is', async () => {
      const { qa } = world();
      expect((await qa.survey()).topics).to.deep.equal([]);
    });

    it('sees a daemon that announced itself, and misses one that retired', async () => {
      const { a, qb, name } = world();
      const daemon = name('daemon');
      const missing = async () => (await qb.survey()).problems.some(({ code }) => code === 'no_daemon');
      expect(await missing()).to.equal(a.needsPromotion);
      await a.announce(daemon);
      expect(await missing()).to.be.false;
      await a.retire(daemon);
      expect(await missing()).to.equal(a.needsPromotion);
    });
  });
}

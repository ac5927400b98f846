import { expect } from 'chai';
import { drain, LONG_MS, must, promoteAll, textOf, untilPast, type World } from '../world.js';

export function describeExpiry(world: () => World): void {
  describe('the ready lifetime', () => {
    it('counts from the due time', async () => {
      const { a, qa, name } = world();
      const topic = name('topic');
      const pushed = await qa.push({ topic, body: 'b', delayMs: 250, ttlMs: 200 });
      const dueAt = must(pushed.dueAt);
      const expiresAt = new Date(dueAt.getTime() + 200);
      expect(must((await qa.find(pushed.id))[0])).to.deep.include({ dueAt, expiresAt });
      await untilPast(a, dueAt);
      expect(must(await qa.pop(topic))).to.deep.include({ dueAt, expiresAt });
    });

    it('is a week when none is given', async () => {
      const { qa, name } = world();
      const { id, dueAt } = await qa.push({ topic: name('topic'), body: 'b', delayMs: 1000 });
      const weekLater = must(dueAt).getTime() + 604_800_000;
      expect(must((await qa.find(id))[0]).expiresAt).to.deep.equal(new Date(weekLater));
    });

    for (const promoted of [true, false]) {
      it(`passes over jobs that expired ${promoted ? 'when they were ready' : 'before anyone looked'}`, async () => {
        const { a, b, qa, qb, name } = world();
        const topic = name('topic');
        const short = await qa.pushMany(
          Array.from({ length: 5 }, () => ({ topic, body: 'dead', ttlMs: promoted ? 120 : 30 })),
        );
        await qa.push({ topic, body: 'live' });
        await qa.push({ topic, body: 'live too' });
        if (promoted) await promoteAll(b);
        await untilPast(a, must(short[4]?.dueAt).getTime() + 120);
        expect(textOf(await qb.pop(topic))).to.equal('live');
        expect(textOf(await qa.pop(topic))).to.equal('live too');
        expect(await qa.pop(topic)).to.be.undefined;
      });
    }

    it('finds the one live job behind 1200 dead ones', async () => {
      const { a, b, qa, qb, name } = world();
      const topic = name('topic');
      const dead = await qa.pushMany(
        Array.from({ length: 1200 }, () => ({ topic, body: 'dead', ttlMs: 400 })),
      );
      await qa.push({ topic, body: 'live' });
      await promoteAll(b);
      await untilPast(a, must(dead[1199]?.dueAt).getTime() + 400);
      expect(textOf(await qb.pop(topic))).to.equal('live');
    });

    it('passes over a dead job between two live ones when several are asked for', async () => {
      const { a, qa, name } = world();
      const topic = name('topic');
      await qa.push({ topic, body: 'one' });
      const dead = await qa.push({ topic, body: 'dead', ttlMs: 40 });
      await qa.push({ topic, body: 'two' });
      await promoteAll(a);
      await untilPast(a, must(dead.dueAt).getTime() + 40);
      expect((await drain(qa, topic)).map(textOf)).to.deep.equal(['one', 'two']);
    });

    it('frees the id when it is over', async () => {
      const { a, qa, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      const dead = await qa.push({ ...job, body: 'dead', ttlMs: 20 });
      await promoteAll(a);
      await untilPast(a, must(dead.dueAt).getTime() + 20);
      const again = await qa.push({ ...job, body: 'again', delayMs: 100 });
      expect(again.outcome).to.equal('pushed');
      expect(await qa.pop(job.topic)).to.be.undefined;
      expect(textOf(await qa.bpop(job.topic, { timeoutMs: 5000 }))).to.equal('again');
      expect(await qa.pop(job.topic)).to.be.undefined;
    });

    it('does not end while a job waits to be due', async () => {
      const { a, qa, name } = world();
      const topic = name('topic');
      const pushed = await qa.push({ topic, body: 'b', delayMs: 200, ttlMs: 1000 });
      await untilPast(a, must(pushed.dueAt));
      expect(textOf(await qa.pop(topic))).to.equal('b');
    });

    it('may be as long as a hundred years, and so may the delay', async () => {
      const { qa, name } = world();
      const years = 36_525 * 86_400_000;
      const { id, dueAt } = await qa.push({ topic: name('topic'), body: 'b', delayMs: years, ttlMs: years });
      const found = must((await qa.find(id))[0]);
      expect(found.dueAt).to.deep.equal(dueAt);
      expect(found.expiresAt).to.deep.equal(new Date(must(dueAt).getTime() + years));
    });

    it('gives a job put back no second life', async () => {
      const { a, qa, qb, name } = world();
      const topic = name('topic');
      await qa.push({ topic, body: 'b', ttlMs: 120 });
      const { jobs } = await qa.lease(topic, 1, LONG_MS);
      await qa.putBack(jobs);
      await untilPast(a, must(jobs[0]?.expiresAt));
      expect(await qb.pop(topic)).to.be.undefined;
    });

    it('gives a job restored after a pop no second life', async () => {
      const { a, qa, qb, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      const { dueAt } = await qa.push({ ...job, ttlMs: 60_000 });
      await untilPast(a, must(dueAt).getTime() + 20);
      const popped = must(await qa.pop(job.topic));
      await qa.restore([popped]);
      expect(must((await qb.find(job.id))[0]).expiresAt).to.deep.equal(popped.expiresAt);
    });
  });
}

import { expect } from 'chai';
import { failureOf } from '../../support/eventually.js';
import { drain, idsOf, LONG_MS, must, soon, textOf, type World } from '../world.js';

export function describePush(world: () => World): void {
  describe('push', () => {
    it('answers pushed, the id, and when the job is due by the clock of the store', async () => {
      const { a, qa, name } = world();
      const id = name('id');
      const before = await a.now();
      const receipt = await qa.push({ id, topic: name('topic'), body: 'b', delayMs: 5000 });
      const after = await a.now();
      expect(receipt.outcome).to.equal('pushed');
      expect(receipt.id.toString()).to.equal(id);
      expect(must(receipt.dueAt).getTime()).to.be.within(before.getTime() + 5000, after.getTime() + 5000);
    });

    it('makes an id of its own when none is given', async () => {
      const { qa, name } = world();
      const topic = name('topic');
      const first = await qa.push({ topic, body: 'b' });
      const second = await qa.push({ topic, body: 'b' });
      expect(first.id).to.have.length.greaterThan(0);
      expect(first.id.equals(second.id)).to.be.false;
    });

    it('is due at a given moment, to the millisecond', async () => {
      const { a, qa, name } = world();
      const at = await soon(a, 12_345);
      const receipt = await qa.push({ topic: name('topic'), body: 'b', at });
      expect(receipt.dueAt).to.deep.equal(at);
      expect(must((await qa.find(receipt.id))[0]).dueAt).to.deep.equal(at);
    });

    it('is due to the millisecond in years far away as well', async () => {
      const { qa, name } = world();
      // In the months after 2^31 seconds a number of seconds is the least exact in its milliseconds.
      const first = Date.UTC(2038, 5, 1);
      const moments = Array.from({ length: 100 }, (_, i) => new Date(first + 37 * i));
      const topic = name('topic');
      const receipts = await qa.pushMany(moments.map((at) => ({ topic, body: 'b', at })));
      expect(receipts.map(({ dueAt }) => dueAt)).to.deep.equal(moments);
      const { jobs } = await qa.list(topic, { limit: 100 });
      expect(jobs.map(({ dueAt }) => dueAt)).to.deep.equal(moments);
    });

    it('takes a moment in the past for now', async () => {
      const { a, qa, name } = world();
      const topic = name('topic');
      const before = await a.now();
      const receipt = await qa.push({ topic, body: 'b', at: new Date(1_000_000) });
      expect(must(receipt.dueAt).getTime()).to.be.within(before.getTime(), (await a.now()).getTime());
      expect(textOf(await qa.pop(topic))).to.equal('b');
    });

    it('answers repeated for the same content, and the job stays due when it was', async () => {
      const { qa, qb, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'same' };
      const first = await qa.push({ ...job, delayMs: LONG_MS });
      const again = await qb.push({ ...job, delayMs: 1 });
      expect(again.outcome).to.equal('repeated');
      expect(again.dueAt).to.deep.equal(first.dueAt);
      expect(must((await qa.find(job.id))[0]).dueAt).to.deep.equal(first.dueAt);
    });

    it('answers repeated for a job that is ready by now, and delivers it once', async () => {
      const { qa, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'same' };
      await qa.push(job);
      await qa.store.promote();
      expect((await qa.push({ ...job, delayMs: LONG_MS })).outcome).to.equal('repeated');
      expect(textOf(await qa.pop(job.topic))).to.equal('same');
      expect(await qa.find(job.id)).to.be.empty;
    });

    for (const other of ['body', 'topic'] as const) {
      it(`refuses another ${other} under an id in use, and changes nothing`, async () => {
        const { qa, qb, name } = world();
        const job = { id: name('id'), topic: name('topic'), body: 'first', delayMs: LONG_MS };
        await qa.push(job);
        const before = await qa.find(job.id);
        const error = await failureOf(qb.push({ ...job, [other]: name('other'), delayMs: 1 }));
        expect(error).to.include({ code: 'job_exists', exitCode: 65 });
        expect(error.message).to.contain(job.id);
        expect(await qa.find(job.id)).to.deep.equal(before);
      });
    }

    it('keeps the job of that id when told to, and says so', async () => {
      const { qa, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'first', delayMs: LONG_MS };
      await qa.push(job);
      const before = await qa.find(job.id);
      const kept = await qa.push({ ...job, body: 'second', delayMs: 1 }, 'keep');
      expect(kept.outcome).to.equal('kept');
      expect(kept.dueAt).to.deep.equal(must(before[0]).dueAt);
      expect(await qa.find(job.id)).to.deep.equal(before);
      expect((await qa.push({ ...job, id: name('new') }, 'keep')).outcome).to.equal('pushed');
    });

    it('lets every job of a batch stand or fall by itself, in order', async () => {
      const { qa, name } = world();
      const [topic, id] = [name('topic'), name('id')];
      const delayMs = LONG_MS;
      const receipts = await qa.pushMany([
        { id, topic, body: 'one', delayMs },
        { id, topic, body: 'one', delayMs },
        { id, topic, body: 'two', delayMs },
        { id: name('id'), topic, body: 'two', delayMs },
      ]);
      expect(receipts.map(({ outcome }) => outcome)).to.deep.equal([
        'pushed',
        'repeated',
        'conflict',
        'pushed',
      ]);
      expect(textOf((await qa.find(id))[0])).to.equal('one');
      expect(await qa.pushMany([])).to.deep.equal([]);
    });

    it('lets every job of a long batch stand or fall by itself, wherever in it the others are', async () => {
      const { qa, name } = world();
      const topic = name('topic');
      const request = (i: number, body = `body ${i}`) => ({ id: `${topic}-${i}`, topic, body });
      const batch = Array.from({ length: 120 }, (_, i) => request(i));
      await qa.pushMany([request(30), request(99, 'other')]);
      batch.splice(60, 1, request(10), request(60));
      const outcomes = (await qa.pushMany(batch)).map(({ outcome }) => outcome);
      const expected = batch.map(() => 'pushed');
      expected[30] = 'repeated';
      expected[60] = 'repeated';
      expected[100] = 'conflict';
      expect(outcomes).to.deep.equal(expected);
      const popped = await drain(qa, topic);
      expect(popped.map(textOf).sort()).to.deep.equal(
        Array.from({ length: 120 }, (_, i) => (i === 99 ? 'other' : `body ${i}`)).sort(),
      );
    });

    it('tells of a repeat in the same batch, and of one that is ready, when it is due', async () => {
      const { a, qa, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'same' };
      const [first, again] = await qa.pushMany([job, { ...job, delayMs: LONG_MS }]);
      expect(again).to.deep.equal({ ...must(first), outcome: 'repeated' });
      await a.promote();
      expect(await qa.push({ ...job, delayMs: LONG_MS })).to.deep.equal(again);
    });

    it('takes in 5000 at once, in order', async () => {
      const { qa, name } = world();
      const topic = name('topic');
      const receipts = await qa.pushMany(Array.from({ length: 5000 }, () => ({ topic, body: 'b' })));
      expect(receipts.every(({ outcome }) => outcome === 'pushed')).to.be.true;
      expect(idsOf(await drain(qa, topic, 500))).to.deep.equal(idsOf(receipts));
    });

    it('answers as many results as a batch has jobs, each for its own', async () => {
      const { a, qa, name } = world();
      const topic = name('topic');
      const base = (await a.now()).getTime() + LONG_MS;
      const requests = Array.from({ length: 1100 }, (_, i) => ({
        id: `${topic}-${i}`,
        topic,
        body: `body ${i}`,
        at: new Date(base + i),
      }));
      const receipts = await qa.pushMany(requests);
      expect(receipts.map(({ dueAt }) => dueAt?.getTime())).to.deep.equal(
        requests.map(({ at }) => at.getTime()),
      );
      expect(receipts.map(({ id }) => id.toString())).to.deep.equal(requests.map(({ id }) => id));
    });

    it('takes an id again once its job was popped', async () => {
      const { qa, qb, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await qa.push({ ...job, body: 'first' });
      expect(textOf(await qb.pop(job.topic))).to.equal('first');
      expect((await qa.push({ ...job, body: 'second' })).outcome).to.equal('pushed');
      expect(textOf(await qb.pop(job.topic))).to.equal('second');
    });
  });
}

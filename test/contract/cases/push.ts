import { expect } from 'chai';
import { failureOf } from '../../support/eventually.js';
import {
  drain,
  idsOf,
  jobsOf,
  LONG_MS,
  maintainAll,
  must,
  reserve,
  soon,
  textOf,
  type World,
} from '../world.js';

export function describePush(world: () => World): void {
  describe('push', () => {
    it('a push returns pushed, the id, and the due time by the clock of the store', async () => {
      const { queue, clock, name } = world();
      const id = name('id');
      clock.stop();
      const receipt = await queue.push({ id, topic: name('topic'), body: 'b', delayMs: 5000 });
      expect(receipt.outcome).to.equal('pushed');
      expect(receipt.id.toString()).to.equal(id);
      expect(receipt.dueAt).to.deep.equal(new Date(clock.now() + 5000));
    });

    it('a push without an id makes a unique one', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      const first = await queue.push({ topic, body: 'b' });
      const second = await queue.push({ topic, body: 'b' });
      expect(first.id).to.have.length.greaterThan(0);
      expect(first.id.equals(second.id)).to.be.false;
    });

    it('a job that is pushed for a time is due then, to the millisecond', async () => {
      const { queue, name } = world();
      const at = await soon(queue, 12_345);
      const receipt = await queue.push({ topic: name('topic'), body: 'b', at });
      expect(receipt.dueAt).to.deep.equal(at);
      expect(must((await queue.find(receipt.id))[0]).dueAt).to.deep.equal(at);
    });

    it('a due time after 2038 is kept to the millisecond', async () => {
      const { queue, name } = world();
      // From 2^31 seconds on (January 2038) a double is less exact.
      const first = Date.UTC(2038, 5, 1);
      const times = Array.from({ length: 100 }, (_, i) => new Date(first + 37 * i));
      const topic = name('topic');
      const receipts = await queue.pushMany(times.map((at) => ({ topic, body: 'b', at })));
      expect(receipts.map(({ dueAt }) => dueAt)).to.deep.equal(times);
      const { jobs } = await queue.list(topic, { limit: 100 });
      expect(jobs.map(({ dueAt }) => dueAt)).to.deep.equal(times);
    });

    it('a job that is pushed for a time in the past is due now', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const receipt = await queue.push({ topic, body: 'b', at: new Date(1_000_000) });
      expect(receipt.dueAt).to.deep.equal(new Date(clock.now()));
      expect(textOf(await queue.pop(topic))).to.equal('b');
    });

    it('a push of the same content returns repeated, and leaves the due time as it was', async () => {
      const { queue, peer, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'same' };
      const first = await queue.push({ ...job, delayMs: LONG_MS });
      const again = await peer.push({ ...job, delayMs: 1 });
      expect(again.outcome).to.equal('repeated');
      expect(again.dueAt).to.deep.equal(first.dueAt);
      expect(must((await queue.find(job.id))[0]).dueAt).to.deep.equal(first.dueAt);
    });

    it('a push of the same content as a ready job returns repeated, and the job is delivered once', async () => {
      const { queue, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'same' };
      await queue.push(job);
      await maintainAll(queue);
      expect((await queue.push({ ...job, delayMs: LONG_MS })).outcome).to.equal('repeated');
      expect(textOf(await queue.pop(job.topic))).to.equal('same');
      expect(await queue.find(job.id)).to.be.empty;
    });

    for (const other of ['body', 'topic'] as const) {
      it(`a push of another ${other} under an id in use is refused, and changes nothing`, async () => {
        const { queue, peer, name } = world();
        const job = { id: name('id'), topic: name('topic'), body: 'first', delayMs: LONG_MS };
        await queue.push(job);
        const before = await queue.find(job.id);
        const error = await failureOf(peer.push({ ...job, [other]: name('other'), delayMs: 1 }));
        expect(error).to.include({ code: 'job_exists', exitCode: 65 });
        expect(error.message).to.contain(job.id);
        expect(await queue.find(job.id)).to.deep.equal(before);
      });
    }

    it('a push with onExisting: keep returns kept and changes nothing, or pushed for a new id', async () => {
      const { queue, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'first', delayMs: LONG_MS };
      await queue.push(job);
      const before = await queue.find(job.id);
      const kept = await queue.push({ ...job, body: 'second', delayMs: 1 }, { onExisting: 'keep' });
      expect(kept.outcome).to.equal('kept');
      expect(kept.dueAt).to.deep.equal(must(before[0]).dueAt);
      expect(await queue.find(job.id)).to.deep.equal(before);
      const other = await queue.push({ ...job, id: name('new') }, { onExisting: 'keep' });
      expect(other.outcome).to.equal('pushed');
    });

    for (const [what, hold] of [
      ['is leased', undefined],
      ['waits for a newer one of its id', 'newer'],
    ] as const) {
      it(`a push with onExisting: keep returns kept for a job that ${what}, and pushes others of the same call`, async () => {
        const { queue, peer, name } = world();
        const [topic, id, other] = [name('topic'), name('id'), name('other')];
        const job = { id, topic, body: 'first' };
        await queue.push(job);
        const [lease] = await reserve(queue, topic, 1);
        if (hold !== undefined) {
          const newer = name('newer');
          await queue.push({ id, topic: newer, body: hold });
          await queue.nack([must(lease)], { delayMs: LONG_MS });
          expect(textOf(await queue.pop(newer))).to.equal(hold);
        }
        const away = await queue.find(id);
        expect(away).to.have.length(1);
        for (const body of ['first', 'second']) {
          const results = await peer.pushMany(
            [
              { ...job, body },
              { ...job, id: other, body: 'o' },
            ],
            { onExisting: 'keep' },
          );
          expect(results.map(({ outcome }) => outcome)).to.deep.equal([
            'kept',
            body === 'first' ? 'pushed' : 'repeated',
          ]);
          expect((await peer.push({ ...job, body }, { onExisting: 'keep' })).outcome).to.equal('kept');
        }
        expect(await queue.find(id)).to.deep.equal(away);
      });
    }

    it('a push with onExisting: keep pushes an id whose only job is a dead letter', async () => {
      const { queue, name } = world();
      const [topic, id] = [name('topic'), name('id')];
      await queue.push({ id, topic, body: 'b' });
      await queue.nack(await reserve(queue, topic, 1), { dead: true });
      expect((await queue.push({ id, topic, body: 'b' }, { onExisting: 'keep' })).outcome).to.equal('pushed');
    });

    it('each job of a batch is pushed, repeated or a conflict by itself, in order', async () => {
      const { queue, name } = world();
      const [topic, id] = [name('topic'), name('id')];
      const delayMs = LONG_MS;
      const receipts = await queue.pushMany([
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
      expect(textOf((await queue.find(id))[0])).to.equal('one');
      expect(await queue.pushMany([])).to.deep.equal([]);
    });

    it('each job of a long batch is pushed, repeated or a conflict by itself, at any place in it', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      const request = (i: number, body = `body ${i}`) => ({ id: `${topic}-${i}`, topic, body });
      const batch = Array.from({ length: 120 }, (_, i) => request(i));
      await queue.pushMany([request(30), request(99, 'other')]);
      batch.splice(60, 1, request(10), request(60));
      const outcomes = (await queue.pushMany(batch)).map(({ outcome }) => outcome);
      const expected = batch.map(() => 'pushed');
      expected[30] = 'repeated';
      expected[60] = 'repeated';
      expected[100] = 'conflict';
      expect(outcomes).to.deep.equal(expected);
      const popped = await drain(queue, topic);
      expect(popped.map(textOf).sort()).to.deep.equal(
        Array.from({ length: 120 }, (_, i) => (i === 99 ? 'other' : `body ${i}`)).sort(),
      );
    });

    it('a repeated push returns the due time of the existing job, in the same batch and when that is ready', async () => {
      const { queue, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'same' };
      const [first, again] = await queue.pushMany([job, { ...job, delayMs: LONG_MS }]);
      expect(again).to.deep.equal({ ...must(first), outcome: 'repeated' });
      await maintainAll(queue);
      expect(await queue.push({ ...job, delayMs: LONG_MS })).to.deep.equal(again);
    });

    it('a batch of 5000 jobs is pushed by one call, and delivered in order', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      const receipts = await queue.pushMany(jobsOf(topic, 5000));
      expect(receipts.every(({ outcome }) => outcome === 'pushed')).to.be.true;
      expect(idsOf(await drain(queue, topic, 500))).to.deep.equal(idsOf(receipts));
    });

    it('a batch of 1100 jobs returns a result for each, in order', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      const base = (await soon(queue, LONG_MS)).getTime();
      const requests = jobsOf(topic, 1100).map((job, i) => ({
        ...job,
        id: `${topic}-${i}`,
        at: new Date(base + i),
      }));
      const receipts = await queue.pushMany(requests);
      expect(receipts.map(({ dueAt }) => dueAt)).to.deep.equal(requests.map(({ at }) => at));
      expect(idsOf(receipts)).to.deep.equal(requests.map(({ id }) => id));
    });

    it('an id can be pushed again once its job was popped', async () => {
      const { queue, peer, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await queue.push({ ...job, body: 'first' });
      expect(textOf(await peer.pop(job.topic))).to.equal('first');
      expect((await queue.push({ ...job, body: 'second' })).outcome).to.equal('pushed');
      expect(textOf(await peer.pop(job.topic))).to.equal('second');
    });

    it('an id can be pushed again once its job was acknowledged', async () => {
      const { queue, peer, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await queue.push({ ...job, body: 'first' });
      const { jobs } = await queue.reserve({ topics: job.topic, limit: 1, leaseMs: LONG_MS });
      await queue.ack(jobs);
      expect((await queue.push({ ...job, body: 'second' })).outcome).to.equal('pushed');
      expect(textOf(await peer.pop(job.topic))).to.equal('second');
    });
  });
}

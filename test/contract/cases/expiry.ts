import { expect } from 'chai';
import {
  DAY_MS,
  drain,
  HOUR_MS,
  jobsOf,
  LONG_MS,
  maintainAll,
  MINUTE_MS,
  must,
  only,
  reserve,
  SECOND_MS,
  statesOf,
  textOf,
  type World,
} from '../world.js';

export function describeExpiry(world: () => World): void {
  describe('the ready lifetime', () => {
    it('a ready lifetime counts from the due time', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const { id, dueAt } = await queue.push({ topic, body: 'b', delayMs: HOUR_MS, ttlMs: MINUTE_MS });
      const expiresAt = new Date(must(dueAt).getTime() + MINUTE_MS);
      expect(only(await queue.find(id))).to.deep.include({ dueAt, expiresAt });
      clock.advance(HOUR_MS + MINUTE_MS - 1);
      expect(await queue.pop(topic)).to.deep.include({ dueAt, expiresAt });
    });

    it('a ready lifetime is a week by default', async () => {
      const { queue, name } = world();
      const { id, dueAt } = await queue.push({ topic: name('topic'), body: 'b', delayMs: 1000 });
      const weekLater = must(dueAt).getTime() + 7 * DAY_MS;
      expect(only(await queue.find(id)).expiresAt).to.deep.equal(new Date(weekLater));
    });

    it('a ready lifetime and a delay may be as long as a hundred years', async () => {
      const { queue, name } = world();
      const years = 36_525 * DAY_MS;
      const { id, dueAt } = await queue.push({
        topic: name('topic'),
        body: 'b',
        delayMs: years,
        ttlMs: years,
      });
      const found = only(await queue.find(id));
      expect(found.dueAt).to.deep.equal(dueAt);
      expect(found.expiresAt).to.deep.equal(new Date(must(dueAt).getTime() + years));
    });

    it('a job is delivered in the last millisecond of its ready lifetime, and not in the next', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      for (const [afterMs, bodies] of [
        [MINUTE_MS - 1, ['body 0', 'body 1']],
        [MINUTE_MS, []],
      ] as const) {
        clock.stop();
        await queue.pushMany(jobsOf(topic, 2, { ttlMs: MINUTE_MS }));
        clock.advance(afterMs);
        expect((await queue.popMany(topic, 5)).map(textOf)).to.deep.equal(bodies);
      }
    });

    it('a job is found as expired from the millisecond in which its ready lifetime ends', async () => {
      const { queue, clock, name } = world();
      clock.stop();
      const { id } = await queue.push({ topic: name('topic'), body: 'b', ttlMs: MINUTE_MS });
      await maintainAll(queue);
      clock.advance(MINUTE_MS - 1);
      expect(statesOf(await queue.find(id))).to.deep.equal(['ready']);
      expect((await queue.stats()).totals).to.include({ ready: 1, expired: 0 });
      clock.advance(1);
      expect(statesOf(await queue.find(id))).to.deep.equal(['expired']);
      expect((await queue.stats()).totals).to.include({ ready: 0, expired: 1 });
    });

    for (const promoted of [true, false]) {
      it(`jobs that expired ${promoted ? 'when they were ready' : 'before they were promoted'} are skipped`, async () => {
        const { queue, peer, clock, name } = world();
        const topic = name('topic');
        await queue.pushMany(jobsOf(topic, 5, { ttlMs: SECOND_MS }));
        await queue.push({ topic, body: 'live' });
        await queue.push({ topic, body: 'live too' });
        if (promoted) await maintainAll(queue);
        clock.advance(2 * SECOND_MS);
        expect(textOf(await peer.pop(topic))).to.equal('live');
        expect(textOf(await queue.pop(topic))).to.equal('live too');
        expect(await queue.pop(topic)).to.be.undefined;
      });
    }

    it('the one live job behind 1200 expired ones is delivered', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      await queue.pushMany(jobsOf(topic, 1200, { ttlMs: MINUTE_MS }));
      await queue.push({ topic, body: 'live' });
      await maintainAll(queue);
      clock.advance(2 * MINUTE_MS);
      expect(textOf(await peer.pop(topic))).to.equal('live');
    });

    it('an expired job between two live ones is skipped when several are asked for', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'one' });
      await queue.push({ topic, body: 'expires', ttlMs: MINUTE_MS });
      await queue.push({ topic, body: 'two' });
      await maintainAll(queue);
      clock.advance(2 * MINUTE_MS);
      expect((await drain(queue, topic)).map(textOf)).to.deep.equal(['one', 'two']);
    });

    it('an id can be pushed again when the ready lifetime of its job is over', async () => {
      const { queue, clock, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await queue.push({ ...job, body: 'expires', ttlMs: MINUTE_MS });
      await maintainAll(queue);
      clock.advance(2 * MINUTE_MS);
      const again = await queue.push({ ...job, body: 'again', delayMs: MINUTE_MS });
      expect(again.outcome).to.equal('pushed');
      expect(await queue.pop(job.topic)).to.be.undefined;
      clock.advance(MINUTE_MS);
      expect(textOf(await queue.pop(job.topic))).to.equal('again');
      expect(await queue.pop(job.topic)).to.be.undefined;
    });

    it('maintain clears an expired job away, and counts it', async () => {
      const { queue, clock, name } = world();
      const { id } = await queue.push({ topic: name('topic'), body: 'b', ttlMs: MINUTE_MS });
      clock.advance(2 * MINUTE_MS);
      // A store may show it as expired for a while.
      expect(await queue.maintain()).to.include({ expired: 1, promoted: 0, reclaimed: 0, deleted: 0 });
      expect(statesOf(await queue.find(id)).filter((state) => state !== 'expired')).to.be.empty;
    });

    it('a ready lifetime stands still while its job is leased, and a release gives the rest of it back', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const { id } = await queue.push({ topic, body: 'b', ttlMs: 10 * SECOND_MS });
      await maintainAll(queue);
      clock.advance(4 * SECOND_MS);
      const jobs = await reserve(queue, topic, 1, 45 * MINUTE_MS);
      clock.advance(30 * MINUTE_MS);
      await queue.extend(jobs, 45 * MINUTE_MS);
      clock.advance(30 * MINUTE_MS);
      await maintainAll(peer);
      expect(await queue.release(jobs)).to.deep.equal([true]);
      const expiresAt = new Date(clock.now() + 6 * SECOND_MS);
      expect(only(await peer.find(id))).to.deep.include({ state: 'ready', expiresAt });
      clock.advance(6 * SECOND_MS - 1);
      const [job] = await reserve(peer, topic, 1);
      expect(job).to.deep.include({ body: Buffer.from('b'), attempts: 1 });
      await peer.release([must(job)]);
      clock.advance(1);
      expect(await peer.pop(topic)).to.be.undefined;
      expect(statesOf(await queue.find(id)).filter((state) => state !== 'expired')).to.be.empty;
    });

    it('a ready lifetime stands still during each of several leases', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const { id } = await queue.push({ topic, body: 'b', ttlMs: 10 * SECOND_MS });
      await maintainAll(queue);
      for (const leftMs of [9, 8, 7].map((seconds) => seconds * SECOND_MS)) {
        clock.advance(SECOND_MS);
        const jobs = await reserve(queue, topic);
        clock.advance(20 * MINUTE_MS);
        await queue.release(jobs);
        expect(only(await queue.find(id)).expiresAt).to.deep.equal(new Date(clock.now() + leftMs));
      }
    });

    it('a job whose lease ends has the rest of its ready lifetime from then on', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const { id } = await queue.push({ topic, body: 'b', ttlMs: 10 * SECOND_MS });
      await maintainAll(queue);
      clock.advance(4 * SECOND_MS);
      await reserve(queue, topic, 1, MINUTE_MS);
      clock.advance(MINUTE_MS + 1);
      expect(await peer.maintain()).to.include({ reclaimed: 1, expired: 0 });
      const { state, expiresAt } = only(await peer.find(id));
      expect(state).to.equal('ready');
      // The job has what was left when its lease began; a store may count from the end of the lease or from when it was noticed.
      expect(must(expiresAt).getTime()).to.be.within(
        clock.now() + 6 * SECOND_MS - 1,
        clock.now() + 6 * SECOND_MS,
      );
      clock.advance(5 * SECOND_MS);
      expect(await peer.pop(topic)).to.deep.include({ body: Buffer.from('b'), attempts: 2 });
    });

    it('a job does not expire while it is leased, and can be acknowledged', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      const { id } = await queue.push({ topic, body: 'b', ttlMs: MINUTE_MS });
      const jobs = await reserve(queue, topic, 1, LONG_MS);
      clock.advance(LONG_MS - MINUTE_MS);
      await maintainAll(peer);
      expect(only(await peer.find(id))).to.have.property('state', 'leased');
      expect(await queue.ack(jobs)).to.deep.equal([true]);
    });

    it('a job that was popped and is restored keeps the time at which it expires', async () => {
      const { queue, peer, clock, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      await queue.push({ ...job, ttlMs: MINUTE_MS });
      clock.advance(20 * SECOND_MS);
      const popped = must(await queue.pop(job.topic));
      clock.advance(20 * SECOND_MS);
      await queue.restore([popped]);
      expect(only(await peer.find(job.id)).expiresAt).to.deep.equal(popped.expiresAt);
    });

    it('a job that was popped, is restored and fails expires its whole ready lifetime after the next try is due', async () => {
      const { queue, clock, name } = world();
      clock.stop();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      await queue.push({ ...job, ttlMs: MINUTE_MS });
      await queue.restore([must(await queue.pop(job.topic))]);
      await queue.nack(await reserve(queue, job.topic), { delayMs: 10 * SECOND_MS });
      const { expiresAt } = only(await queue.find(job.id));
      expect(expiresAt).to.deep.equal(new Date(clock.now() + 10 * SECOND_MS + MINUTE_MS));
    });
  });
}

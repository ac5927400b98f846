import { areHeld } from '../../support/jobs.js';
import { expect } from 'chai';
import { failureOf } from '../../support/eventually.js';
import {
  drain,
  HOUR_MS,
  idsOf,
  jobsOf,
  LONG_MS,
  maintainAll,
  MINUTE_MS,
  must,
  only,
  reserve,
  SECOND_MS,
  statesOf,
  type World,
} from '../world.js';

export function describeNack(world: () => World): void {
  describe('nack with a delay', () => {
    it('a nacked job is delayed, due the given time from now, with its attempts counted', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const { id } = await queue.push({ topic, body: 'b' });
      const jobs = await reserve(queue, topic);
      clock.advance(SECOND_MS);
      const [result] = await queue.nack(jobs, { delayMs: MINUTE_MS, reason: 'kept with the attempt' });
      expect(result?.outcome).to.equal('retried');
      const dueAt = new Date(clock.now() + MINUTE_MS);
      const found = only(await peer.find(id));
      expect(found).to.deep.include({
        topic: Buffer.from(topic),
        body: Buffer.from('b'),
        state: 'delayed',
        dueAt,
        attempts: 1,
      });
      expect([found.lease, found.leaseUntil, found.blockedBy]).to.deep.equal([
        undefined,
        undefined,
        undefined,
      ]);
      clock.advance(MINUTE_MS - 1);
      await maintainAll(queue);
      expect(await peer.pop(topic)).to.be.undefined;
      clock.advance(1);
      expect(await peer.pop(topic)).to.deep.include({ body: Buffer.from('b'), dueAt, attempts: 2 });
      expect(await queue.ack(jobs)).to.deep.equal([false]);
    });

    it('a nacked job has its whole ready lifetime from its new due time', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const { id } = await queue.push({ topic, body: 'b', ttlMs: 10 * SECOND_MS });
      await maintainAll(queue);
      clock.advance(4 * SECOND_MS);
      const jobs = await reserve(queue, topic);
      clock.advance(30 * MINUTE_MS);
      await queue.nack(jobs, { delayMs: MINUTE_MS });
      const expiresAt = new Date(clock.now() + MINUTE_MS + 10 * SECOND_MS);
      expect(only(await peer.find(id)).expiresAt).to.deep.equal(expiresAt);
      clock.advance(MINUTE_MS + 10 * SECOND_MS - 1);
      expect(await peer.pop(topic)).to.deep.include({ expiresAt });
    });

    it('a nacked job has its whole ready lifetime even after hours of leases and releases', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const { id } = await queue.push({ topic, body: 'b', ttlMs: 10 * SECOND_MS });
      await maintainAll(queue);
      clock.advance(4 * SECOND_MS);
      const first = await reserve(queue, topic, 1, 2 * HOUR_MS);
      clock.advance(HOUR_MS);
      await queue.release(first);
      await queue.nack(await reserve(queue, topic), { delayMs: MINUTE_MS });
      expect(only(await peer.find(id)).expiresAt).to.deep.equal(
        new Date(clock.now() + MINUTE_MS + 10 * SECOND_MS),
      );
    });

    it('a job that is nacked repeatedly keeps its attempts and its ready lifetime', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const { id } = await queue.push({ topic, body: 'b', delayMs: 5000, ttlMs: 10 * SECOND_MS });
      clock.advance(5000);
      for (const attempts of [1, 2, 3, 4]) {
        const jobs = await reserve(queue, topic);
        expect(only(jobs).attempts).to.equal(attempts);
        await queue.nack(jobs, { delayMs: MINUTE_MS });
        expect(only(await queue.find(id))).to.deep.include({
          state: 'delayed',
          attempts,
          expiresAt: new Date(clock.now() + MINUTE_MS + 10 * SECOND_MS),
        });
        clock.advance(MINUTE_MS + SECOND_MS);
      }
    });

    it('a nacked job can be removed while it is delayed', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const { id } = await queue.push({ topic, body: 'b' });
      await queue.nack(await reserve(queue, topic), { delayMs: MINUTE_MS });
      expect(await peer.remove(id)).to.be.true;
      expect(await queue.find(id)).to.be.empty;
      expect((await queue.stats()).topics).to.deep.equal([]);
    });

    it('a job that is nacked with no delay is ready at once, behind those that were ready before', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      const [first, ...others] = await queue.pushMany(jobsOf(topic, 3));
      await maintainAll(queue);
      const jobs = await reserve(queue, topic);
      clock.advance(SECOND_MS);
      await queue.nack(jobs, { delayMs: 0 });
      expect(idsOf(await peer.popMany(topic, 5))).to.deep.equal(idsOf([...others, must(first)]));
    });

    it('a nack by the bare lease string from another process leaves the rest of its reservation leased', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      await queue.pushMany(jobsOf(topic, 3));
      const jobs = await reserve(queue, topic, 3);
      expect(areHeld(await peer.nack([must(jobs[1]).lease], { delayMs: LONG_MS }))).to.deep.equal([true]);
      const states = [];
      for (const { id } of jobs) states.push(...statesOf(await queue.find(id)));
      expect(states).to.deep.equal(['leased', 'delayed', 'leased']);
      expect(await queue.ack(jobs)).to.deep.equal([true, false, true]);
    });

    it('a nack of several leases answers for each, in order, whether it was still held', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      await queue.pushMany(jobsOf(topic, 4));
      const one = await reserve(queue, topic, 2);
      const two = await reserve(queue, topic, 2);
      await queue.ack([must(one[1])]);
      const turns = [must(two[0]), must(one[0]), must(one[1]), must(two[1])];
      expect(areHeld(await peer.nack(turns, { delayMs: LONG_MS }))).to.deep.equal([true, true, false, true]);
      expect(areHeld(await peer.nack(turns, { delayMs: LONG_MS }))).to.deep.equal([
        false,
        false,
        false,
        false,
      ]);
      expect(areHeld(await peer.nack([], { delayMs: LONG_MS }))).to.deep.equal([]);
      expect((await queue.stats()).totals).to.include({ delayed: 3, leased: 0 });
    });

    it('600 jobs that are nacked at once each come back once, in their order', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      const pushed = await queue.pushMany(jobsOf(topic, 600));
      await maintainAll(queue);
      const jobs = [...(await reserve(queue, topic, 300)), ...(await reserve(queue, topic, 300))];
      await queue.nack(jobs, { delayMs: MINUTE_MS });
      clock.advance(MINUTE_MS + SECOND_MS);
      expect(idsOf(await drain(peer, topic, 500))).to.deep.equal(idsOf(pushed));
    });

    it('a nack with both a delay and dead is refused, and the job stays leased', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'b' });
      const jobs = await reserve(queue, topic);
      const error = await failureOf(queue.nack(jobs, { delayMs: 1, dead: true }));
      expect(error).to.include({ code: 'usage' });
      expect(await queue.ack(jobs)).to.deep.equal([true]);
    });
  });
}

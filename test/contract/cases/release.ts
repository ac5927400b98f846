import { expect } from 'chai';
import {
  drain,
  idsOf,
  jobsOf,
  LONG_MS,
  maintainAll,
  must,
  only,
  reserve,
  textOf,
  type World,
} from '../world.js';

export function describeRelease(world: () => World): void {
  describe('release', () => {
    it('released jobs are ready again in their old order, without the attempt', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const pushed = await queue.pushMany(jobsOf(topic, 5));
      const jobs = await reserve(queue, topic, 3);
      expect(await queue.release(jobs)).to.deep.equal([true, true, true]);
      const got = await peer.popMany(topic, 10);
      expect(idsOf(got)).to.deep.equal(idsOf(pushed));
      expect(got.map(({ attempts }) => attempts)).to.deep.equal([1, 1, 1, 1, 1]);
    });

    it('a released job keeps its due time, ready lifetime and content', async () => {
      const { queue, peer, clock, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      clock.stop();
      await queue.push({ ...job, ttlMs: LONG_MS });
      await maintainAll(queue);
      const [before] = await queue.find(job.id);
      await queue.release(await reserve(queue, job.topic));
      const { key, ...released } = only(await peer.find(job.id));
      expect(key).to.be.a('string');
      expect(released).to.deep.equal(before);
    });

    it('a job that was released twice has its original ready lifetime when it is retried', async () => {
      const { queue, peer, clock, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      clock.stop();
      await queue.push({ ...job, ttlMs: LONG_MS });
      const taken = await reserve(queue, job.topic);
      clock.advance(1000);
      await queue.release(taken);
      await queue.release(await reserve(queue, job.topic));
      await queue.nack(await reserve(queue, job.topic), { delayMs: 2000 });
      const { dueAt, expiresAt } = only(await peer.find(job.id));
      expect(Number(expiresAt) - Number(dueAt)).to.equal(LONG_MS);
    });

    it('a release by the bare lease string from another process leaves the rest of its reservation leased', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      await queue.pushMany(jobsOf(topic, 3));
      const jobs = await reserve(queue, topic, 3);
      expect(await peer.release([must(jobs[1]).lease])).to.deep.equal([true]);
      expect((await peer.popMany(topic, 10)).map(textOf)).to.deep.equal(['body 1']);
      expect(await queue.ack(jobs)).to.deep.equal([true, false, true]);
    });

    it('jobs that are released in parts come back to their old places', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      for (const parts of [
        [[3], [0, 1, 2]],
        [[0, 1, 2], [3]],
        [[1], [3], [0, 2]],
        [
          [2, 0],
          [3, 1],
        ],
      ]) {
        const pushed = await queue.pushMany(jobsOf(topic, 5));
        const jobs = await reserve(queue, topic, 4);
        for (const part of parts) await peer.release(part.map((i) => must(jobs[i])));
        expect(idsOf(await peer.popMany(topic, 10))).to.deep.equal(idsOf(pushed));
      }
    });

    it('jobs of two reservations that are released in either order come back to their old places', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      for (const order of [
        [0, 1],
        [1, 0],
      ]) {
        const pushed = await queue.pushMany(jobsOf(topic, 7));
        const reservations = [await reserve(queue, topic, 3), await reserve(peer, topic, 2)];
        for (const i of order) await queue.release(must(reservations[i]));
        expect(idsOf(await peer.popMany(topic, 10))).to.deep.equal(idsOf(pushed));
      }
    });

    it('a released job is delivered before those that became ready while it was leased', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      const old = await queue.pushMany(jobsOf(topic, 3));
      const jobs = await reserve(queue, topic, 3);
      clock.advance(1000);
      const later = await queue.pushMany(jobsOf(topic, 3));
      await maintainAll(queue);
      await queue.release(jobs);
      expect(idsOf(await peer.popMany(topic, 10))).to.deep.equal(idsOf([...old, ...later]));
    });

    it('600 jobs of two reservations that are released together come back to their old places', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const pushed = await queue.pushMany(jobsOf(topic, 600));
      await maintainAll(queue);
      const jobs = [...(await reserve(queue, topic, 300)), ...(await reserve(queue, topic, 300))];
      expect(await queue.release(jobs)).to.deep.equal(jobs.map(() => true));
      expect(idsOf(await drain(peer, topic, 500))).to.deep.equal(idsOf(pushed));
    });

    it('a second release, and one after an ack, return false and bring no job back', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      await queue.pushMany(jobsOf(topic, 2));
      const jobs = await reserve(queue, topic, 2);
      await queue.ack(jobs.slice(0, 1));
      expect(await queue.release(jobs)).to.deep.equal([false, true]);
      expect(await queue.release(jobs)).to.deep.equal([false, false]);
      expect((await peer.popMany(topic, 10)).map(textOf)).to.deep.equal(['body 1']);
      expect(await queue.release([])).to.deep.equal([]);
    });

    it('a release takes back only its own attempt', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'b' });
      await reserve(queue, topic, 1, 1000);
      clock.advance(1001);
      const jobs = await reserve(queue, topic);
      expect(only(jobs).attempts).to.equal(2);
      await queue.release(jobs);
      expect(only(await reserve(queue, topic)).attempts).to.equal(2);
    });
  });
}

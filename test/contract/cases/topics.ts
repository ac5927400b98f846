import { areHeld } from '../../support/jobs.js';
import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { failureOf } from '../../support/eventually.js';
import { drain, idsOf, jobsOf, LONG_MS, maintainAll, must, reserve, textOf, type World } from '../world.js';

/** Longer than any wait here should take, and short enough for a broken one to end. */
const WAIT_MS = 8000;

export function describeTopics(world: () => World): void {
  describe('several topics', () => {
    /** Three topics, of which the last comes first by name and by time of push. */
    async function threeTopics(counts: readonly [number, number, number]) {
      const { queue, name } = world();
      const stem = name('topic');
      const topics = [`${stem}-c`, `${stem}-b`, `${stem}-a`];
      for (const [i, topic] of [...topics.entries()].reverse()) {
        await queue.pushMany(
          jobsOf(topic, must(counts[i])).map((job, k) => ({ ...job, id: `${topic}-${k}` })),
        );
      }
      await maintainAll(queue);
      return topics;
    }
    const ids = (topic: string | undefined, ...numbers: number[]) => numbers.map((k) => `${topic}-${k}`);

    it('a pop of several topics returns the job of the first topic that has one, whatever is due first', async () => {
      const { peer } = world();
      const topics = await threeTopics([1, 1, 1]);
      const got = [];
      for (let i = 0; i < 3; i += 1) got.push(must(await peer.pop(topics)));
      expect(idsOf(got)).to.deep.equal(topics.flatMap((topic) => ids(topic, 0)));
      expect(got.map(({ topic }) => topic.toString())).to.deep.equal(topics);
      expect(await peer.pop(topics)).to.be.undefined;
    });

    it('a pop of 10,000 topics returns the job of the last one, unless that is paused', async () => {
      const { queue, peer, name } = world();
      const stem = name('topic');
      const topics = Array.from({ length: 10_000 }, (_, i) => `${stem}-${i}`);
      const last = must(topics.at(-1));
      await queue.push({ topic: last, body: 'of the last' });
      await queue.pause(last);
      expect(await peer.pop(topics)).to.be.undefined;
      await queue.resume(last);
      expect(textOf(await peer.bpop(topics, { timeoutMs: WAIT_MS }))).to.equal('of the last');
    });

    it('ready jobs behind expired ones are delivered before those of the next topic', async () => {
      const { queue, peer, clock, name } = world();
      const [x, y] = [name('first'), name('second')];
      await queue.push({ id: `${x}-expired`, topic: x, body: 'b', ttlMs: 1000 });
      await queue.pushMany([0, 1].map((k) => ({ id: `${x}-${k}`, topic: x, body: 'b' })));
      await queue.push({ id: `${y}-0`, topic: y, body: 'b' });
      await maintainAll(queue);
      clock.advance(1001);
      expect(idsOf(await peer.popMany([x, y], 2))).to.deep.equal(ids(x, 0, 1));
    });

    it('a popMany fills its count from the topics in order of preference', async () => {
      const { peer } = world();
      const topics = await threeTopics([2, 3, 4]);
      const [x, y, z] = topics;
      expect(idsOf(await peer.popMany(topics, 4))).to.deep.equal([...ids(x, 0, 1), ...ids(y, 0, 1)]);
      expect(idsOf(await peer.popMany(topics, 4))).to.deep.equal([...ids(y, 2), ...ids(z, 0, 1, 2)]);
      expect(idsOf(await peer.popMany(topics, 4))).to.deep.equal(ids(z, 3));
    });

    it('a reserve fills its count from the topics in order of preference', async () => {
      const { queue, peer } = world();
      const topics = await threeTopics([2, 3, 4]);
      const [x, y, z] = topics;
      const jobs = await reserve(peer, topics, 7);
      expect(idsOf(jobs)).to.deep.equal([...ids(x, 0, 1), ...ids(y, 0, 1, 2), ...ids(z, 0, 1)]);
      expect(jobs.map(({ topic }) => topic.toString())).to.deep.equal([x, x, y, y, y, z, z]);
      expect(new Set(jobs.map(({ lease }) => lease)).size).to.equal(7);
      expect(await queue.ack(jobs)).to.deep.equal(jobs.map(() => true));
      expect(idsOf(await drain(queue, topics))).to.deep.equal(ids(z, 2, 3));
    });

    it('jobs of several topics that were reserved together each come back to their own topic', async () => {
      const { queue, peer, clock } = world();
      const topics = await threeTopics([2, 2, 2]);
      for (const end of ['release', 'reclaim'] as const) {
        const jobs = await reserve(queue, topics, 5, 1000);
        expect(jobs).to.have.length(5);
        if (end === 'release') await queue.release(jobs);
        else clock.advance(1001);
        await maintainAll(peer);
        const { topics: rows } = await peer.stats();
        expect(rows.map(({ ready }) => ready)).to.deep.equal([2, 2, 2]);
      }
      for (const topic of topics) {
        expect(idsOf(await drain(peer, topic))).to.deep.equal(ids(topic, 0, 1));
      }
    });

    it('leases of one reservation over several topics can be acked and released one by one', async () => {
      const { queue, peer } = world();
      const topics = await threeTopics([1, 1, 1]);
      const jobs = await reserve(queue, topics, 3);
      expect(await peer.ack([must(jobs[1])])).to.deep.equal([true]);
      expect(await peer.release([must(jobs[2]), must(jobs[0])])).to.deep.equal([true, true]);
      expect(idsOf(await drain(peer, topics))).to.deep.equal([...ids(topics[0], 0), ...ids(topics[2], 0)]);
    });

    it('extended leases of a reservation over several topics come back to their own topics', async () => {
      const { queue, peer, clock } = world();
      const topics = await threeTopics([2, 2, 2]);
      const jobs = await reserve(queue, topics, 6, 1000);
      await peer.extend([must(jobs[3]), must(jobs[4])], LONG_MS);
      clock.advance(1001);
      await maintainAll(peer);
      const counts = async () =>
        (await peer.stats()).topics.map(({ ready, leased }) => [ready, leased]).reverse();
      expect(await counts()).to.deep.equal([
        [2, 0],
        [1, 1],
        [1, 1],
      ]);
      expect(areHeld(await queue.nack([must(jobs[3])], { dead: true }))).to.deep.equal([true]);
      expect(await queue.release([must(jobs[4]).lease])).to.deep.equal([true]);
      expect(idsOf(await drain(peer, must(topics[2])))).to.deep.equal(ids(topics[2], 0, 1));
      expect(idsOf((await queue.list(must(topics[1]), { states: ['dead'] })).jobs)).to.deep.equal(
        ids(topics[1], 1),
      );
    });

    it('a topic that is given twice is read once', async () => {
      const { queue } = world();
      const topics = await threeTopics([2, 2, 0]);
      const [x = '', y = ''] = topics;
      const jobs = await reserve(queue, [x, y, x], 10);
      expect(idsOf(jobs)).to.deep.equal([...ids(x, 0, 1), ...ids(y, 0, 1)]);
    });

    it('a call without topics is refused as a usage error', async () => {
      const { queue } = world();
      for (const call of [queue.pop([]), queue.popMany([], 5), queue.bpop([]), reserve(queue, [])]) {
        expect(await failureOf(call)).to.include({ code: 'usage' });
      }
    });

    it('a bpop of several topics returns the job of the first topic that has one', async () => {
      const { queue } = world();
      const topics = await threeTopics([0, 1, 1]);
      const [, y, z] = topics;
      expect(await queue.bpop(topics)).to.deep.include({ topic: Buffer.from(must(y)) });
      expect(await queue.bpop(topics)).to.deep.include({ topic: Buffer.from(must(z)) });
    });

    it('a bpop of several topics wakes at a push of another process to any of them', async () => {
      const { queue, peer } = world();
      const topics = await threeTopics([0, 0, 0]);
      for (const topic of topics) {
        const waiting = queue.bpop(topics, { timeoutMs: WAIT_MS });
        await sleep(20); // Lets the wait begin; without it the test would pass, but prove less.
        await peer.push({ topic, body: `for ${topic}` });
        expect(textOf(await waiting)).to.equal(`for ${topic}`);
      }
    });

    it('a bpop of 200 topics wakes at a push to the last of them', async () => {
      const { queue, peer, name } = world();
      const stem = name('topic');
      const topics = Array.from({ length: 200 }, (_, i) => `${stem}-${i}`);
      const waiting = queue.bpop(topics, { timeoutMs: WAIT_MS });
      await sleep(20);
      await peer.push({ topic: must(topics[199]), body: 'b' });
      expect(textOf(await waiting)).to.equal('b');
    });

    it('a bpop of several topics returns a job that becomes due in any of them, on time', async () => {
      const { queue, peer } = world();
      const topics = await threeTopics([0, 0, 0]);
      await peer.push({ topic: must(topics[0]), body: 'late', delayMs: LONG_MS });
      const { dueAt } = await peer.push({ topic: must(topics[2]), body: 'early', delayMs: 60 });
      expect(textOf(await queue.bpop(topics, { timeoutMs: WAIT_MS }))).to.equal('early');
      expect((await queue.now()).getTime()).to.be.at.least(must(dueAt).getTime());
    });
  });
}

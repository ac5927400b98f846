import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DAY_MS,
  drain,
  idsOf,
  LONG_MS,
  maintainAll,
  must,
  reserve,
  shuffled,
  soon,
  type World,
} from '../world.js';

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

export function describeOrder(world: () => World): void {
  describe('order and time', () => {
    it('jobs are delivered in order of due time, whatever the order of pushing and the process', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      const base = (await soon(queue, LONG_MS)).getTime();
      for (const [i, k] of shuffled(numbers(40)).entries()) {
        const producer = i % 2 === 0 ? queue : peer;
        await producer.push({ id: `${topic}-${k}`, topic, body: 'b', at: new Date(base + k) });
      }
      clock.advance(LONG_MS + 40);
      expect(idsOf(await drain(peer, topic, 7))).to.deep.equal(numbers(40).map((k) => `${topic}-${k}`));
    });

    it('600 jobs of one batch with one due time are delivered in the order of pushing', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      const at = await soon(queue, LONG_MS);
      const ids = shuffled(numbers(600)).map((k) => `${topic}-${k}`);
      await queue.pushMany(ids.map((id) => ({ id, topic, body: 'b', at })));
      clock.advance(LONG_MS);
      await maintainAll(queue);
      expect(idsOf(await drain(peer, topic))).to.deep.equal(ids);
    });

    it('300 jobs that are due at once are delivered in the order of pushing', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      const ids = shuffled(numbers(300)).map((k) => `${topic}-${k}`);
      await queue.pushMany(ids.map((id) => ({ id, topic, body: 'b' })));
      expect(idsOf(await drain(queue, topic))).to.deep.equal(ids);
    });

    it('jobs with one due time that two processes push one by one are delivered in the order of pushing', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      const at = await soon(queue, LONG_MS);
      const ids = shuffled(numbers(50)).map((k) => `${topic}-${k}`);
      for (const [i, id] of ids.entries()) {
        await (i % 2 === 0 ? queue : peer).push({ id, topic, body: 'b', at });
      }
      clock.advance(LONG_MS);
      expect(idsOf(await drain(queue, topic))).to.deep.equal(ids);
    });

    it('jobs with one due time after 2038 are listed in the order of pushing', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      // From 2^31 seconds on (January 2038) a double is less exact.
      const times = numbers(20).map((i) => new Date(Date.UTC(2038, 5, 1) + 37 * i));
      const ids: string[] = [];
      for (const at of times) {
        for (const k of [3, 2, 1]) {
          const id = `${topic}-${k}-${at.getTime()}`;
          await queue.push({ id, topic, body: 'b', at });
          ids.push(id);
        }
      }
      expect(idsOf((await queue.list(topic, { limit: 100 })).jobs)).to.deep.equal(ids);
    });

    it('jobs with one due time in several topics are delivered in the order of pushing within each topic', async () => {
      const { queue, clock, name } = world();
      const topics = [name('x'), name('y')] as const;
      const at = await soon(queue, LONG_MS);
      const jobs = shuffled(numbers(60)).map((k) => ({
        id: `${topics[0]}-${k}`,
        topic: topics[k % 2 === 0 ? 0 : 1],
        body: 'b',
        at,
      }));
      await queue.pushMany(jobs);
      clock.advance(LONG_MS);
      for (const topic of topics) {
        const wanted = jobs.filter((job) => job.topic === topic).map(({ id }) => id);
        expect(idsOf(await drain(queue, topic))).to.deep.equal(wanted);
      }
    });

    it('no job is delivered in the millisecond before it is due, and each is delivered in the millisecond in which it is', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      for (const delayMs of [1, 999, 1000, 1001, 60_000, DAY_MS + 1]) {
        const { dueAt } = await queue.push({ topic, body: 'b', delayMs });
        expect(dueAt).to.deep.equal(new Date(clock.now() + delayMs));
        clock.advance(delayMs - 1);
        await maintainAll(queue);
        expect(await peer.pop(topic)).to.be.undefined;
        clock.advance(1);
        expect(await peer.pop(topic)).to.deep.include({ dueAt });
      }
    });

    it('no job is delivered early by the clock of the store while time runs', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const delays = shuffled(numbers(60)).map((k) => 3 * k);
      const receipts = await queue.pushMany(delays.map((delayMs) => ({ topic, body: 'b', delayMs })));
      const dueAt = new Map(
        receipts.map((receipt) => [receipt.id.toString(), must(receipt.dueAt).getTime()]),
      );
      let popped = 0;
      const popper = async (consumer: typeof queue) => {
        while (popped < delays.length) {
          const job = await consumer.pop(topic);
          const now = (await queue.now()).getTime();
          if (job) {
            popped += 1;
            expect(now).to.be.at.least(must(dueAt.get(job.id.toString())));
          } else await sleep(1);
        }
      };
      await Promise.all([popper(queue), popper(peer)]);
      expect(popped).to.equal(delays.length);
    });

    it('no pop or reserve delivers a job that is not due, while two processes maintain', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      await queue.pushMany(numbers(20).map((k) => ({ topic, body: 'b', delayMs: LONG_MS + k })));
      await Promise.all([maintainAll(queue), maintainAll(peer)]);
      expect(await queue.popMany(topic, 20)).to.be.empty;
      expect(await reserve(peer, topic, 20)).to.be.empty;
    });
  });
}

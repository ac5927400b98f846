import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { drain, idsOf, LONG_MS, must, promoteAll, shuffled, soon, untilPast, type World } from '../world.js';

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

export function describeOrder(world: () => World): void {
  describe('order and time', () => {
    it('gives the job due first, whatever was pushed first and by whom', async () => {
      const { a, qa, qb, name } = world();
      const topic = name('topic');
      const base = (await soon(a, 400)).getTime();
      for (const [i, k] of shuffled(numbers(40)).entries()) {
        const queue = i % 2 === 0 ? qa : qb;
        await queue.push({ id: `${topic}-${k}`, topic, body: 'b', at: new Date(base + k) });
      }
      await untilPast(a, base + 40);
      expect(idsOf(await drain(qb, topic, 7))).to.deep.equal(numbers(40).map((k) => `${topic}-${k}`));
    });

    it('keeps the order of pushing among 600 jobs of one batch that are due together', async () => {
      const { a, qa, qb, name } = world();
      const topic = name('topic');
      const at = await soon(a, 300);
      const ids = shuffled(numbers(600)).map((k) => `${topic}-${k}`);
      await qa.pushMany(ids.map((id) => ({ id, topic, body: 'b', at })));
      await untilPast(a, at);
      await promoteAll(a);
      expect(idsOf(await drain(qb, topic))).to.deep.equal(ids);
    });

    it('keeps the order of pushing among jobs that are due at once', async () => {
      const { qa, name } = world();
      const topic = name('topic');
      const ids = shuffled(numbers(300)).map((k) => `${topic}-${k}`);
      await qa.pushMany(ids.map((id) => ({ id, topic, body: 'b' })));
      expect(idsOf(await drain(qa, topic))).to.deep.equal(ids);
    });

    it('keeps the order of pushing among jobs due together that two processes push one by one', async () => {
      const { a, qa, qb, name } = world();
      const topic = name('topic');
      const at = await soon(a, 300);
      const ids = shuffled(numbers(50)).map((k) => `${topic}-${k}`);
      for (const [i, id] of ids.entries()) await (i % 2 === 0 ? qa : qb).push({ id, topic, body: 'b', at });
      await untilPast(a, at);
      expect(idsOf(await drain(qa, topic))).to.deep.equal(ids);
    });

    it('keeps the order of pushing among jobs due together years away as well', async () => {
      const { qa, name } = world();
      const topic = name('topic');
      // In the months after 2^31 seconds a number of seconds is the least exact.
      const moments = numbers(20).map((i) => new Date(Date.UTC(2038, 5, 1) + 37 * i));
      const ids: string[] = [];
      for (const at of moments) {
        for (const k of [3, 2, 1]) {
          const id = `${topic}-${k}-${at.getTime()}`;
          await qa.push({ id, topic, body: 'b', at });
          ids.push(id);
        }
      }
      expect(idsOf((await qa.list(topic, { limit: 100 })).jobs)).to.deep.equal(ids);
    });

    it('gives jobs due at the same time in several topics each in its own order', async () => {
      const { a, qa, name } = world();
      const topics = [name('x'), name('y')] as const;
      const at = await soon(a, 200);
      const jobs = shuffled(numbers(60)).map((k) => ({
        id: `${topics[0]}-${k}`,
        topic: topics[k % 2 === 0 ? 0 : 1],
        body: 'b',
        at,
      }));
      await qa.pushMany(jobs);
      await untilPast(a, at);
      for (const topic of topics) {
        const wanted = jobs.filter((job) => job.topic === topic).map(({ id }) => id);
        expect(idsOf(await drain(qa, topic))).to.deep.equal(wanted);
      }
    });

    it('never delivers a job early, by the clock of the store', async () => {
      const { a, qa, qb, name } = world();
      const topic = name('topic');
      const delays = shuffled(numbers(60)).map((k) => 3 * k);
      const receipts = await qa.pushMany(delays.map((delayMs) => ({ topic, body: 'b', delayMs })));
      const dueAt = new Map(
        receipts.map((receipt) => [receipt.id.toString(), must(receipt.dueAt).getTime()]),
      );
      let popped = 0;
      const popper = async (queue: typeof qa) => {
        while (popped < delays.length) {
          const job = await queue.pop(topic);
          const now = (await a.now()).getTime();
          if (job) {
            popped += 1;
            expect(now).to.be.at.least(must(dueAt.get(job.id.toString())));
          } else await sleep(1);
        }
      };
      await Promise.all([popper(qa), popper(qb)]);
      expect(popped).to.equal(delays.length);
    });

    it('delivers none of what is not due, whoever asks and promotes', async () => {
      const { a, b, qa, qb, name } = world();
      const topic = name('topic');
      await qa.pushMany(numbers(20).map((k) => ({ topic, body: 'b', delayMs: LONG_MS + k })));
      await Promise.all([promoteAll(a), promoteAll(b)]);
      expect(await qa.popMany(topic, 20)).to.be.empty;
      expect((await qb.lease(topic, 20, 1000)).jobs).to.be.empty;
    });

    it('tells in how many ms the next job is due', async () => {
      const { a, qa, name } = world();
      const topic = name('topic');
      await qa.push({ topic, body: 'b', delayMs: LONG_MS });
      for (const { nextInMs } of [await a.promote(), await qa.lease(topic, 1, 1000)]) {
        expect(nextInMs).to.be.within(LONG_MS - 20_000, LONG_MS);
      }
    });

    it('tells in how many ms the next job of all topics is due, and the next one of a topic at least', async () => {
      const { a, qa, name } = world();
      const stem = name('topic');
      for (const [i, delayMs] of [3 * LONG_MS, LONG_MS, 2 * LONG_MS].entries()) {
        await qa.push({ topic: `${stem}-${i}`, body: 'b', delayMs });
      }
      expect((await a.promote()).nextInMs).to.be.within(LONG_MS - 20_000, LONG_MS);
      expect((await qa.lease(`${stem}-0`, 1, 1000)).nextInMs).to.be.within(LONG_MS - 20_000, 3 * LONG_MS);
    });

    it('tells of the next job until the very millisecond in which it is due', async () => {
      const { a, qa, name } = world();
      for (let i = 0; i < 10; i += 1) {
        const topic = name('topic');
        const { dueAt } = await qa.push({ topic, body: 'b', delayMs: 10 });
        const due = must(dueAt).getTime();
        for (;;) {
          const before = (await a.now()).getTime();
          const { nextInMs } = await a.promote();
          const after = (await a.now()).getTime();
          if (after < due) expect(nextInMs).to.be.within(due - after, due - before);
          if (before >= due) break;
        }
        expect(await qa.pop(topic)).to.not.be.undefined;
      }
    });

    it('tells in how many ms the next lease ends', async () => {
      const { a, b, qa, name } = world();
      const topic = name('topic');
      await qa.push({ topic, body: 'b' });
      expect((await qa.lease(topic, 1, 60_000)).jobs).to.have.length(1);
      for (const store of [a, b]) expect((await store.promote()).nextInMs).to.be.within(40_000, 60_000);
    });

    it('tells of no next event when nothing is waiting', async () => {
      const { a, qa, name } = world();
      expect((await a.promote()).nextInMs).to.be.undefined;
      expect((await qa.lease(name('topic'), 1, 1000)).nextInMs).to.be.undefined;
    });
  });
}

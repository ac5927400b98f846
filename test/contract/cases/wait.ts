import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { idsOf, LONG_MS, must, textOf, type World } from '../world.js';

/** Longer than any wait here should take, and short enough for a broken one to end. */
const WAIT_MS = 8000;

export function describeWaiting(world: () => World): void {
  describe('waiting', () => {
    it('gives a job that is there at once', async () => {
      const { qa, name } = world();
      const topic = name('topic');
      await qa.push({ topic, body: 'b' });
      expect(textOf(await qa.bpop(topic, { timeoutMs: 0 }))).to.equal('b');
    });

    it('ends with nothing when the time is over', async () => {
      const { qa, name } = world();
      const topic = name('topic');
      await qa.push({ topic, body: 'b', delayMs: LONG_MS });
      const before = performance.now();
      expect(await qa.bpop(topic, { timeoutMs: 60 })).to.be.undefined;
      expect(performance.now() - before).to.be.at.least(59);
      expect(await qa.bpop(topic, { timeoutMs: 0 })).to.be.undefined;
    });

    it('is woken by a push of another process', async () => {
      const { qa, qb, name } = world();
      const topic = name('topic');
      const waiting = qa.bpop(topic, { timeoutMs: 10_000 });
      await sleep(20); // Lets the wait begin; it is right without, and tests less.
      await qb.push({ topic, body: 'pushed while waiting' });
      expect(textOf(await waiting)).to.equal('pushed while waiting');
    });

    it('gives a job at its due time, and not before', async () => {
      const { a, qa, qb, name } = world();
      const topic = name('topic');
      const { dueAt } = await qb.push({ topic, body: 'b', delayMs: 120 });
      expect(textOf(await qa.bpop(topic, { timeoutMs: 10_000 }))).to.equal('b');
      expect((await a.now()).getTime()).to.be.at.least(must(dueAt).getTime());
    });

    it('gives a job on time', async () => {
      const { a, qa, qb, name } = world();
      const topic = name('topic');
      let least = Infinity;
      // The machine may be busy at some of them.
      for (let i = 0; i < 5; i += 1) {
        const { dueAt } = await qb.push({ topic, body: 'b', delayMs: 120 });
        expect(await qa.bpop(topic, { timeoutMs: 10_000 })).to.not.be.undefined;
        least = Math.min(least, (await a.now()).getTime() - must(dueAt).getTime());
      }
      expect(least).to.be.within(0, 40);
    });

    it('gives a job that is due before the one that was waited for', async () => {
      const { qa, qb, name } = world();
      const topic = name('topic');
      await qb.push({ topic, body: 'late', delayMs: LONG_MS });
      const waiting = qa.bpop(topic, { timeoutMs: 10_000 });
      await sleep(20);
      await qb.push({ topic, body: 'early', delayMs: 30 });
      expect(textOf(await waiting)).to.equal('early');
    });

    it('gives a job that comes back from a lease', async () => {
      const { qa, qb, name } = world();
      const topic = name('topic');
      await qa.push({ topic, body: 'b' });
      await qa.lease(topic, 1, 60);
      expect(await qb.bpop(topic, { timeoutMs: 10_000 })).to.deep.include({
        body: Buffer.from('b'),
        attempts: 2,
      });
    });

    it('gives each job to one of many that wait', async () => {
      const { qa, qb, name } = world();
      const topic = name('topic');
      const waiting = [qa, qb, qa, qb, qa].map((queue) => queue.bpop(topic, { timeoutMs: 10_000 }));
      const pushed = await qb.pushMany(waiting.map((_, i) => ({ topic, body: `body ${i}`, delayMs: 7 * i })));
      const got = (await Promise.all(waiting)).map(must);
      expect(idsOf(got).sort()).to.deep.equal(idsOf(pushed).sort());
    });

    it('serves waits for different topics side by side', async () => {
      const { qa, qb, name } = world();
      const topics = [name('x'), name('y')];
      const waiting = topics.map((topic) => qa.bpop(topic, { timeoutMs: 10_000 }));
      for (const topic of [...topics].reverse()) await qb.push({ topic, body: topic });
      expect((await Promise.all(waiting)).map(textOf)).to.deep.equal(topics);
    });

    it('ends with nothing, and takes nothing, when it is aborted', async () => {
      const { qa, qb, name } = world();
      const topic = name('topic');
      const abort = new AbortController();
      const waiting = qa.bpop(topic, { signal: abort.signal });
      await sleep(20);
      abort.abort();
      expect(await waiting).to.be.undefined;
      expect(await qa.bpop(topic, { signal: abort.signal })).to.be.undefined;
      await qb.push({ topic, body: 'still there' });
      expect(textOf(await qb.pop(topic))).to.equal('still there');
    });

    it('gives several once one is there', async () => {
      const { qa, qb, name } = world();
      const topic = name('topic');
      const waiting = qa.bpopMany(topic, 5, { timeoutMs: 10_000 });
      await qb.pushMany([1, 2, 3].map((i) => ({ topic, body: `body ${i}`, delayMs: 50 })));
      const got = await waiting;
      expect(got).to.have.length.within(1, 3);
    });

    it('for a push ends when one changes what is due next', async () => {
      const { a, qb, name } = world();
      await qb.push({ topic: name('topic'), body: 'b', delayMs: LONG_MS });
      await a.waitForPush(200); // It may end early, once, when it begins to listen.
      const before = performance.now();
      const woken = a.waitForPush(WAIT_MS);
      await qb.push({ topic: name('topic'), body: 'b', delayMs: 1000 });
      await woken;
      expect(performance.now() - before).to.be.below(WAIT_MS);
    });

    it('for a push ends when the first of a batch changes what is due next', async () => {
      const { a, qb, name } = world();
      const topic = name('topic');
      await qb.push({ topic, body: 'b', delayMs: LONG_MS });
      await a.waitForPush(200);
      const before = performance.now();
      const woken = a.waitForPush(WAIT_MS);
      await qb.pushMany([1000, 2 * LONG_MS].map((delayMs) => ({ topic, body: 'b', delayMs })));
      await woken;
      expect(performance.now() - before).to.be.below(WAIT_MS);
    });

    it('goes on while the only job of the topic is leased', async () => {
      const { a, qa, name } = world();
      const topic = name('topic');
      await qa.push({ topic, body: 'b' });
      await qa.lease(topic, 1, LONG_MS);
      const before = performance.now();
      await a.waitForReady(Buffer.from(topic), 60);
      expect(performance.now() - before).to.be.at.least(55);
    });

    it('ends as soon as it is aborted', async () => {
      const { a, name } = world();
      const topic = Buffer.from(name('topic'));
      const abort = new AbortController();
      const waits = [a.waitForReady(topic, WAIT_MS, abort.signal), a.waitForPush(WAIT_MS, abort.signal)];
      await sleep(250); // Lets the waits begin and calm down; it is right without, and tests less.
      const before = performance.now();
      abort.abort();
      await Promise.all(waits);
      expect(performance.now() - before).to.be.below(200);
    });

    it('takes no longer than it was told to', async () => {
      const { a, name } = world();
      const topic = Buffer.from(name('topic'));
      let shortest = Infinity;
      // The machine may be busy at some of them.
      for (let i = 0; i < 8; i += 1) {
        const before = performance.now();
        await a.waitForReady(topic, 5);
        shortest = Math.min(shortest, performance.now() - before);
      }
      expect(shortest).to.be.below(60);
    });

    it('ends when its time is over or it is aborted', async () => {
      const { a, name } = world();
      const topic = Buffer.from(name('topic'));
      await a.waitForPush(10);
      await a.waitForReady(topic, 10);
      const before = performance.now();
      await a.waitForPush(WAIT_MS, AbortSignal.timeout(10));
      await a.waitForReady(topic, WAIT_MS, AbortSignal.timeout(10));
      await a.waitForPush(WAIT_MS, AbortSignal.abort());
      await a.waitForReady(topic, WAIT_MS, AbortSignal.abort());
      expect(performance.now() - before).to.be.below(WAIT_MS);
    });
  });
}

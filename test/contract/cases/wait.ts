import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { idsOf, LONG_MS, must, reserve, textOf, type World } from '../world.js';

/** Longer than any wait here should take, and short enough for a broken one to end. */
const WAIT_MS = 8000;

/** What ends these waits happens in another process, so the clock runs and no test moves it. */
export function describeWait(world: () => World): void {
  describe('waiting', () => {
    it('bpop returns a ready job at once', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'b' });
      expect(textOf(await queue.bpop(topic, { timeoutMs: 0 }))).to.equal('b');
    });

    it('bpop returns nothing when its timeout is over', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'b', delayMs: LONG_MS });
      const before = performance.now();
      expect(await queue.bpop(topic, { timeoutMs: 60 })).to.be.undefined;
      expect(performance.now() - before).to.be.at.least(59);
      expect(await queue.bpop(topic, { timeoutMs: 0 })).to.be.undefined;
    });

    it('bpop wakes at a push of another process', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const waiting = queue.bpop(topic, { timeoutMs: WAIT_MS });
      await sleep(20); // Lets the wait begin; without it the test would pass, but prove less.
      await peer.push({ topic, body: 'pushed while waiting' });
      expect(textOf(await waiting)).to.equal('pushed while waiting');
    });

    it('bpop returns a job within 40 ms of its due time, and not before', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      let least = Infinity;
      // The machine may be busy at some of them.
      for (let i = 0; i < 20 && least > 40; i += 1) {
        const { dueAt } = await peer.push({ topic, body: 'b', delayMs: 80 });
        expect(textOf(await queue.bpop(topic, { timeoutMs: WAIT_MS }))).to.equal('b');
        const late = (await queue.now()).getTime() - must(dueAt).getTime();
        expect(late).to.be.at.least(0);
        least = Math.min(least, late);
      }
      expect(least).to.be.at.most(40);
    });

    it('bpop returns a job that is due before the one that it waited for', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      await peer.push({ topic, body: 'late', delayMs: LONG_MS });
      const waiting = queue.bpop(topic, { timeoutMs: WAIT_MS });
      await sleep(20);
      await peer.push({ topic, body: 'early', delayMs: 30 });
      expect(textOf(await waiting)).to.equal('early');
    });

    it('bpop returns a job when its lease ends', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'b' });
      await reserve(queue, topic, 1, 60);
      expect(await peer.bpop(topic, { timeoutMs: WAIT_MS })).to.deep.include({
        body: Buffer.from('b'),
        attempts: 2,
      });
    });

    it('bpop wakes at a release of another process', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'b' });
      const jobs = await reserve(queue, topic);
      const waiting = peer.bpop(topic, { timeoutMs: WAIT_MS });
      await sleep(20);
      await queue.release(jobs);
      expect(textOf(await waiting)).to.equal('b');
    });

    for (const [how, delayMs] of [
      ['to be tried again at once', 0],
      ['to be tried again soon', 40],
    ] as const) {
      it(`bpop returns a job that another process nacks ${how}, long before its lease would end`, async () => {
        const { queue, peer, name } = world();
        const topic = name('topic');
        await queue.push({ topic, body: 'b' });
        const jobs = await reserve(queue, topic);
        const waiting = peer.bpop(topic, { timeoutMs: WAIT_MS });
        await sleep(20);
        await queue.nack(jobs, { delayMs });
        expect(await waiting).to.deep.include({ body: Buffer.from('b'), attempts: 2 });
      });
    }

    it('bpop wakes at a requeue of another process', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const { id } = await queue.push({ topic, body: 'b' });
      await queue.nack(await reserve(queue, topic), { dead: true });
      const waiting = peer.bpop(topic, { timeoutMs: WAIT_MS });
      await sleep(20);
      await queue.requeue([id]);
      expect(textOf(await waiting)).to.equal('b');
    });

    it('each of five jobs goes to one of five that wait', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const waiting = [queue, peer, queue, peer, queue].map((consumer) =>
        consumer.bpop(topic, { timeoutMs: WAIT_MS }),
      );
      const pushed = await peer.pushMany(
        waiting.map((_, i) => ({ topic, body: `body ${i}`, delayMs: 7 * i })),
      );
      const got = (await Promise.all(waiting)).map(must);
      expect(idsOf(got).sort()).to.deep.equal(idsOf(pushed).sort());
    });

    it('waits for different topics do not block each other', async () => {
      const { queue, peer, name } = world();
      const topics = [name('x'), name('y')];
      const waiting = topics.map((topic) => queue.bpop(topic, { timeoutMs: WAIT_MS }));
      for (const topic of [...topics].reverse()) await peer.push({ topic, body: topic });
      expect((await Promise.all(waiting)).map(textOf)).to.deep.equal(topics);
    });

    it('an aborted bpop returns nothing, and takes no job', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const abort = new AbortController();
      const waiting = queue.bpop(topic, { signal: abort.signal });
      await sleep(20);
      abort.abort();
      expect(await waiting).to.be.undefined;
      expect(await queue.bpop(topic, { signal: abort.signal })).to.be.undefined;
      await peer.push({ topic, body: 'still there' });
      expect(textOf(await peer.pop(topic))).to.equal('still there');
    });

    it('bpopMany returns as soon as there is one job, with those that are there', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const waiting = queue.bpopMany(topic, 5, { timeoutMs: WAIT_MS });
      await peer.pushMany([1, 2, 3].map((i) => ({ topic, body: `body ${i}`, delayMs: 50 })));
      const got = await waiting;
      expect(got).to.have.length.within(1, 3);
    });

    for (const [what, delays] of [
      ['a push', [1000]],
      ['the first push of a batch', [1000, 2 * LONG_MS]],
    ] as const) {
      it(`waitForPush ends when ${what} changes the next due time`, async () => {
        const { queue, peer, name } = world();
        await peer.push({ topic: name('topic'), body: 'b', delayMs: LONG_MS });
        await queue.waitForPush({ timeoutMs: 200 }); // The first wait may end early, when it begins to listen.
        const before = performance.now();
        const woken = queue.waitForPush({ timeoutMs: WAIT_MS });
        await peer.pushMany(delays.map((delayMs) => ({ topic: name('topic'), body: 'b', delayMs })));
        await woken;
        expect(performance.now() - before).to.be.below(WAIT_MS);
      });
    }

    it('waitForReady goes on, without polling, while the only job of the topic is leased', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'b' });
      await reserve(queue, topic);
      const before = performance.now();
      let waits = 0;
      for (let left = 200; left > 1; left = before + 200 - performance.now()) {
        await queue.waitForReady(topic, { timeoutMs: left });
        waits += 1;
      }
      // A wait may end early once or twice, when it begins to listen.
      expect(waits).to.be.at.most(5);
    });

    it('waitForReady and waitForPush end as soon as they are aborted', async () => {
      const { queue, name } = world();
      const { signal, abort } = aborting();
      const options = { timeoutMs: WAIT_MS, signal };
      const waits = [queue.waitForReady(name('topic'), options), queue.waitForPush(options)];
      await sleep(250); // Lets the waits begin; without it the test would pass, but prove less.
      const before = performance.now();
      abort();
      await Promise.all(waits);
      await queue.waitForReady(name('topic'), options);
      await queue.waitForPush(options);
      expect(performance.now() - before).to.be.below(WAIT_MS / 4);
    });

    it('waitForReady takes no longer than its timeout', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      await queue.waitForPush({ timeoutMs: 10 });
      let shortest = Infinity;
      // The machine may be busy at some of them.
      for (let i = 0; i < 20 && shortest >= 60; i += 1) {
        const before = performance.now();
        await queue.waitForReady(topic, { timeoutMs: 5 });
        shortest = Math.min(shortest, performance.now() - before);
      }
      expect(shortest).to.be.below(60);
    });
  });
}

function aborting() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

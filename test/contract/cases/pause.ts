import { areHeld } from '../../support/jobs.js';
import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from '../../../src/core/queue.js';
import type { Store } from '../../../src/core/store.js';
import {
  HOUR_MS,
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

const WAIT_MS = 8000;

export function describePause(world: () => World): void {
  describe('pause', () => {
    const reserving = (topics: string | string[]) =>
      world().peer.reserve({ topics, limit: 5, leaseMs: LONG_MS });

    it('pop and reserve return no job of a paused topic, and reserve returns that it is paused', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'b' });
      await queue.pause(topic);
      expect(await peer.pop(topic)).to.be.undefined;
      expect(await reserving(topic)).to.deep.include({ jobs: [], isPaused: true });
      await maintainAll(peer);
      expect(await peer.pop(topic)).to.be.undefined;
      expect(await queue.popMany([topic], 10)).to.be.empty;
    });

    it('a topic without jobs can be paused', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      await queue.pause(topic);
      expect(await reserving(topic)).to.deep.include({ jobs: [], isPaused: true });
      await queue.push({ topic, body: 'b' });
      expect(await peer.pop(topic)).to.be.undefined;
    });

    it('a resumed topic delivers its jobs again, in order', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'one' });
      await queue.pause(topic);
      await queue.push({ topic, body: 'two' });
      await peer.resume(topic);
      expect((await queue.popMany(topic, 5)).map(textOf)).to.deep.equal(['one', 'two']);
      expect((await reserving(topic)).isPaused ?? false).to.be.false;
      await peer.resume(topic);
      await peer.resume(name('never-paused'));
    });

    it('other topics are delivered while one is paused', async () => {
      const { queue, peer, name } = world();
      const [paused, open] = [name('paused'), name('open')];
      for (const topic of [paused, open]) await queue.push({ topic, body: topic });
      await queue.pause(paused);
      expect(textOf(await peer.pop([paused, open]))).to.equal(open);
      const nothing = await reserving([paused, open]);
      expect(nothing.jobs).to.be.empty;
      expect(nothing.isPaused ?? false).to.be.false;
    });

    it('a pause of several topics holds each of them until it is resumed', async () => {
      const { queue, peer, name } = world();
      const [x, y] = [name('x'), name('y')];
      for (const topic of [x, y]) await queue.push({ topic, body: topic });
      await queue.pause([x, y]);
      expect(await reserving([x, y])).to.deep.include({ jobs: [], isPaused: true });
      await queue.resume(y);
      expect((await peer.popMany([x, y], 5)).map(textOf)).to.deep.equal([y]);
    });

    it('a pause with a duration ends by itself, and reserve returns when', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      await queue.push({ topic, body: 'b' });
      await queue.pause(topic, { forMs: MINUTE_MS });
      clock.advance(SECOND_MS);
      expect(await reserving(topic)).to.deep.include({
        jobs: [],
        isPaused: true,
        nextInMs: MINUTE_MS - SECOND_MS,
      });
      clock.advance(MINUTE_MS - SECOND_MS - 1);
      expect(await peer.pop(topic)).to.be.undefined;
      clock.advance(1);
      expect(textOf(await peer.pop(topic))).to.equal('b');
    });

    it('reserve does not wait for the pause of another topic', async () => {
      const { queue, name } = world();
      await queue.pause(name('other'), { forMs: MINUTE_MS });
      expect((await reserving(name('topic'))).nextInMs).to.be.undefined;
    });

    it('a pause of a paused topic replaces its end', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'b' });
      await queue.pause(topic, { forMs: MINUTE_MS });
      await queue.pause(topic, { forMs: HOUR_MS });
      clock.advance(2 * MINUTE_MS);
      expect(await peer.pop(topic)).to.be.undefined;
      await queue.pause(topic);
      clock.advance(2 * HOUR_MS);
      expect(await peer.pop(topic)).to.be.undefined;
      await queue.pause(topic, { forMs: SECOND_MS });
      clock.advance(SECOND_MS + 1);
      expect(textOf(await peer.pop(topic))).to.equal('b');
    });

    it('jobs are promoted and expire while their topic is paused', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      const [short, long] = await queue.pushMany([
        { topic, body: 'short', delayMs: MINUTE_MS, ttlMs: MINUTE_MS },
        { topic, body: 'long', delayMs: MINUTE_MS },
      ]);
      await queue.pause(topic);
      clock.advance(MINUTE_MS + SECOND_MS);
      await maintainAll(peer);
      expect(only(await queue.find(must(long).id)).state).to.equal('ready');
      clock.advance(2 * MINUTE_MS);
      await maintainAll(peer);
      const left = statesOf(await queue.find(must(short).id));
      expect(left.filter((state) => state !== 'expired')).to.be.empty;
      await queue.resume(topic);
      expect((await peer.popMany(topic, 5)).map(textOf)).to.deep.equal(['long']);
    });

    it('jobs can be pushed, acked, released, nacked and removed while their topic is paused', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      await queue.pushMany([1, 2, 3].map((i) => ({ topic, body: `body ${i}` })));
      const jobs = await reserve(queue, topic, 3);
      await peer.pause(topic);
      expect(await queue.ack([must(jobs[0])])).to.deep.equal([true]);
      expect(await queue.release([must(jobs[1])])).to.deep.equal([true]);
      expect(areHeld(await queue.nack([must(jobs[2])], { delayMs: LONG_MS }))).to.deep.equal([true]);
      expect(await queue.remove(must(jobs[2]).id)).to.be.true;
      expect((await queue.push({ topic, body: 'new' })).outcome).to.equal('pushed');
      expect(await peer.pop(topic)).to.be.undefined;
      await peer.resume(topic);
      expect((await queue.popMany(topic, 5)).map(textOf)).to.deep.equal(['body 2', 'new']);
    });

    it('stats show until when a topic is paused', async () => {
      const { queue, peer, clock, name } = world();
      const stem = name('topic');
      const [a, b, c] = [`${stem}-a`, `${stem}-b`, `${stem}-c`];
      clock.stop();
      for (const topic of [a, b, c]) await queue.push({ topic, body: 'b' });
      await queue.pause(a);
      await queue.pause(b, { forMs: MINUTE_MS });
      const pausedUntil = async () => (await peer.stats()).topics.map((row) => row.pausedUntilMs);
      expect(await pausedUntil()).to.deep.equal([Infinity, clock.now() + MINUTE_MS, undefined]);
      await queue.resume(a);
      clock.advance(MINUTE_MS + 1);
      expect(await pausedUntil()).to.deep.equal([undefined, undefined, undefined]);
    });

    it('a bpop on a paused topic wakes at resume', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'b' });
      await queue.pause(topic);
      const waiting = peer.bpop(topic, { timeoutMs: WAIT_MS });
      await sleep(30);
      await queue.resume(topic);
      expect(textOf(await waiting)).to.equal('b');
    });

    it('a bpop on a paused topic wakes when the pause ends by itself', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'b' });
      const before = performance.now();
      await queue.pause(topic, { forMs: 80 });
      expect(textOf(await peer.bpop(topic, { timeoutMs: WAIT_MS }))).to.equal('b');
      expect(performance.now() - before).to.be.within(78, WAIT_MS - 1000);
    });

    it('a bpop on a paused topic and an open one wakes at a push to the open one', async () => {
      const { queue, peer, name } = world();
      const [paused, open] = [name('paused'), name('open')];
      await queue.push({ topic: paused, body: 'paused' });
      await maintainAll(queue);
      await queue.pause(paused);
      const { store, pops } = counting(world().peerStore);
      const waiting = new Queue(store).bpop([paused, open], { timeoutMs: WAIT_MS });
      await sleep(150);
      expect(pops()).to.be.within(1, 8);
      await peer.push({ topic: open, body: 'open' });
      expect(textOf(await waiting)).to.equal('open');
    });

    for (const [how, forMs] of [
      ['until it is resumed', undefined],
      ['for an hour', HOUR_MS],
    ] as const) {
      it(`a bpop on a topic with ready jobs that is paused ${how} does not poll without pause`, async () => {
        const { queue, peerStore, name } = world();
        const topic = name('topic');
        await queue.pushMany([1, 2].map((i) => ({ topic, body: `body ${i}` })));
        await maintainAll(queue);
        await queue.pause(topic, { forMs });
        const { store, pops } = counting(peerStore);
        expect(await new Queue(store).bpop(topic, { timeoutMs: 300 })).to.be.undefined;
        expect(pops()).to.be.within(1, 12);
      });
    }
  });
}

/** A store that counts its pops. */
function counting(store: Store): { store: Store; pops: () => number } {
  let pops = 0;
  const counted = new Proxy(store, {
    get(target, property) {
      if (property === 'pop') pops += 1;
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return { store: counted, pops: () => pops };
}

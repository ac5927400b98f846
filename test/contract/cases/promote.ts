import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobRecord } from '../../../src/core/job.js';
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
  shuffled,
  textOf,
  type World,
} from '../world.js';
import { fail, leaseOne } from '../retry.js';

export function describePromote(world: () => World): void {
  describe('promote', () => {
    it('a promoted job is due now and ready at once', async () => {
      const { queue, peer, clock, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      clock.stop();
      await queue.push({ ...job, delayMs: LONG_MS, ttlMs: MINUTE_MS });
      expect(await peer.promote([job.id])).to.deep.equal([{ promoted: true, state: 'delayed' }]);
      expect(only(await queue.find(job.id))).to.deep.include({
        state: 'ready',
        dueAt: new Date(clock.now()),
        expiresAt: new Date(clock.now() + MINUTE_MS),
      });
      expect(only((await queue.stats()).topics)).to.include({ delayed: 0, ready: 1 });
      expect(textOf(await queue.pop(job.topic))).to.equal('b');
      expect(await queue.pop(job.topic)).to.be.undefined;
    });

    it('promoted jobs are delivered before all ready ones of their topic, in their old order among themselves', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      const ready = await queue.pushMany(jobsOf(topic, 3));
      const delayed = await queue.pushMany(
        Array.from({ length: 6 }, (_, i) => ({ topic, body: 'b', delayMs: LONG_MS - Math.floor(i / 2) })),
      );
      clock.advance(SECOND_MS);
      await maintainAll(queue);
      const results = await peer.promote(shuffled(delayed).map(({ id }) => id));
      expect(results.every(({ promoted }) => promoted)).to.be.true;
      const inOrder = [4, 5, 2, 3, 0, 1].map((i) => must(delayed[i]));
      expect(idsOf((await queue.list(topic)).jobs)).to.deep.equal(idsOf([...inOrder, ...ready]));
      expect(idsOf(await drain(queue, topic))).to.deep.equal(idsOf([...inOrder, ...ready]));
    });

    it('a later promoted job is delivered before an earlier promoted one, even within one millisecond', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const ids = ['a', 'b', 'c'].map((stem) => name(stem));
      await queue.pushMany(ids.map((id, i) => ({ id, topic, body: 'b', delayMs: LONG_MS + i })));
      for (const id of ids) await queue.promote([id]);
      expect(idsOf(await drain(queue, topic))).to.deep.equal(ids.reverse());
    });

    it('1100 jobs that are promoted by one call keep their old order', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const pushed = await queue.pushMany(
        Array.from({ length: 1100 }, (_, i) => ({ topic, body: 'b', delayMs: LONG_MS + i })),
      );
      await peer.promote(shuffled(pushed).map(({ id }) => id));
      expect(idsOf(await drain(queue, topic, 500))).to.deep.equal(idsOf(pushed));
    });

    it('1100 jobs that are given as a scan with the latest first has them keep their old order, also within one millisecond', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const at = new Date(clock.now() + HOUR_MS);
      const pushed = await queue.pushMany(
        Array.from({ length: 1100 }, (_, i) => ({
          topic,
          body: 'b',
          at: new Date(at.getTime() + Math.floor(i / 100)),
        })),
      );
      const found: JobRecord[] = [];
      for await (const { jobs } of peer.scan({ topics: topic, latestFirst: true, withoutContent: true }))
        found.push(...jobs);
      const results = await peer.promote(
        found.map(({ id, dueAt }) => ({ id, dueAt })),
        { latestFirst: true },
      );
      expect(results.every(({ promoted }) => promoted)).to.be.true;
      expect(idsOf(await drain(queue, topic, 500))).to.deep.equal(idsOf(pushed));
    });

    it('a promoted job comes back to its place, with its due time, after a release and after its lease ended', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const [promoted] = await queue.pushMany([{ topic, body: 'promoted', delayMs: LONG_MS }]);
      await queue.pushMany(jobsOf(topic, 2));
      clock.advance(MINUTE_MS);
      await maintainAll(queue);
      await queue.promote([must(promoted).id]);
      const dueAt = new Date(clock.now());
      clock.advance(MINUTE_MS);
      expect(await peer.release(await reserve(queue, topic))).to.deep.equal([true]);
      expect(only(await queue.find(must(promoted).id))).to.deep.include({ state: 'ready', dueAt });
      await reserve(queue, topic, 1, SECOND_MS);
      clock.advance(2 * SECOND_MS);
      await maintainAll(peer);
      const got = await drain(peer, topic);
      expect(got.map(textOf)).to.deep.equal(['promoted', 'body 0', 'body 1']);
      expect(got[0]).to.deep.include({ dueAt, attempts: 2 });
    });

    it('a promoted job is delivered before one that was leased at the time and comes back later', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'leased' });
      const leased = await reserve(queue, topic);
      clock.advance(SECOND_MS);
      const { id } = await queue.push({ topic, body: 'promoted', delayMs: LONG_MS });
      await queue.promote([id]);
      await queue.release(leased);
      expect((await drain(queue, topic)).map(textOf)).to.deep.equal(['promoted', 'leased']);
    });

    it('a promoted job that is nacked is retried in order of its new due time', async () => {
      const { queue, store, clock, name } = world();
      const topic = name('topic');
      const { id } = await queue.push({ topic, body: 'promoted', delayMs: LONG_MS, ttlMs: HOUR_MS });
      await queue.promote([id]);
      await fail(store, await leaseOne(queue, topic), { delayMs: MINUTE_MS });
      const { dueAt, expiresAt } = only(await queue.find(id));
      expect(Number(expiresAt) - Number(dueAt)).to.equal(HOUR_MS);
      await queue.push({ topic, body: 'other', delayMs: SECOND_MS });
      clock.advance(2 * MINUTE_MS);
      expect((await drain(queue, topic)).map(textOf)).to.deep.equal(['other', 'promoted']);
    });

    it('a promote keeps attempts, retry settings, key and history, and starts the whole ready lifetime', async () => {
      const { queue, peer, store, clock, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      const own = { retries: 7, backoff: { firstMs: HOUR_MS, lastMs: HOUR_MS } };
      clock.stop();
      await queue.push({ ...job, ...own, ttlMs: MINUTE_MS });
      await maintainAll(queue);
      clock.advance(SECOND_MS);
      // The ready lifetime stands still during this lease.
      const first = await leaseOne(queue, job.topic);
      await queue.release([first]);
      const { key, lease } = await leaseOne(queue, job.topic);
      await fail(store, { lease }, { reason: 'why' });
      const before = only(await peer.find(job.id));
      expect(await peer.promote([job.id])).to.deep.equal([{ promoted: true, state: 'delayed' }]);
      const after = only(await peer.find(job.id));
      expect(after).to.deep.include({ attempts: 1, ...own, history: before.history });
      expect(Number(after.expiresAt) - clock.now()).to.equal(MINUTE_MS);
      const again = await leaseOne(queue, job.topic);
      expect(again).to.deep.include({ key, attempts: 2, ...own });
      await fail(store, again, { isDead: true });
      expect(only(await peer.find(job.id)).history).to.have.length(2);
    });

    it('a promote leaves jobs that are not delayed alone, and returns their state', async () => {
      const { queue, store, clock, name } = world();
      const topic = name('topic');
      await queue.push({ id: `${topic}-dead`, topic, body: 'b' });
      await fail(store, await leaseOne(queue, topic), { isDead: true });
      await queue.push({ id: `${topic}-leased`, topic, body: 'b' });
      const leases = await reserve(queue, topic);
      await queue.push({ id: `${topic}-ready`, topic, body: 'b' });
      await maintainAll(queue);
      await queue.push({ id: `${topic}-due`, topic, body: 'b', delayMs: MINUTE_MS });
      clock.advance(MINUTE_MS);
      const due = queue.needsPromotion ? 'due' : 'ready';
      const stems = ['dead', 'leased', 'ready', 'due', 'none'];
      expect((await queue.promote(stems.map((stem) => `${topic}-${stem}`))).map(told)).to.deep.equal([
        [false, 'dead'],
        [false, 'leased'],
        [false, 'ready'],
        [false, due],
        [false, undefined],
      ]);
      expect(await queue.ack(leases)).to.deep.equal([true]);
      expect(idsOf(await drain(queue, topic))).to.deep.equal([`${topic}-ready`, `${topic}-due`]);
      expect(await queue.promote([])).to.deep.equal([]);
    });

    it('a promote leaves a job that waits for a duplicate alone, and promotes the duplicate', async () => {
      const { queue, clock, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await queue.push({ ...job, body: 'first' });
      const leases = await reserve(queue, job.topic);
      await queue.push({ ...job, body: 'second', delayMs: LONG_MS });
      await queue.release(leases);
      expect((await queue.promote([job.id])).map(told)).to.deep.equal([[true, 'delayed']]);
      expect(textOf(await queue.pop(job.topic))).to.equal('second');
      expect((await queue.promote([job.id])).map(told)).to.deep.equal([[false, 'delayed']]);
      clock.advance(MINUTE_MS);
      await maintainAll(queue);
      expect(textOf(await queue.pop(job.topic))).to.equal('first');
    });

    it('a promote leaves a job alone whose due time is not the expected one', async () => {
      const { queue, peer, name } = world();
      const { id, dueAt } = await queue.push({ topic: name('topic'), body: 'b', delayMs: LONG_MS });
      const other = new Date(Number(dueAt) + 1);
      expect((await peer.promote([{ id, dueAt: other }])).map(told)).to.deep.equal([[false, 'delayed']]);
      expect((await peer.promote([{ id, dueAt }])).map(told)).to.deep.equal([[true, 'delayed']]);
    });

    it('an id that is given twice is promoted once', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      const { id } = await queue.push({ topic, body: 'b', delayMs: LONG_MS });
      expect((await queue.promote([id, id])).map(told)).to.deep.equal([
        [true, 'delayed'],
        [false, 'ready'],
      ]);
      expect(await drain(queue, topic)).to.have.length(1);
    });

    it('a promote wakes a bpop', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const { id } = await queue.push({ topic, body: 'b', delayMs: LONG_MS });
      const waiting = queue.bpop(topic, { timeoutMs: 8000 });
      await sleep(20); // Lets the wait begin; without it the test would pass, but prove less.
      await peer.promote([id]);
      expect(textOf(await waiting)).to.equal('b');
    });
  });
}

const told = ({ promoted, state }: { promoted: boolean; state?: unknown }) => [promoted, state];

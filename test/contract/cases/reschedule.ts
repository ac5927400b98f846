import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue } from '../../../src/core/queue.js';
import { MAX_TIMESTAMP_MS } from '../../../src/core/timestamp.js';
import {
  drain,
  HOUR_MS,
  idsOf,
  LONG_MS,
  maintainAll,
  MINUTE_MS,
  must,
  only,
  reserve,
  SECOND_MS,
  soon,
  textOf,
  type World,
} from '../world.js';
import { fail, leaseOne } from '../retry.js';

const told = ({ rescheduled, state }: { rescheduled: boolean; state?: unknown }) => [rescheduled, state];

export function describeReschedule(world: () => World): void {
  describe('reschedule', () => {
    for (const [where, delayMs] of [
      ['earlier', MINUTE_MS],
      ['later', 3 * LONG_MS],
    ] as const) {
      it(`a delayed job that is moved to ${where} is due then, with its whole ready lifetime from then on`, async () => {
        const { queue, peer, clock, name } = world();
        const job = { id: name('id'), topic: name('topic'), body: 'b' };
        clock.stop();
        await queue.push({ ...job, delayMs: LONG_MS, ttlMs: 30 * SECOND_MS });
        const dueAt = new Date(clock.now() + delayMs);
        expect(await peer.reschedule([{ id: job.id, delayMs }])).to.deep.equal([
          { rescheduled: true, state: 'delayed', dueAt },
        ]);
        expect(only(await queue.find(job.id))).to.deep.include({
          state: 'delayed',
          dueAt,
          expiresAt: new Date(Number(dueAt) + 30 * SECOND_MS),
        });
        clock.set(Number(dueAt) - 1);
        await maintainAll(queue);
        expect(await queue.pop(job.topic)).to.be.undefined;
        clock.advance(1 + 29 * SECOND_MS);
        expect(textOf(await queue.pop(job.topic))).to.equal('b');
      });
    }

    for (const [what, change] of [
      ['reschedule', (queue, id, at) => queue.reschedule([{ id, at }])],
      ['edit of its ready lifetime', (queue, id) => queue.edit({ id, ttlMs: HOUR_MS })],
    ] satisfies [string, (queue: Queue, id: string, at: Date) => Promise<unknown>][]) {
      it(`a job at the last possible time keeps its ready lifetime after ${what}, and when it is made ready`, async () => {
        const { queue, peer, clock, name } = world();
        const [id, topic, at] = [name('id'), name('topic'), new Date(MAX_TIMESTAMP_MS)];
        clock.stop();
        await queue.push({ id, topic, body: 'b', at, ttlMs: HOUR_MS });
        await change(peer, id, at);
        expect(only(await queue.find(id))).to.include({ ttlMs: HOUR_MS, state: 'delayed' });
        expect(only((await queue.list(topic)).jobs)).to.include({ ttlMs: HOUR_MS, state: 'delayed' });
        await queue.reschedule([{ id, delayMs: MINUTE_MS }]);
        await queue.reschedule([{ id, at }]);
        await queue.promote([id]);
        expect(only(await peer.find(id)).expiresAt).to.deep.equal(new Date(clock.now() + HOUR_MS));
      });
    }

    it('a job can be moved to a time, and a time in the past means now', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const [one, two] = await queue.pushMany([1, 2].map(() => ({ topic, body: 'b', delayMs: LONG_MS })));
      const at = await soon(queue, MINUTE_MS);
      const results = await peer.reschedule([
        { id: must(one).id, at },
        { id: must(two).id, at: new Date(0) },
      ]);
      expect(results.map(({ dueAt }) => dueAt)).to.deep.equal([at, new Date(clock.now())]);
      expect(idsOf(await drain(queue, topic))).to.deep.equal(idsOf([must(two)]));
    });

    it('a job can be moved by a duration from its due time, earlier or later, but not before now', async () => {
      const { queue, peer, clock, name } = world();
      clock.stop();
      const pushed = await queue.pushMany(
        [1, 2, 3].map((i) => ({ topic: name('topic'), body: 'b', delayMs: LONG_MS + i })),
      );
      const results = await peer.reschedule(
        [MINUTE_MS, -MINUTE_MS, -2 * LONG_MS].map((byMs, i) => ({ id: must(pushed[i]).id, byMs })),
      );
      const times = [LONG_MS + 1 + MINUTE_MS, LONG_MS + 2 - MINUTE_MS, 0];
      expect(results.map(({ dueAt }) => Number(dueAt) - clock.now())).to.deep.equal(times);
    });

    it('a moved job stands behind the jobs that were pushed before for the same time', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      const at = await soon(queue, MINUTE_MS);
      const [first, second, third] = [name('c'), name('b'), name('a')];
      for (const id of [first, second])
        await queue.push({ id, topic, body: 'b', delayMs: LONG_MS, retries: 2 });
      await queue.push({ id: third, topic, body: 'b', at });
      await peer.reschedule([second, first].map((id) => ({ id, at })));
      const last = await queue.push({ topic, body: 'b', at });
      clock.advance(MINUTE_MS);
      const got = await drain(queue, topic);
      expect(idsOf(got)).to.deep.equal([third, second, first, ...idsOf([last])]);
      expect(got.map(({ retries }) => retries)).to.deep.equal([undefined, 2, 2, undefined]);
    });

    it('a job that is moved to its own due time stands behind the others that are due then', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      const at = await soon(queue, MINUTE_MS);
      const pushed = await queue.pushMany(['a', 'b'].map((body) => ({ topic, body, at })));
      await queue.reschedule([{ id: must(pushed[0]).id, at }]);
      clock.advance(MINUTE_MS);
      expect((await drain(queue, topic)).map(textOf)).to.deep.equal(['b', 'a']);
    });

    it('a reschedule keeps attempts, retry settings, key and history', async () => {
      const { queue, peer, store, clock, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      const own = { retries: 7, backoff: { firstMs: HOUR_MS, lastMs: HOUR_MS } };
      await queue.push({ ...job, ...own, ttlMs: MINUTE_MS });
      const { key, lease } = await leaseOne(queue, job.topic);
      await fail(store, { lease }, { reason: 'why' });
      const before = only(await peer.find(job.id));
      await peer.reschedule([{ id: job.id, delayMs: 2 * HOUR_MS }]);
      const { dueAt, expiresAt, ...after } = only(await peer.find(job.id));
      expect(after).to.deep.include({ attempts: 1, ...own, history: before.history });
      expect(Number(expiresAt) - Number(dueAt)).to.equal(MINUTE_MS);
      clock.advance(2 * HOUR_MS + 1);
      expect(await leaseOne(queue, job.topic)).to.deep.include({ key, attempts: 2, ...own });
    });

    it('a reschedule leaves jobs that are not delayed alone, and returns their state', async () => {
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
      const requests = ['dead', 'leased', 'ready', 'due', 'none'].map((stem) => ({
        id: `${topic}-${stem}`,
        delayMs: HOUR_MS,
      }));
      expect((await queue.reschedule(requests)).map(told)).to.deep.equal([
        [false, 'dead'],
        [false, 'leased'],
        [false, 'ready'],
        [false, queue.needsPromotion ? 'due' : 'ready'],
        [false, undefined],
      ]);
      expect(await queue.ack(leases)).to.deep.equal([true]);
      expect(idsOf(await drain(queue, topic))).to.deep.equal([`${topic}-ready`, `${topic}-due`]);
      expect(await queue.reschedule([])).to.deep.equal([]);
    });

    it('a reschedule leaves a job that waits for a duplicate alone', async () => {
      const { queue, clock, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await queue.push({ ...job, body: 'first' });
      const leases = await reserve(queue, job.topic);
      await queue.push({ ...job, body: 'second', delayMs: LONG_MS });
      await queue.release(leases);
      await queue.promote([job.id]);
      expect(textOf(await queue.pop(job.topic))).to.equal('second');
      expect((await queue.reschedule([{ id: job.id, delayMs: HOUR_MS }])).map(told)).to.deep.equal([
        [false, 'delayed'],
      ]);
      clock.advance(MINUTE_MS);
      await maintainAll(queue);
      expect(textOf(await queue.pop(job.topic))).to.equal('first');
    });

    it('a reschedule leaves a job alone whose due time is not the expected one', async () => {
      const { queue, peer, name } = world();
      const { id, dueAt } = await queue.push({ topic: name('topic'), body: 'b', delayMs: LONG_MS });
      await queue.reschedule([{ id, dueAt, delayMs: 2 * HOUR_MS }]);
      const moved = await peer.find(id);
      expect((await peer.reschedule([{ id, dueAt, delayMs: MINUTE_MS }])).map(told)).to.deep.equal([
        [false, 'delayed'],
      ]);
      expect(await peer.find(id)).to.deep.equal(moved);
    });

    it('600 jobs are moved by one call, each to its own time, in order', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const pushed = await queue.pushMany(
        Array.from({ length: 600 }, () => ({ topic, body: 'b', delayMs: LONG_MS })),
      );
      await peer.reschedule(pushed.map(({ id }, i) => ({ id, delayMs: MINUTE_MS - Math.floor(i / 2) })));
      clock.advance(MINUTE_MS);
      await maintainAll(queue);
      const got = idsOf(await drain(queue, topic));
      const pairs = Array.from({ length: 300 }, (_, i) => [2 * i, 2 * i + 1]).reverse();
      expect(got).to.deep.equal(pairs.flat().map((i) => must(pushed[i]).id.toString()));
    });

    it('a move to an earlier time wakes a bpop', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const { id } = await queue.push({ topic, body: 'b', delayMs: LONG_MS });
      const waiting = queue.bpop(topic, { timeoutMs: 8000 });
      await sleep(20); // Lets the wait begin; without it the test would pass, but prove less.
      await peer.reschedule([{ id, delayMs: 1 }]);
      expect(textOf(await waiting)).to.equal('b');
    });
  });
}

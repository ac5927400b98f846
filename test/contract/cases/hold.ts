import { expect } from 'chai';
import type { JobRecord } from '../../../src/core/job.js';
import type { HoldResult } from '../../../src/core/results.js';
import { asSeen } from '../../../src/bulk/acts.js';
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
  statesOf,
  textOf,
  type World,
} from '../world.js';
import { fail, leaseOne } from '../retry.js';

const HOLD = { leaseMs: MINUTE_MS, holder: 'operator' };
const seen = (jobs: readonly Pick<JobRecord, 'id' | 'dueAt'>[]) =>
  jobs.map(({ id, dueAt }) => ({ id, dueAt }));
const leasesOf = (results: readonly HoldResult[]) => results.map(({ lease }) => ({ lease: must(lease) }));

/** The ways in which a hold ends and leaves the job in the queue. */
const ENDS: readonly [string, (world: World, held: readonly HoldResult[]) => Promise<unknown>][] = [
  ['is released', ({ queue }, held) => queue.release(leasesOf(held))],
  [
    'has ended',
    ({ peer, clock }) => {
      clock.advance(MINUTE_MS);
      return maintainAll(peer);
    },
  ],
];

export function describeHold(world: () => World): void {
  describe('hold', () => {
    it('a held job is delivered to no one, views show its holder, and an ack deletes it', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const [one, two] = await queue.pushMany([0, LONG_MS].map((delayMs) => ({ topic, body: 'b', delayMs })));
      await maintainAll(queue);
      const before = (await Promise.all([one, two].map(async (job) => queue.find(must(job).id)))).flat();
      const held = await peer.hold(seen(before), HOLD);
      const leaseUntil = new Date(clock.now() + MINUTE_MS);
      expect(held.map(({ lease, ...rest }) => [typeof lease, rest])).to.deep.equal([
        ['string', { held: true, state: 'ready', leaseUntil }],
        ['string', { held: true, state: 'delayed', leaseUntil }],
      ]);
      expect(await queue.pop(topic)).to.be.undefined;
      for (const [i, { id, dueAt }] of before.entries())
        expect(only(await queue.find(id))).to.deep.include({
          ...{ state: 'leased', leasedBy: 'operator', lease: held[i]?.lease, leaseUntil, dueAt },
        });
      expect(await queue.ack(leasesOf(held))).to.deep.equal([true, true]);
      expect(await queue.find(must(two).id)).to.deep.equal([]);
    });

    for (const [what, end] of ENDS) {
      it(`when its hold ${what} a job is unchanged: state, times, content, attempts and history`, async () => {
        const { queue, peer, clock, name, store } = world();
        const topic = name('topic');
        clock.stop();
        const retry = { retries: 5, backoff: { firstMs: SECOND_MS, lastMs: HOUR_MS } };
        const failed = await queue.push({ topic, body: 'failed', ...retry });
        await fail(store, await leaseOne(queue, topic), { delayMs: LONG_MS, reason: 'none' });
        const others = await queue.pushMany([
          { topic, body: 'delayed', delayMs: LONG_MS, ttlMs: HOUR_MS },
          { topic, body: 'ready', ttlMs: HOUR_MS },
        ]);
        const promoted = await queue.push({ topic, body: 'promoted', delayMs: LONG_MS });
        await queue.promote([promoted.id]);
        await maintainAll(queue);
        const find = async () =>
          (await Promise.all([failed, ...others, promoted].map(({ id }) => peer.find(id)))).flat();
        const before = await find();
        const ofHour = (jobs: JobRecord[]) =>
          jobs.map(({ expiresAt, state, ...job }) =>
            // The ready lifetime of the ready jobs stood still during the hold.
            state === 'ready' && what === 'has ended'
              ? { ...job, state, expiresAt: Number(expiresAt) - MINUTE_MS }
              : { ...job, state, expiresAt: Number(expiresAt) },
          );
        const held = await queue.hold(seen(before), HOLD);
        expect(held.map((result) => result.held)).to.deep.equal([true, true, true, true]);
        await end(world(), held);
        const whole = before.map(({ expiresAt, ...job }) => ({ ...job, expiresAt: Number(expiresAt) }));
        expect(ofHour(await find())).to.deep.equal(whole);
        expect(await queue.ack(leasesOf(held))).to.deep.equal([false, false, false, false]);
      });

      it(`when their hold ${what} jobs stand at their old places among the others`, async () => {
        const { queue, name, clock } = world();
        const topic = name('topic');
        clock.stop();
        const at = new Date(clock.now() + LONG_MS);
        const ready = await queue.pushMany(Array.from({ length: 5 }, () => ({ topic, body: 'b' })));
        const later = await queue.pushMany(Array.from({ length: 5 }, () => ({ topic, body: 'b', at })));
        await maintainAll(queue);
        const [, a, , b] = ready;
        const [, c, , d] = later;
        const held = await queue.hold(
          [d, b, a, c].map((job) => ({ id: must(job).id })),
          HOLD,
        );
        expect(held.every((result) => result.held)).to.be.true;
        await end(world(), held);
        const order = async () => idsOf(await queue.popMany(topic, 10));
        expect(await order()).to.deep.equal(idsOf(ready));
        clock.set(Number(at));
        await maintainAll(queue);
        expect(await order()).to.deep.equal(idsOf(later));
      });
    }

    for (const isWaiting of [true, false])
      it(`of two jobs of one id with the same due time, hold takes the one that ${isWaiting ? 'waits' : 'does not wait'} if that one is meant`, async () => {
        const { queue, clock, name } = world();
        const [topic, id] = [name('topic'), name('id')];
        clock.stop();
        const { dueAt } = await queue.push({ id, topic, body: 'first' });
        await maintainAll(queue);
        const job = await leaseOne(queue, topic);
        await queue.push({ id, topic, body: 'second' });
        await maintainAll(queue);
        await queue.release([job]);
        expect((await queue.find(id)).map((one) => one.dueAt)).to.deep.equal([dueAt, dueAt]);
        const [held] = await queue.hold([{ id, dueAt, isWaiting }], HOLD);
        expect(held).to.include({ held: true, state: isWaiting ? 'delayed' : 'ready' });
        const leased = (await queue.find(id)).filter(({ state }) => state === 'leased');
        expect(leased.map(({ body }) => body?.toString())).to.deep.equal([isWaiting ? 'first' : 'second']);
      });

    it('a job that became due while it was held is ready when its hold ends, with its whole ready lifetime', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const { id } = await queue.push({ topic, body: 'b', delayMs: SECOND_MS, ttlMs: 10 * SECOND_MS });
      await queue.hold([{ id }], HOLD);
      clock.advance(MINUTE_MS);
      await maintainAll(peer);
      const job = only(await peer.find(id));
      expect(job).to.include({ state: 'ready', attempts: 0 });
      expect(Number(job.expiresAt)).to.equal(clock.now() + 10 * SECOND_MS);
      expect((await peer.pop(topic))?.attempts).to.equal(1);
    });

    it('hold leaves jobs alone that are not in the expected state, and returns their state', async () => {
      const { queue, peer, clock, name, store } = world();
      const topic = name('topic');
      clock.stop();
      const delayed = await queue.push({ topic, body: 'b', delayMs: LONG_MS });
      const taken = await queue.push({ topic: name('taken'), body: 'b' });
      const dead = await queue.push({ topic: name('dead'), body: 'b' });
      await reserve(queue, must((await queue.find(taken.id))[0]?.topic).toString(), 1);
      await fail(store, await leaseOne(queue, must((await queue.find(dead.id))[0]?.topic).toString()), {
        isDead: true,
      });
      const dueAt = must(only(await queue.find(delayed.id)).dueAt);
      const guards = [
        { id: delayed.id, dueAt: new Date(Number(dueAt) + 1) },
        { id: delayed.id, states: ['ready'] as const },
        { id: taken.id },
        { id: dead.id },
        { id: name('absent') },
      ];
      expect(await peer.hold(guards, HOLD)).to.deep.equal([
        { held: false, state: 'delayed' },
        { held: false, state: 'delayed' },
        { held: false, state: 'leased' },
        { held: false, state: 'dead' },
        { held: false, state: undefined },
      ]);
      // A job that is given twice is held once.
      const twice = await peer.hold(
        [
          { id: delayed.id, dueAt },
          { id: delayed.id, dueAt },
        ],
        HOLD,
      );
      expect(twice.map(({ held }) => held)).to.deep.equal([true, false]);
    });

    it('one call holds all jobs of an id, and each is what it was when its hold ends', async () => {
      const { queue, peer, clock, name } = world();
      const [topic, id] = [name('topic'), name('id')];
      clock.stop();
      for (const body of ['first', 'second']) {
        await queue.push({ id, topic, body });
        await reserve(queue, topic);
      }
      await queue.push({ id, topic, body: 'third', delayMs: LONG_MS });
      const away = (await queue.find(id)).filter(({ state }) => state === 'leased');
      expect(await queue.release(away.map(({ lease = '' }) => lease))).to.deep.equal([true, true]);
      const before = await queue.find(id);
      expect(before.map(({ isWaiting = false }) => isWaiting)).to.deep.equal([false, true, true]);
      const guards = before.map((job) => ({
        ...{ ...asSeen(job), states: [job.state as 'delayed'], isWaiting: job.isWaiting ?? false },
      }));
      const held = await peer.hold(guards, HOLD);
      expect(held.map((result) => result.held)).to.deep.equal([true, true, true]);
      expect(statesOf(await queue.find(id))).to.deep.equal(['leased', 'leased', 'leased']);
      expect(await peer.release(leasesOf(held))).to.deep.equal([true, true, true]);
      const texts = (jobs: readonly JobRecord[]) => jobs.map((job) => [textOf(job), job.isWaiting]);
      expect(texts(await queue.find(id))).to.have.deep.members(texts(before));
    });

    it('a job that waits for a duplicate can be held, and waits again when it is released', async () => {
      const { queue, peer, clock, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'old' };
      clock.stop();
      await queue.push(job);
      const [lease] = await reserve(queue, job.topic, 1);
      const { dueAt } = await queue.push({ ...job, body: 'new', delayMs: LONG_MS });
      await queue.release([must(lease)]);
      const waiting = must((await queue.find(job.id)).find(({ isWaiting }) => isWaiting));
      const [held] = await peer.hold([{ id: job.id, dueAt: waiting.dueAt }], HOLD);
      expect(held).to.include({ held: true, state: 'delayed' });
      expect((await queue.find(job.id)).map(({ state }) => state)).to.deep.equal(['delayed', 'leased']);
      await peer.release(leasesOf([must(held)]));
      expect((await queue.find(job.id)).find(({ isWaiting }) => isWaiting)).to.deep.equal(waiting);
      await queue.removeMany([{ id: job.id, dueAt }]);
      expect(await peer.hold([{ id: job.id, states: ['ready'] }], HOLD)).to.deep.equal([
        { held: false, state: 'delayed' },
      ]);
      clock.advance(5 * SECOND_MS);
      await maintainAll(queue);
      expect(await queue.pop(job.topic)).to.deep.include({ body: Buffer.from('old'), attempts: 1 });
    });

    it('a job that has waited since before it was due has its whole ready lifetime when it is held again', async () => {
      const { queue, peer, clock, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      clock.stop();
      const { dueAt } = await queue.push({ ...job, body: 'old', delayMs: MINUTE_MS, ttlMs: 10 * SECOND_MS });
      const held = await queue.hold([{ id: job.id }], HOLD);
      await queue.push({ ...job, body: 'new', delayMs: LONG_MS });
      await queue.release(leasesOf(held));
      clock.advance(2 * MINUTE_MS);
      const again = await peer.hold([{ id: job.id, dueAt }], HOLD);
      expect(again.map((result) => result.held)).to.deep.equal([true]);
      const old = (await queue.find(job.id)).find(({ state }) => state === 'leased');
      expect(Number(must(old).expiresAt)).to.equal(clock.now() + 10 * SECOND_MS);
    });

    it('a held job is removed only by a remove in any state, and its lease is then lost', async () => {
      const { queue, peer, name } = world();
      const { id } = await queue.push({ topic: name('topic'), body: 'b', delayMs: LONG_MS });
      const held = await queue.hold([{ id }], HOLD);
      expect(await peer.removeMany([id])).to.deep.equal([{ removed: false, state: 'leased' }]);
      expect(await peer.removeMany([id], { states: 'any' })).to.deep.equal([
        { removed: true, state: 'leased' },
      ]);
      expect(await queue.ack(leasesOf(held))).to.deep.equal([false]);
    });

    it('1200 jobs of two topics are held in one call', async () => {
      const { queue, name } = world();
      const topics = [name('topic'), name('topic')];
      const pushed = await queue.pushMany(
        Array.from({ length: 1200 }, (_, i) => ({ topic: must(topics[i % 2]), body: 'b', delayMs: i % 3 })),
      );
      await maintainAll(queue);
      const held = await queue.hold(seen(pushed), HOLD);
      expect(held.filter((result) => result.held)).to.have.length(1200);
      expect(await queue.release(leasesOf(held))).to.not.include(false);
      const popped = await Promise.all(topics.map((topic) => drain(queue, topic, 500)));
      expect(popped.map((jobs) => jobs.length)).to.deep.equal([600, 600]);
    });
  });
}

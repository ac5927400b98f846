import { areHeld } from '../../support/jobs.js';
import { expect } from 'chai';
import { removing } from '../../../src/bulk/acts.js';
import type { JobState } from '../../../src/core/job.js';
import type { JobGuard } from '../../../src/core/store.js';
import {
  drain,
  idsOf,
  jobsOf,
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

export function describeRemove(world: () => World): void {
  describe('remove', () => {
    const removeAny = async (id: string) => (await world().peer.removeMany([id], { states: 'any' }))[0];
    /** The state of a job that is due and not promoted yet. */
    const unmoved = (): JobState => (world().queue.needsPromotion ? 'due' : 'ready');

    it('a remove deletes a delayed job', async () => {
      const { queue, peer, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b', delayMs: LONG_MS };
      await queue.push(job);
      expect(await peer.remove(job.id)).to.be.true;
      expect(await queue.find(job.id)).to.be.empty;
      expect(await peer.remove(job.id)).to.be.false;
      expect((await queue.stats()).topics).to.deep.equal([]);
    });

    it('a remove of an absent id returns false', async () => {
      const { queue, name } = world();
      const id = name('id');
      expect(await queue.remove(id)).to.be.false;
      const result = must(await removeAny(id));
      expect(result.removed).to.be.false;
      expect(result.state).to.be.undefined;
    });

    it('a remove of a job that is due but not promoted returns false, and the job is delivered', async () => {
      const { queue, peer, clock, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      await queue.push({ ...job, delayMs: MINUTE_MS });
      clock.advance(MINUTE_MS);
      expect(await peer.removeMany([job.id])).to.deep.equal([{ removed: false, state: unmoved() }]);
      expect(textOf(await queue.pop(job.topic))).to.equal('b');
    });

    it('a remove deletes a job up to the last millisecond before it is due, and not later', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const [one, two] = await queue.pushMany([1, 2].map(() => ({ topic, body: 'b', delayMs: 5000 })));
      clock.advance(4999);
      expect(await queue.remove(must(one).id)).to.be.true;
      clock.advance(1);
      expect(await queue.remove(must(two).id)).to.be.false;
      expect(idsOf(await drain(queue, topic))).to.deep.equal(idsOf([must(two)]));
    });

    it('a remove of a ready job returns false, and leaves the job unchanged', async () => {
      const { queue, peer, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      await queue.push(job);
      await maintainAll(queue);
      const before = await queue.find(job.id);
      expect(await peer.removeMany([job.id])).to.deep.equal([{ removed: false, state: 'ready' }]);
      expect(await queue.find(job.id)).to.deep.equal(before);
      expect(textOf(await queue.pop(job.topic))).to.equal('b');
    });

    it('a remove of a leased job returns false, and leaves the lease held', async () => {
      const { queue, peer, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      await queue.push(job);
      const jobs = await reserve(queue, job.topic);
      expect(await peer.removeMany([job.id])).to.deep.equal([{ removed: false, state: 'leased' }]);
      expect(await queue.ack(jobs)).to.deep.equal([true]);
    });

    it('a remove of many ids answers for each, in order', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      await queue.push({ id: `${topic}-ready`, topic, body: 'b' });
      await maintainAll(queue);
      const delayed = await queue.pushMany(
        Array.from({ length: 600 }, (_, i) => ({ id: `${topic}-${i}`, topic, body: 'b', delayMs: LONG_MS })),
      );
      const ids = [`${topic}-ready`, ...idsOf(delayed), name('none')];
      const results = await peer.removeMany(ids);
      expect(results).to.have.length(602);
      expect(results[0]).to.include({ removed: false, state: 'ready' });
      expect(results.slice(1, 601).every(({ removed, state }) => removed && state === 'delayed')).to.be.true;
      expect(results[601]?.removed).to.be.false;
      expect(await peer.removeMany([])).to.deep.equal([]);
    });

    it('a remove of an id that is given twice removes it once', async () => {
      const { queue, name } = world();
      const id = name('id');
      await queue.push({ id, topic: name('topic'), body: 'b', delayMs: LONG_MS });
      expect((await queue.removeMany([id, id])).map(({ removed }) => removed)).to.deep.equal([true, false]);
    });

    it('a remove in any state deletes delayed, due, ready and leased jobs', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      const ids = ['leased', 'ready', 'due', 'delayed'].map((state) => `${topic}-${state}`);
      const [leased = '', ready = '', due = '', delayed = ''] = ids;
      await queue.push({ id: leased, topic, body: 'b' });
      const jobs = await reserve(queue, topic);
      await queue.push({ id: ready, topic, body: 'b' });
      await maintainAll(queue);
      await queue.push({ id: due, topic, body: 'b' });
      await queue.push({ id: delayed, topic, body: 'b', delayMs: LONG_MS });
      clock.advance(1);
      expect(await peer.removeMany(ids, { states: 'any' })).to.deep.equal([
        { removed: true, state: 'leased' },
        { removed: true, state: 'ready' },
        { removed: true, state: unmoved() },
        { removed: true, state: 'delayed' },
      ]);
      for (const id of ids) expect(await queue.find(id)).to.be.empty;
      expect(await drain(queue, topic)).to.be.empty;
      expect(await queue.ack(jobs)).to.deep.equal([false]);
    });

    it('a remove of the leased job of an id returns removed, and leaves a newer job alone', async () => {
      const { queue, peer, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await queue.push({ ...job, body: 'leased' });
      const leased = await reserve(queue, job.topic);
      for (const delayMs of [LONG_MS, 0]) {
        await queue.push({ ...job, body: 'newer', delayMs }, { onExisting: 'replace' });
      }
      await maintainAll(queue);
      expect(await peer.removeMany([job.id], { states: ['leased'] })).to.deep.equal([
        { removed: true, state: 'leased' },
      ]);
      expect(await queue.ack(leased)).to.deep.equal([false]);
      expect((await queue.find(job.id)).map(textOf)).to.deep.equal(['newer']);
    });

    it('a remove in any state deletes both of two leased jobs of one id', async () => {
      const { queue, peer, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      const leased = [];
      for (const body of ['one', 'two']) {
        await queue.push({ ...job, body });
        leased.push(...(await reserve(queue, job.topic)));
      }
      expect(await removeAny(job.id)).to.deep.equal({ removed: true, state: 'leased' });
      expect(await peer.find(job.id)).to.be.empty;
      expect(await queue.ack(leased)).to.deep.equal([false, false]);
    });

    it('a remove of a leased job ends its lease, and leaves the others of its reservation leased', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      await queue.pushMany([1, 2, 3].map((i) => ({ id: `${topic}-${i}`, topic, body: 'b' })));
      const jobs = await reserve(queue, topic, 3);
      const revoked = must(jobs[1]);
      expect(await peer.removeMany([revoked.id], { states: ['leased'] })).to.deep.equal([
        { removed: true, state: 'leased' },
      ]);
      expect(await peer.find(revoked.id)).to.be.empty;
      for (const ended of [
        await queue.ack([revoked]),
        await queue.release([revoked]),
        areHeld(await queue.nack([revoked], { delayMs: 0 })),
        areHeld(await queue.nack([revoked], { dead: true })),
      ]) {
        expect(ended).to.deep.equal([false]);
      }
      expect(await queue.extend([revoked], LONG_MS)).to.deep.equal([undefined]);
      expect(await queue.ack(jobs)).to.deep.equal([true, false, true]);
      clock.advance(2 * LONG_MS);
      await maintainAll(peer);
      expect(await drain(peer, topic)).to.be.empty;
    });

    it('a remove in any state deletes an expired job that was not cleared away yet', async () => {
      const { queue, clock, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      await queue.push({ ...job, ttlMs: MINUTE_MS });
      clock.advance(2 * MINUTE_MS);
      expect(await removeAny(job.id)).to.deep.equal({ removed: true, state: 'expired' });
      expect(await queue.find(job.id)).to.be.empty;
    });

    it('a job behind a removed ready job is delivered', async () => {
      const { queue, name } = world();
      const [topic, id] = [name('topic'), name('id')];
      await queue.push({ id, topic, body: 'removed' });
      await queue.push({ topic, body: 'next' });
      await maintainAll(queue);
      await removeAny(id);
      expect(textOf(await queue.pop(topic))).to.equal('next');
    });

    it('an id whose ready job was removed can be pushed again, and is delivered behind those that were ready before', async () => {
      const { queue, peer, name } = world();
      const [topic, id] = [name('topic'), name('id')];
      await queue.push({ id, topic, body: 'old' });
      await queue.push({ topic, body: 'next' });
      await maintainAll(queue);
      await removeAny(id);
      await peer.push({ id, topic, body: 'new' });
      await maintainAll(queue);
      expect((await drain(peer, topic)).map(textOf)).to.deep.equal(['next', 'new']);
    });

    it('an id whose ready job was removed can be pushed again with a delay, and is not delivered early', async () => {
      const { queue, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await queue.push({ ...job, body: 'old' });
      await maintainAll(queue);
      await removeAny(job.id);
      await queue.push({ ...job, body: 'new', delayMs: LONG_MS });
      expect(await queue.pop(job.topic)).to.be.undefined;
      expect(only(await queue.find(job.id)).state).to.equal('delayed');
    });

    it('a remove deletes each delayed job of the id, including one that waits for a duplicate', async () => {
      const { queue, peer, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await queue.push({ ...job, body: 'first' });
      const first = await reserve(queue, job.topic);
      await peer.push({ ...job, body: 'second', delayMs: LONG_MS });
      await queue.release(first);
      expect(await peer.remove(job.id)).to.be.true;
      expect(await queue.find(job.id)).to.be.empty;
      expect(await peer.remove(job.id)).to.be.false;
    });

    it('a remove deletes a job that waits for a duplicate that is ready', async () => {
      const { queue, peer, clock, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await queue.push({ ...job, body: 'first' });
      const first = await reserve(queue, job.topic);
      await peer.push({ ...job, body: 'second' });
      await maintainAll(peer);
      await queue.release(first);
      clock.advance(1);
      expect(await peer.removeMany([job.id])).to.deep.equal([{ removed: true, state: 'delayed' }]);
      expect((await queue.find(job.id)).map(textOf)).to.deep.equal(['second']);
    });

    it('a remove in any state deletes every job of the id, and returns the state of the first', async () => {
      const { queue, peer, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await queue.push({ ...job, body: 'dead' });
      await queue.nack(await reserve(queue, job.topic), { dead: true });
      await queue.push({ ...job, body: 'leased' });
      const leased = await reserve(queue, job.topic);
      await queue.push({ ...job, body: 'waits' });
      const waits = await reserve(queue, job.topic);
      await queue.push({ ...job, body: 'lives', delayMs: LONG_MS });
      await queue.release(waits);
      expect(await peer.find(job.id)).to.have.length(4);
      expect(await removeAny(job.id)).to.deep.equal({ removed: true, state: 'delayed' });
      expect(await peer.find(job.id)).to.be.empty;
      expect(await queue.ack(leased)).to.deep.equal([false]);
    });
  });

  describe('guarded remove', () => {
    const remove = async (guard: JobGuard) => (await world().peerStore.remove({ jobs: [guard] }))[0];

    for (const [what, states, removed] of [
      ['is in the expected state', ['delayed'], true],
      ['is in one of the expected states', ['ready', 'delayed'], true],
      ['is in none of the expected states', ['ready', 'leased', 'dead', 'expired'], false],
      ['is expected in no state', [], false],
    ] as const) {
      it(`a guarded remove ${removed ? 'removes' : 'leaves alone'} a job that ${what}`, async () => {
        const { queue, name } = world();
        const id = name('id');
        await queue.push({ id, topic: name('topic'), body: 'b', delayMs: LONG_MS });
        expect(await remove({ id: Buffer.from(id), states })).to.deep.equal({ removed, state: 'delayed' });
        expect(await queue.find(id)).to.have.length(removed ? 0 : 1);
      });
    }

    for (const state of ['delayed', 'ready', 'leased'] as const) {
      it(`a guarded remove leaves a ${state} job alone whose due time is not the expected one`, async () => {
        const { queue, name } = world();
        const topic = name('topic');
        const { id, dueAt } = await queue.push({
          topic,
          body: 'b',
          delayMs: state === 'delayed' ? LONG_MS : 0,
        });
        await maintainAll(queue);
        if (state === 'leased') await reserve(queue, topic);
        const at = must(dueAt).getTime();
        const guard = { id: Buffer.from(id), states: [state] };
        for (const other of [at - 1, at + 1]) {
          expect(await remove({ ...guard, dueAt: new Date(other) })).to.deep.equal({ removed: false, state });
        }
        expect(await remove({ ...guard, dueAt: new Date(at) })).to.deep.equal({ removed: true, state });
        expect(await queue.find(id)).to.be.empty;
      });
    }

    it('a guarded remove leaves a job alone that was nacked with a delay meanwhile', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      const { id, dueAt } = await queue.push({ topic, body: 'b' });
      await queue.nack(await reserve(queue, topic), { delayMs: LONG_MS });
      const guard = { id: Buffer.from(id), states: ['delayed' as const], dueAt };
      expect(await remove(guard)).to.deep.equal({ removed: false, state: 'delayed' });
      const now = only(await queue.find(id)).dueAt;
      expect(await remove({ ...guard, dueAt: now })).to.deep.equal({ removed: true, state: 'delayed' });
    });

    it('a guarded remove leaves a job alone that was replaced meanwhile', async () => {
      const { queue, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      const { dueAt } = await queue.push({ ...job, body: 'seen', delayMs: LONG_MS });
      await queue.push({ ...job, body: 'new', delayMs: 2 * LONG_MS }, { onExisting: 'replace' });
      const guard = { id: Buffer.from(job.id), states: ['delayed' as const], dueAt };
      expect(await remove(guard)).to.deep.equal({ removed: false, state: 'delayed' });
      expect(textOf(only(await queue.find(job.id)))).to.equal('new');
    });

    it('a guarded remove deletes only the dead letter of an id that failed at the given time', async () => {
      const { queue, clock, name } = world();
      const [topic, id] = [name('topic'), name('id')];
      for (const body of ['first', 'second']) {
        await queue.push({ topic, id, body });
        await queue.nack(await reserve(queue, topic), { dead: true });
        clock.advance(MINUTE_MS);
      }
      const letters = await queue.find(id);
      const [second, first] = letters.map(({ failedAt }) => failedAt);
      const states = ['dead' as const];
      const never = new Date(must(first).getTime() + 1);
      expect(await queue.removeMany([{ id, states, failedAt: never }])).to.deep.include({
        removed: false,
        state: 'dead',
      });
      expect(await queue.removeMany([{ id, states, failedAt: first }])).to.deep.include({
        removed: true,
        state: 'dead',
      });
      const left = await queue.find(id);
      expect(left.map(({ failedAt }) => failedAt)).to.deep.equal([second]);
      expect(await queue.list(topic, { states }))
        .to.have.property('jobs')
        .with.length(1);
    });

    it('a guarded remove of two jobs of one id, one of them leased, returns removed for each', async () => {
      const { queue, name } = world();
      const [topic, id] = [name('topic'), name('id')];
      for (const isReversed of [false, true]) {
        await queue.push({ topic, id, body: 'leased' });
        await reserve(queue, topic);
        await queue.push({ topic, id, body: 'delayed', delayMs: LONG_MS });
        const seen = (await queue.list(topic)).jobs.map(({ id, state, dueAt }) => ({
          id,
          states: [state],
          dueAt,
        }));
        if (isReversed) seen.reverse();
        expect((await queue.removeMany(seen)).map(({ removed }) => removed)).to.deep.equal([true, true]);
        expect(await queue.find(id)).to.deep.equal([]);
      }
    });

    for (const isWaiting of [true, false])
      it(`of two delayed jobs of one id with the same due time, a remove takes the one that ${isWaiting ? 'waits' : 'does not wait'} if that one was selected`, async () => {
        const { queue, clock, name } = world();
        const [topic, id] = [name('topic'), name('id')];
        clock.stop();
        const at = new Date(clock.now() + LONG_MS);
        await queue.push({ id, topic, body: 'first', at });
        const [held] = await queue.hold([{ id }], { leaseMs: MINUTE_MS, holder: 'operator' });
        await queue.push({ id, topic, body: 'second', at });
        await queue.release([must(held?.held === true ? held.lease : undefined)]);
        const jobs = await queue.find(id);
        expect(jobs.map(({ state, dueAt }) => [state, dueAt])).to.deep.equal([
          ['delayed', at],
          ['delayed', at],
        ]);
        const selected = jobs.filter((job) => (job.isWaiting ?? false) === isWaiting);
        expect(await removing(queue)(selected)).to.deep.equal(['done']);
        expect(textOf(only(await queue.find(id)))).to.equal(isWaiting ? 'second' : 'first');
      });

    it('a remove of two dead letters of one id that failed in the same millisecond deletes both', async () => {
      const { queue, clock, name } = world();
      const [topic, id] = [name('topic'), name('id')];
      clock.stop();
      for (const body of ['first', 'second']) {
        await queue.push({ topic, id, body });
        await queue.reserve({ topics: topic, limit: 1, leaseMs: SECOND_MS, retry: { retries: 0 } });
      }
      clock.advance(SECOND_MS);
      await maintainAll(queue);
      const letters = await queue.find(id);
      expect(statesOf(letters)).to.deep.equal(['dead', 'dead']);
      expect(await removing(queue)(letters)).to.deep.equal(['done', 'done']);
      expect(await queue.find(id)).to.deep.equal([]);
    });

    it('each guard of a remove has its own states', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      const ids = idsOf(await queue.pushMany(jobsOf(topic, 2)));
      await maintainAll(queue);
      const [first = '', second = ''] = ids;
      const results = await queue.removeMany([
        { id: first, states: ['ready'] },
        { id: second, states: ['delayed'] },
      ]);
      expect(results.map(({ removed }) => removed)).to.deep.equal([true, false]);
    });
  });
}

import { areHeld } from '../../support/jobs.js';
import { expect } from 'chai';
import type { Bytes } from '../../../src/core/job.js';
import {
  HOUR_MS,
  idsOf,
  LONG_MS,
  maintainAll,
  MINUTE_MS,
  must,
  reserve,
  RETRY_MS,
  SECOND_MS,
  statesOf,
  textOf,
  type World,
} from '../world.js';

/** A push under the id of a leased job makes a second job, and neither may hide the other. */
export function describeDuplicateIds(world: () => World): void {
  describe('duplicate ids', () => {
    /** A leased job with the body `first`, and one with the body `second` under the same id. */
    async function leaseAndPush(options: { leaseMs?: number; delayMs?: number; ttlMs?: number } = {}) {
      const { queue, peer, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await queue.push({ ...job, body: 'first', ttlMs: options.ttlMs });
      await maintainAll(queue);
      const first = await reserve(queue, job.topic, 1, options.leaseMs ?? LONG_MS);
      expect(first.map(textOf)).to.deep.equal(['first']);
      const second = await peer.push({ ...job, body: 'second', delayMs: options.delayMs });
      expect(second.outcome).to.equal('pushed');
      return { ...job, first, second };
    }

    /** Deletes the newer job, and leaves alone the one that waits for it. */
    async function removeDuplicate({ id, dueAt }: { id: Bytes; dueAt?: Date | undefined }) {
      const guard = { id: Buffer.from(id), states: ['delayed' as const], dueAt: must(dueAt) };
      expect(await world().peerStore.remove({ jobs: [guard] })).to.deep.equal([
        { removed: true, state: 'delayed' },
      ]);
    }

    const findFirst = async (id: string) =>
      must((await world().peer.find(id)).find((job) => textOf(job) === 'first'));

    /** Lets a waiting job come back once its duplicate is gone. */
    async function settle() {
      const { queue, clock } = world();
      await maintainAll(queue);
      clock.advance(RETRY_MS);
      await maintainAll(queue);
    }

    it('a push under the id of a leased job makes a second job, and find returns both', async () => {
      const { peer } = world();
      const { id } = await leaseAndPush({ delayMs: 2 * LONG_MS });
      const found = await peer.find(id);
      expect(statesOf(found)).to.deep.equal(['delayed', 'leased']);
      expect(found.map(textOf)).to.deep.equal(['second', 'first']);
    });

    it('a push of the same content as a leased job makes a second job, too', async () => {
      const { queue, peer, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'same' };
      await queue.push(job);
      const first = await reserve(queue, job.topic);
      expect((await peer.push(job)).outcome).to.equal('pushed');
      expect(await peer.pop(job.topic)).to.deep.include({ body: Buffer.from('same'), attempts: 1 });
      expect(await queue.ack(first)).to.deep.equal([true]);
    });

    it('two jobs of one id can be leased at once, and an ack of one leaves the other alone', async () => {
      const { queue, peer } = world();
      const { id, topic, first } = await leaseAndPush();
      const second = await reserve(peer, topic);
      expect(second.map(textOf)).to.deep.equal(['second']);
      expect(statesOf(await peer.find(id))).to.deep.equal(['leased', 'leased']);
      expect(await queue.ack(first)).to.deep.equal([true]);
      expect((await peer.find(id)).map(textOf)).to.deep.equal(['second']);
      expect(await peer.ack(second)).to.deep.equal([true]);
      expect(await peer.find(id)).to.be.empty;
    });

    it('the newer job of a leased id can be removed while it is delayed, and the leased one stays', async () => {
      const { queue, peer } = world();
      const { id, first } = await leaseAndPush({ delayMs: 2 * LONG_MS });
      expect(await peer.remove(id)).to.be.true;
      expect((await peer.find(id)).map(textOf)).to.deep.equal(['first']);
      expect(await queue.ack(first)).to.deep.equal([true]);
    });

    for (const [end, attempts] of [
      ['its lease ends', 1],
      ['it is released', 0],
      ['it fails', 1],
    ] as const) {
      const letEnd = async (first: Awaited<ReturnType<typeof leaseAndPush>>['first']) => {
        const { queue, peer, clock } = world();
        if (end === 'it is released') expect(await queue.release(first)).to.deep.equal([true]);
        else if (end === 'it fails') expect(areHeld(await queue.nack(first, {}))).to.deep.equal([true]);
        else clock.advance(LONG_MS + 1);
        await maintainAll(peer);
      };

      it(`a job whose id was pushed again waits when ${end}: delayed, blocked by the duplicate, not leased`, async () => {
        const { queue } = world();
        const { id, first } = await leaseAndPush({ delayMs: 9 * HOUR_MS });
        await letEnd(first);
        const waits = await findFirst(id);
        expect(waits).to.deep.include({
          state: 'delayed',
          body: Buffer.from('first'),
          attempts,
          blockedBy: { type: 'duplicate_id' },
        });
        expect([waits.lease, waits.leaseUntil]).to.deep.equal([undefined, undefined]);
        expect(await queue.ack(first)).to.deep.equal([false]);
        expect(await queue.extend(first, LONG_MS)).to.deep.equal([undefined]);
        expect((await queue.stats()).topics[0]).to.deep.include({ delayed: 2, leased: 0, ready: 0 });
      });

      it(`a job that waits for a duplicate since ${end} comes back when the duplicate is removed`, async () => {
        const { peer, clock } = world();
        const { id, topic, first, second } = await leaseAndPush({ delayMs: 9 * HOUR_MS });
        await letEnd(first);
        clock.advance(HOUR_MS);
        await maintainAll(peer);
        expect(await peer.pop(topic)).to.be.undefined;
        await removeDuplicate(second);
        await settle();
        expect((await peer.popMany(topic, 5)).map(textOf)).to.deep.equal(['first']);
        expect(await peer.find(id)).to.be.empty;
      });

      it(`a job that waits for a duplicate since ${end} comes back when the duplicate was delivered`, async () => {
        const { peer, clock } = world();
        const { topic, first } = await leaseAndPush({ delayMs: 2 * HOUR_MS });
        await letEnd(first);
        clock.advance(2 * HOUR_MS);
        const got = [await peer.pop(topic)];
        await settle();
        got.push(await peer.pop(topic), await peer.pop(topic));
        expect(got.map(textOf)).to.deep.equal(['second', 'first', undefined]);
        expect(must(got[1]).attempts).to.equal(attempts + 1);
      });
    }

    it('a job that waits for a duplicate does not expire, and then has the rest of its ready lifetime', async () => {
      const { queue, peer, clock } = world();
      clock.stop();
      const { id, topic, first, second } = await leaseAndPush({
        delayMs: 9 * HOUR_MS,
        ttlMs: 10 * SECOND_MS,
      });
      await queue.release(first);
      for (let i = 0; i < 5; i += 1) {
        clock.advance(HOUR_MS);
        await maintainAll(peer);
      }
      expect(await findFirst(id)).to.deep.include({ state: 'delayed', body: Buffer.from('first') });
      await removeDuplicate(second);
      await settle();
      const { state, expiresAt } = await findFirst(id);
      expect(state).to.equal('ready');
      // It came back at some time during the last RETRY_MS.
      expect(must(expiresAt).getTime() - clock.now()).to.be.within(10 * SECOND_MS - RETRY_MS, 10 * SECOND_MS);
      clock.advance(10 * SECOND_MS - RETRY_MS - 1);
      expect(textOf(await peer.pop(topic))).to.equal('first');
    });

    it('a job that was nacked with a delay and waits for a duplicate is not delivered before it is due', async () => {
      const { queue, peer, clock } = world();
      const { id, topic, first, second } = await leaseAndPush({ delayMs: 9 * HOUR_MS });
      await queue.nack(first, { delayMs: HOUR_MS });
      clock.advance(MINUTE_MS);
      await maintainAll(peer);
      expect(await findFirst(id)).to.deep.include({
        state: 'delayed',
        blockedBy: { type: 'duplicate_id' },
      });
      await removeDuplicate(second);
      await settle();
      expect(await peer.pop(topic)).to.be.undefined;
      clock.advance(HOUR_MS - MINUTE_MS);
      await settle();
      expect(textOf(await peer.pop(topic))).to.equal('first');
    });

    it('a dead letter does not wait for a duplicate: it is kept beside the newer job', async () => {
      const { queue, peer } = world();
      const { id, first } = await leaseAndPush({ delayMs: 2 * LONG_MS });
      await queue.nack(first, { dead: true });
      const found = await peer.find(id);
      expect(statesOf(found)).to.deep.equal(['delayed', 'dead']);
      expect(found.map(({ blockedBy }) => blockedBy)).to.deep.equal([undefined, undefined]);
    });

    it('several jobs of one reservation each wait for their own duplicate, and each comes back', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const ids = [1, 2, 3].map((i) => `${topic}-${i}`);
      const push = (body: string, delayMs = 0) =>
        queue.pushMany(ids.map((id) => ({ id, topic, body, delayMs })));
      await push('first');
      const jobs = await reserve(queue, topic, 3);
      const duplicates = await push('second', LONG_MS);
      await queue.release(jobs);
      for (const id of ids) expect((await peer.find(id)).map(textOf)).to.deep.equal(['second', 'first']);
      for (const duplicate of duplicates) await removeDuplicate(duplicate);
      await settle();
      const got = await peer.popMany(topic, 10);
      expect(got.map(textOf)).to.deep.equal(['first', 'first', 'first']);
      expect(idsOf(got)).to.deep.equal(ids);
    });

    it('a job that waits for a duplicate leaves the rest of its reservation leased', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const [id, rest] = [`${topic}-1`, `${topic}-2`];
      await queue.pushMany([id, rest].map((one) => ({ id: one, topic, body: 'first' })));
      const jobs = await reserve(queue, topic, 2);
      await peer.push({ id, topic, body: 'second', delayMs: LONG_MS });
      expect(await queue.release(jobs.slice(0, 1))).to.deep.equal([true]);
      expect((await peer.find(id)).map(textOf)).to.deep.equal(['second', 'first']);
      expect(statesOf(await peer.find(rest))).to.deep.equal(['leased']);
      expect(await queue.ack(jobs)).to.deep.equal([false, true]);
      expect((await peer.find(id)).map(textOf)).to.deep.equal(['second', 'first']);
    });

    it('a duplicate that has expired blocks no job', async () => {
      const { queue, peer, clock, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await queue.push({ ...job, body: 'first' });
      const jobs = await reserve(queue, job.topic);
      await peer.push({ ...job, body: 'second', ttlMs: SECOND_MS });
      clock.advance(2 * SECOND_MS);
      await queue.release(jobs);
      expect(textOf(await peer.pop(job.topic))).to.equal('first');
      expect(await peer.pop(job.topic)).to.be.undefined;
    });

    it('neither of two jobs of one id is lost or delivered early, however often maintain tries to bring one back', async () => {
      const { queue, peer, clock } = world();
      clock.stop();
      const { topic, first } = await leaseAndPush({ leaseMs: SECOND_MS, delayMs: MINUTE_MS });
      expect(first).to.have.length(1);
      const got: [string | undefined, number][] = [];
      for (let seconds = 0; seconds < 120; seconds += 1) {
        for (const job of await (seconds % 2 === 0 ? queue : peer).popMany(topic, 10)) {
          got.push([textOf(job), seconds]);
        }
        clock.advance(SECOND_MS);
      }
      expect(got.map(([body]) => body)).to.deep.equal(['second', 'first']);
      expect(must(got[0])[1]).to.be.within(59, 61);
    });

    it('maintain does not retry a job that waits for a duplicate more often than every 100 ms', async () => {
      const { queue, peer, clock } = world();
      await leaseAndPush({ leaseMs: SECOND_MS, delayMs: 2 * LONG_MS });
      clock.advance(SECOND_MS + 1);
      await maintainAll(queue);
      // A store may also know without retrying when the duplicate is gone.
      expect((await peer.maintain()).nextInMs).to.be.at.least(100);
    });

    it('two leased jobs of one id whose leases end together come back one after the other', async () => {
      const { queue, peer, clock } = world();
      const { id, topic, first } = await leaseAndPush();
      const second = await reserve(peer, topic);
      await queue.extend([...first, ...second], MINUTE_MS);
      clock.advance(MINUTE_MS + 1);
      const got: (string | undefined)[] = [];
      for (let i = 0; i < 3; i += 1) {
        await settle();
        got.push(...(await peer.popMany(topic, 5)).map(textOf));
      }
      expect(got).to.have.members(['first', 'second']);
      expect(await queue.find(id)).to.be.empty;
    });

    it('a push of an id whose older job waits for a delivered duplicate loses neither job', async () => {
      const { queue, peer } = world();
      const { id, topic, first } = await leaseAndPush();
      await maintainAll(peer);
      await queue.release(first);
      expect(textOf(await peer.pop(topic))).to.equal('second');
      const third = await peer.push({ id, topic, body: 'third' });
      expect(third.outcome).to.be.oneOf(['pushed', 'conflict']); // A conflict if the first job is back already.
      const wanted = third.outcome === 'pushed' ? ['first', 'third'] : ['first'];
      const got: (string | undefined)[] = [];
      for (let i = 0; i < 3; i += 1) {
        got.push(...(await peer.popMany(topic, 5)).map(textOf));
        await settle();
      }
      expect(got).to.have.members(wanted);
    });

    it('two jobs of one id wait for a third, and both come back when it is removed', async () => {
      const { queue, peer } = world();
      const { id, topic, first } = await leaseAndPush();
      const second = await reserve(peer, topic);
      const third = await queue.push({ id, topic, body: 'third', delayMs: HOUR_MS });
      expect(await queue.release(first)).to.deep.equal([true]);
      expect(await peer.release(second)).to.deep.equal([true]);
      expect((await queue.find(id)).map(textOf)).to.have.members(['first', 'second', 'third']);
      await removeDuplicate(third);
      const got: (string | undefined)[] = [];
      for (let i = 0; i < 4; i += 1) {
        await settle();
        got.push(textOf(await peer.pop(topic)));
      }
      expect(got.filter((body) => body !== undefined)).to.have.members(['first', 'second']);
      expect(await queue.find(id)).to.be.empty;
    });

    it('a retry that waited for a duplicate beyond its due time has its whole ready lifetime afterwards', async () => {
      const { queue, peer, clock, name } = world();
      clock.stop();
      const job = { id: name('id'), topic: name('topic') };
      await queue.push({ ...job, body: 'first', ttlMs: MINUTE_MS });
      const jobs = await reserve(queue, job.topic);
      clock.advance(10 * SECOND_MS);
      const other = name('other');
      await peer.push({ id: job.id, topic: other, body: 'second', delayMs: HOUR_MS });
      await queue.nack(jobs, { delayMs: 5 * SECOND_MS });
      const dueAt = new Date(clock.now() + 5 * SECOND_MS);
      clock.advance(HOUR_MS);
      expect(textOf(await peer.pop(other))).to.equal('second');
      clock.advance(RETRY_MS);
      await maintainAll(queue);
      expect(await queue.find(job.id)).to.have.length(1);
      expect((await queue.find(job.id))[0]).to.deep.include({
        state: 'ready',
        dueAt,
        expiresAt: new Date(clock.now() + MINUTE_MS),
      });
    });
  });
}

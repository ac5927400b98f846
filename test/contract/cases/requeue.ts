import { expect } from 'chai';
import { HOUR_MS, MINUTE_MS, must, only, SECOND_MS, statesOf, textOf, type World } from '../world.js';
import { fail, leaseOne, POLICY } from '../retry.js';

export function describeRequeue(world: () => World): void {
  /** Pushes a job and lets it fail for good. */
  async function bury(job: { id: string; topic: string; body: string }) {
    const { queue, store } = world();
    await queue.push(job);
    await fail(store, await leaseOne(queue, job.topic), { isDead: true });
  }

  describe('requeue', () => {
    it('a requeue delays each dead letter by its own delay, or by that of the call', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const ids = [0, 1, 2].map((i) => `${topic}-${i}`);
      for (const id of ids) await bury({ id, topic, body: 'b' });
      const [one = '', two = '', three = ''] = ids;
      const letters = [{ id: one, delayMs: HOUR_MS }, two, { id: three, delayMs: 0 }];
      expect(await queue.requeue(letters, { delayMs: MINUTE_MS })).to.deep.equal(ids.map(() => 'requeued'));
      for (const [id, delayMs] of [
        [one, HOUR_MS],
        [two, MINUTE_MS],
        [three, 0],
      ] as const)
        expect(only(await queue.find(id)).dueAt).to.deep.equal(new Date(clock.now() + delayMs));
    });

    it('a requeue with a topic takes the latest dead letter of the id in that topic, and leaves those of other topics', async () => {
      const { queue, peer, clock, name } = world();
      const [id, topic, other] = [name('id'), name('topic'), name('other')];
      for (const [at, body] of [
        [topic, 'one'],
        [topic, 'two'],
        [other, 'three'],
      ] as const) {
        await bury({ id, topic: at, body });
        clock.advance(SECOND_MS);
      }
      expect(await peer.requeue([{ id, topic: name('empty') }])).to.deep.equal(['none']);
      expect(await peer.requeue([{ id, topic }])).to.deep.equal(['requeued']);
      expect(textOf(await peer.pop(topic))).to.equal('two');
      expect((await queue.find(id)).map(textOf)).to.have.members(['one', 'three']);
      expect(await peer.requeue([id])).to.deep.equal(['requeued']);
      expect(textOf(await peer.pop(other))).to.equal('three');
      expect(await peer.requeue([{ id, topic: other }])).to.deep.equal(['none']);
      expect(await peer.requeue([{ id, topic }])).to.deep.equal(['requeued']);
      expect(textOf(await peer.pop(topic))).to.equal('one');
    });

    it('a requeue with the time of a failure takes the dead letter that failed then, and leaves later ones', async () => {
      const { queue, peer, clock, name } = world();
      const [id, topic] = [name('id'), name('topic')];
      for (const body of ['one', 'two', 'three']) {
        await bury({ id, topic, body });
        clock.advance(SECOND_MS);
      }
      const [, second] = await queue.find(id);
      const failedAt = must(must(second).failedAt);
      const never = new Date(failedAt.getTime() + 1);
      expect(await peer.requeue([{ id, failedAt: never }])).to.deep.equal(['none']);
      expect(await peer.requeue([{ id, topic, failedAt }])).to.deep.equal(['requeued']);
      expect(textOf(await peer.pop(topic))).to.equal('two');
      expect((await queue.find(id)).map(textOf)).to.deep.equal(['three', 'one']);
    });

    it('a requeue of two dead letters of one id in two topics requeues the first, and refuses the second as duplicate_id', async () => {
      const { queue, name } = world();
      const [id, topic, other] = [name('id'), name('topic'), name('other')];
      await bury({ id, topic, body: 'one' });
      await bury({ id, topic: other, body: 'two' });
      const letters = [
        { id, topic },
        { id, topic: other },
      ];
      expect(await queue.requeue(letters)).to.deep.equal(['requeued', 'duplicate_id']);
      const found = await queue.find(id);
      expect(found.map(textOf)).to.deep.equal(['one', 'two']);
      expect(statesOf(found)[1]).to.equal('dead');
    });

    it('a requeued job has 0 attempts and all its retries again', async () => {
      const { queue, store, clock, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      await bury(job);
      await queue.requeue([job.id]);
      const outcomes: string[] = [];
      while (outcomes.length < 9 && outcomes.at(-1) !== 'dead') {
        outcomes.push((await fail(store, await leaseOne(queue, job.topic))).outcome);
        clock.advance(HOUR_MS);
      }
      expect(outcomes).to.deep.equal(['retried', 'retried', 'dead']);
    });

    it('a requeue that keeps attempts continues to count them', async () => {
      const { queue, store, clock, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      await queue.push(job);
      for (const outcome of ['retried', 'retried', 'dead']) {
        expect((await fail(store, await leaseOne(queue, job.topic))).outcome).to.equal(outcome);
        clock.advance(HOUR_MS);
      }
      expect(await queue.requeue([job.id], { keepAttempts: true })).to.deep.equal(['requeued']);
      expect(only(await queue.find(job.id))).to.include({ attempts: 3 });
      const again = await leaseOne(queue, job.topic, POLICY);
      expect(again.attempts).to.equal(4);
      expect((await fail(store, again)).outcome).to.equal('dead');
      expect(must(only(await queue.find(job.id)).history).map(({ attempt }) => attempt)).to.deep.equal([
        1, 2, 3, 4,
      ]);
    });
  });
}

import { expect } from 'chai';
import { type Attempt, MAX_HISTORY, MAX_REASON_BYTES } from '../../../src/core/job.js';
import {
  HOUR_MS,
  LONG_MS,
  maintainAll,
  MINUTE_MS,
  must,
  only,
  RETRY_MS,
  SECOND_MS,
  textOf,
  type World,
} from '../world.js';
import { fail, leaseOne, POLICY } from '../retry.js';

export function describeHistory(world: () => World): void {
  /** Pushes one job, and stops the clock. */
  async function pushed(more: { id?: string; topic?: string } = {}) {
    const { queue, clock, name } = world();
    const topic = more.topic ?? name('topic');
    clock.stop();
    const { id } = await queue.push({ topic, body: 'b', id: more.id });
    return { id, topic };
  }

  const historyOf = async (id: Uint8Array): Promise<readonly Attempt[] | undefined> =>
    only(await world().peer.find(id)).history;
  /** Attempts as plain JSON, without undefined fields. */
  const told = (history: readonly Attempt[] | undefined) =>
    history?.map((attempt) => JSON.parse(JSON.stringify(attempt)) as unknown);
  const at = (ms: number) => new Date(ms).toISOString();

  describe('history', () => {
    it('a job that never failed has no history, even while it is leased for the first time', async () => {
      const { queue } = world();
      const { id, topic } = await pushed();
      expect(await historyOf(id)).to.be.undefined;
      await leaseOne(queue, topic);
      expect(await historyOf(id)).to.be.undefined;
    });

    it('a failed attempt is kept with its times, its exit code or signal, and its reason', async () => {
      const { queue, store, clock } = world();
      const { id, topic } = await pushed();
      const begun = clock.now();
      const job = await leaseOne(queue, topic);
      clock.advance(3 * SECOND_MS);
      await fail(store, job, { exitCode: 7, reason: 'no answer\nfrom the shop' });
      clock.advance(MINUTE_MS);
      const again = clock.now();
      const second = await leaseOne(queue, topic);
      clock.advance(SECOND_MS);
      await fail(store, second, { signalName: 'SIGSEGV' });
      expect(told(await historyOf(id))).to.deep.equal([
        {
          ...{ attempt: 1, startedAt: at(begun), endedAt: at(begun + 3 * SECOND_MS), outcome: 'retried' },
          ...{ exitCode: 7, reason: 'no answer\nfrom the shop' },
        },
        {
          ...{ attempt: 2, startedAt: at(again), endedAt: at(again + SECOND_MS), outcome: 'retried' },
          signal: 'SIGSEGV',
        },
      ]);
    });

    it('an empty reason is not kept', async () => {
      const { queue } = world();
      const { id, topic } = await pushed();
      await queue.nack([await leaseOne(queue, topic)], { delayMs: 0, reason: '' });
      await queue.nack([await leaseOne(queue, topic)], { dead: true, reason: '' });
      const found = only(await queue.find(id));
      expect(found.reason).to.be.undefined;
      expect(found.history?.map(({ reason }) => reason)).to.deep.equal([undefined, undefined]);
    });

    it('the attempt that failed for good is kept in the history of the dead letter', async () => {
      const { queue, store, clock } = world();
      const { id, topic } = await pushed();
      const now = at(clock.now());
      await fail(store, await leaseOne(queue, topic), { isDead: true, reason: 'why', exitCode: 65 });
      const found = only(await queue.find(id));
      expect(found).to.include({ state: 'dead', reason: 'why' });
      const dead = { attempt: 1, startedAt: now, endedAt: now, outcome: 'dead', exitCode: 65, reason: 'why' };
      expect(told(found.history)).to.deep.equal([dead]);
      expect(told(only((await queue.list(topic)).jobs).history)).to.deep.equal([dead]);
    });

    for (const retry of [POLICY, false] as const) {
      it(`a lease that ended under ${retry ? 'a' : 'no'} retry policy is kept as lease_ended, at the time when it ended`, async () => {
        const { queue, clock } = world();
        const { id, topic } = await pushed();
        const begun = clock.now();
        const { leaseUntil } = await leaseOne(queue, topic, retry, MINUTE_MS);
        clock.advance(HOUR_MS);
        await maintainAll(queue);
        expect(told(await historyOf(id))).to.deep.equal([
          { attempt: 1, startedAt: at(begun), endedAt: at(leaseUntil.getTime()), outcome: 'lease_ended' },
        ]);
      });
    }

    it('a lease that ended with no retry left is kept as lease_ended', async () => {
      const { queue, clock } = world();
      const { id, topic } = await pushed();
      await leaseOne(queue, topic, { ...POLICY, retries: 0 }, MINUTE_MS);
      clock.advance(HOUR_MS);
      await maintainAll(queue);
      expect((await historyOf(id))?.map(({ outcome }) => outcome)).to.deep.equal(['lease_ended']);
    });

    it('an attempt begins when its job was reserved, even if its lease was extended alone', async () => {
      const { queue, store, clock } = world();
      const { id, topic } = await pushed();
      await queue.push({ topic, body: 'other' });
      const begun = new Date(clock.now());
      const { jobs } = await queue.reserve({ topics: topic, limit: 2, leaseMs: MINUTE_MS });
      clock.advance(10 * SECOND_MS);
      await queue.extend([must(jobs.find((job) => textOf(job) === 'b'))], LONG_MS);
      clock.advance(10 * SECOND_MS);
      for (const job of jobs) await fail(store, job);
      expect(must(await historyOf(id)).map(({ startedAt }) => startedAt)).to.deep.equal([begun]);
    });

    it('a released attempt is not in the history', async () => {
      const { queue, store, clock } = world();
      const { id, topic } = await pushed();
      await queue.release([await leaseOne(queue, topic)]);
      expect(await historyOf(id)).to.be.undefined;
      await fail(store, await leaseOne(queue, topic));
      clock.advance(MINUTE_MS);
      await queue.release([await leaseOne(queue, topic)]);
      expect((await historyOf(id))?.map(({ attempt }) => attempt)).to.deep.equal([1]);
    });

    it('the history of a job is seen in any state, by find and by list', async () => {
      const { queue, store, clock } = world();
      const { id, topic } = await pushed();
      const see = async (state: string) => {
        const [found, listed] = [only(await queue.find(id)), only((await queue.list(topic)).jobs)];
        expect([found.state, listed.state]).to.deep.equal([state, state]);
        expect(found.history?.map(({ reason }) => reason)).to.deep.equal(['first']);
        expect(listed.history).to.deep.equal(found.history);
      };
      await fail(store, await leaseOne(queue, topic), { reason: 'first' });
      await see('delayed');
      clock.advance(MINUTE_MS);
      await maintainAll(queue);
      await see('ready');
      const job = await leaseOne(queue, topic);
      await see('leased');
      await queue.release([job]);
      await see('ready');
    });

    it('the history of a job survives a requeue, after which attempts count from 1', async () => {
      const { queue, store } = world();
      const { id, topic } = await pushed();
      await fail(store, await leaseOne(queue, topic), { isDead: true, reason: 'first' });
      expect(await queue.requeue([id])).to.deep.equal(['requeued']);
      expect((await historyOf(id))?.map(({ reason }) => reason)).to.deep.equal(['first']);
      await fail(store, await leaseOne(queue, topic), { reason: 'second' });
      expect((await historyOf(id))?.map(({ attempt, outcome }) => [attempt, outcome])).to.deep.equal([
        [1, 'dead'],
        [1, 'retried'],
      ]);
    });

    it('the history of a job is kept while it waits for a duplicate, and when it is back', async () => {
      const { queue, store, clock } = world();
      const { id, topic } = await pushed();
      const job = await leaseOne(queue, topic);
      await queue.push({ id, topic, body: 'newer' });
      await fail(store, job, { delayMs: 0, reason: 'first' });
      const older = async () => (await queue.find(id)).find((one) => textOf(one) === 'b');
      expect(await older()).to.include({ state: 'delayed', isWaiting: true });
      expect((await older())?.history?.map(({ reason }) => reason)).to.deep.equal(['first']);
      expect(textOf(await queue.pop(topic))).to.equal('newer');
      clock.advance(RETRY_MS);
      await maintainAll(queue);
      expect((await older())?.history?.map(({ reason }) => reason)).to.deep.equal(['first']);
      const back = await leaseOne(queue, topic);
      clock.advance(SECOND_MS);
      await fail(store, back, { reason: 'second' });
      expect((await older())?.history?.map(({ reason }) => reason)).to.deep.equal(['first', 'second']);
    });

    it(`the last ${MAX_HISTORY} attempts are kept, in order`, async () => {
      const { queue, store, clock } = world();
      const { id, topic } = await pushed();
      for (let attempt = 1; attempt <= MAX_HISTORY + 3; attempt += 1) {
        const job = await leaseOne(queue, topic, false, SECOND_MS);
        if (attempt % 3 !== 0) await fail(store, job, { reason: `of ${attempt}`, delayMs: 1 });
        clock.advance(SECOND_MS + 1);
        await maintainAll(queue);
      }
      const history = must(await historyOf(id));
      expect(history.map(({ attempt }) => attempt)).to.deep.equal([4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
      for (const { attempt, outcome, reason } of history)
        expect([outcome, reason]).to.deep.equal(
          attempt % 3 === 0 ? ['lease_ended', undefined] : ['retried', `of ${attempt}`],
        );
    });

    it('ten attempts with long reasons are kept, with the end of each reason', async () => {
      const { queue, clock } = world();
      const { id, topic } = await pushed();
      for (let attempt = 1; attempt <= MAX_HISTORY; attempt += 1) {
        const job = await leaseOne(queue, topic, false);
        await queue.nack([job], { delayMs: 0, reason: `${'€\n"'.repeat(2000)}end ${attempt}` });
        clock.advance(1);
      }
      for (const { attempt, reason = '' } of must(await historyOf(id))) {
        expect(reason.endsWith(`end ${attempt}`)).to.be.true;
        expect(Buffer.byteLength(reason)).to.be.within(MAX_REASON_BYTES - 3, MAX_REASON_BYTES);
      }
    });

    it('a new job has nothing of the history of an earlier job of its id, however that ended', async () => {
      const { queue, store, clock, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      clock.stop();
      const ends: ((body: string) => Promise<unknown>)[] = [
        async () => queue.ack([await leaseOne(queue, job.topic)]),
        async () => fail(store, await leaseOne(queue, job.topic), { isDead: true }),
        () => queue.removeMany([job.id], { states: 'any' }),
        (body) => queue.push({ ...job, body }, { onExisting: 'replace' }),
        () => queue.pop(job.topic),
      ];
      for (const [i, end] of ends.entries()) {
        await queue.push({ ...job, body: `before ${i}` }, { onExisting: 'replace' });
        await fail(store, await leaseOne(queue, job.topic), { delayMs: 0, reason: 'of the one before' });
        clock.advance(1);
        await maintainAll(queue);
        await end(`after ${i}`);
        await queue.push({ ...job, body: `after ${i}` });
        const after = must((await queue.find(job.id)).find((one) => textOf(one) === `after ${i}`));
        expect(after.history, `after ${i}`).to.be.undefined;
        await fail(store, await leaseOne(queue, job.topic), { delayMs: 0 });
        const failed = must((await queue.find(job.id)).find((one) => textOf(one) === `after ${i}`));
        expect(failed.history?.map(({ attempt, reason }) => [attempt, reason])).to.deep.equal([
          [1, undefined],
        ]);
      }
    });
  });
}

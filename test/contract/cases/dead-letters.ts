import { areHeld } from '../../support/jobs.js';
import { expect } from 'chai';
import { removing } from '../../../src/bulk/acts.js';
import type { JobRecord } from '../../../src/core/job.js';
import type { NackOptions } from '../../../src/core/requests.js';
import {
  DAY_MS,
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
  statesOf,
  textOf,
  type World,
} from '../world.js';

export function describeDeadLetters(world: () => World): void {
  describe('hundreds of dead letters of one id', () => {
    const LETTERS = 450;

    /** Makes dead letters of one id, a second apart; returns them, the latest first. */
    async function buryMany(id: string, topic: string): Promise<JobRecord[]> {
      const { queue, clock } = world();
      const letter = (n: number) => ({
        ...{ id, topic, body: `body ${n}`, state: 'dead' as const, attempts: 1 },
        failedAt: new Date(clock.now() + 1000 * n),
      });
      await queue.import(Array.from({ length: LETTERS }, (_, n) => letter(n)));
      return queue.find(id);
    }
    const bodies = (letters: readonly JobRecord[]) => letters.map(textOf);
    const allBodies = Array.from({ length: LETTERS }, (_, n) => `body ${LETTERS - 1 - n}`);

    it('are found, the latest first, listed page by page, and scanned, each once', async () => {
      const { queue, name } = world();
      const [id, topic] = [name('id'), name('topic')];
      expect(bodies(await buryMany(id, topic))).to.deep.equal(allBodies);
      const listed: JobRecord[] = [];
      for (let cursor: string | undefined, isMore = true; isMore;) {
        const page = await queue.list(topic, { limit: 70, cursor });
        listed.push(...page.jobs);
        ({ cursor } = page);
        isMore = cursor !== undefined;
      }
      expect(bodies(listed).sort()).to.deep.equal([...allBodies].sort());
      const scanned: JobRecord[] = [];
      for await (const { jobs } of queue.scan({ topics: topic })) scanned.push(...jobs);
      expect(bodies(scanned).sort()).to.deep.equal([...allBodies].sort());
    });

    it('are removed one by one or all together, and an import restores them in their order', async () => {
      const { queue, peer, name } = world();
      const [id, topic] = [name('id'), name('topic')];
      const letters = await buryMany(id, topic);
      const odd = letters.filter((_, i) => i % 2 === 1);
      expect(await removing(peer)(odd)).to.deep.equal(odd.map(() => 'done'));
      const even = bodies(letters.filter((_, i) => i % 2 === 0));
      expect(bodies(await queue.find(id))).to.deep.equal(even);
      const again = odd.map((letter) => ({ ...letter, topic, body: must(letter.body) }));
      for (let times = 0; times < 2; times += 1) await peer.import(again);
      expect(bodies(await queue.find(id))).to.deep.equal(allBodies);
      expect(await peer.removeMany([id], { states: ['dead'] })).to.deep.equal([
        { removed: true, state: 'dead' },
      ]);
      expect(await queue.find(id)).to.deep.equal([]);
    });

    it('are requeued by the time of their failure, however many failed later', async () => {
      const { queue, peer, name } = world();
      const [id, topic] = [name('id'), name('topic')];
      const letters = await buryMany(id, topic);
      const oldest = must(letters.at(-1));
      expect(await peer.requeue([{ id, failedAt: oldest.failedAt }])).to.deep.equal(['requeued']);
      expect(textOf(await peer.pop(topic))).to.equal('body 0');
      expect(await peer.requeue([id])).to.deep.equal(['requeued']);
      expect(textOf(await peer.pop(topic))).to.equal(allBodies[0]);
      const left = await queue.find(id);
      expect(bodies(left)).to.deep.equal(allBodies.slice(1, -1));
      const never = new Date(Number(oldest.failedAt) - 1);
      const times = [left.at(0)?.failedAt, never, left.at(300)?.failedAt];
      const outcomes = await peer.requeue(times.map((failedAt) => ({ id, failedAt })));
      expect(outcomes).to.deep.equal(['requeued', 'none', 'duplicate_id']);
    });
  });

  /** Pushes a job and lets it fail for good. */
  async function bury(
    job: { id: string; topic: string; body: string; ttlMs?: number },
    how: NackOptions = {},
  ) {
    const { queue } = world();
    await queue.push(job);
    expect(areHeld(await queue.nack(await reserve(queue, job.topic), { dead: true, ...how }))).to.deep.equal([
      true,
    ]);
  }

  describe('dead letters', () => {
    it('a job that failed for good becomes a dead letter with its body, reason, attempts and times', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const { id, dueAt } = await queue.push({ topic, body: 'b' });
      await queue.release(await reserve(queue, topic));
      await reserve(queue, topic, 1, SECOND_MS);
      clock.advance(SECOND_MS + 1);
      const jobs = await reserve(queue, topic);
      clock.advance(SECOND_MS);
      const how = { dead: true, deadTtlMs: DAY_MS, reason: 'it is\n„broken“\0after a NUL' };
      expect(areHeld(await peer.nack([only(jobs).lease], how))).to.deep.equal([true]);
      const found = only(await queue.find(id));
      expect(found).to.deep.include({
        id,
        topic: Buffer.from(topic),
        body: Buffer.from('b'),
        state: 'dead',
        dueAt,
        attempts: 2,
        reason: 'it is\n„broken“\0after a NUL',
        failedAt: new Date(clock.now()),
        deadUntil: new Date(clock.now() + DAY_MS),
      });
      expect([found.lease, found.leaseUntil, found.readyAhead]).to.deep.equal([
        undefined,
        undefined,
        undefined,
      ]);
    });

    it('a dead letter is never delivered, and its lease is lost', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'b' });
      const jobs = await reserve(queue, topic);
      await queue.nack(jobs, { dead: true });
      clock.advance(2 * LONG_MS);
      await maintainAll(peer);
      expect(await peer.pop(topic)).to.be.undefined;
      expect(await queue.ack(jobs)).to.deep.equal([false]);
      expect(await queue.release(jobs)).to.deep.equal([false]);
      expect(areHeld(await queue.nack(jobs, { dead: true }))).to.deep.equal([false]);
    });

    it('a dead letter is kept for 30 days by default', async () => {
      const { queue, clock, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      clock.stop();
      await bury(job);
      const found = only(await queue.find(job.id));
      expect(found.deadUntil).to.deep.equal(new Date(clock.now() + 30 * DAY_MS));
      expect(found.reason).to.be.undefined;
    });

    it('maintain deletes a dead letter when its time is over, and counts it', async () => {
      const { queue, peer, clock, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      clock.stop();
      await bury(job, { deadTtlMs: DAY_MS });
      clock.advance(DAY_MS - 1);
      expect(await peer.maintain()).to.include({ deleted: 0 });
      expect(statesOf(await queue.find(job.id))).to.deep.equal(['dead']);
      clock.advance(1);
      expect(await peer.maintain()).to.include({ deleted: 1, expired: 0 });
      expect(await queue.find(job.id)).to.be.empty;
      expect((await queue.list(job.topic)).jobs).to.be.empty;
      expect((await queue.stats()).topics).to.deep.equal([]);
      expect(await peer.maintain()).to.include({ deleted: 0 });
    });

    it('maintain deletes many dead letters in bounded steps', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      await queue.pushMany(jobsOf(topic, 1200));
      await maintainAll(queue);
      for (let i = 0; i < 3; i += 1) {
        await queue.nack(await reserve(queue, topic, 400), { dead: true, deadTtlMs: HOUR_MS });
      }
      expect((await queue.stats()).totals.dead).to.equal(1200);
      clock.advance(2 * HOUR_MS);
      const deleted = [];
      for (let more = true; more;) {
        const step = await queue.maintain();
        deleted.push(step.deleted);
        ({ more } = step);
      }
      expect(deleted.reduce((sum, jobs) => sum + jobs)).to.equal(1200);
      expect(Math.max(...deleted)).to.be.at.most(600);
      expect((await queue.stats()).totals.dead).to.equal(0);
    });

    it('a dead letter with a lifetime of 0 is kept for ever', async () => {
      const { queue, clock, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      await bury(job, { deadTtlMs: 0 });
      clock.advance(20 * 365 * DAY_MS);
      await maintainAll(queue);
      const found = only(await queue.find(job.id));
      expect(found).to.deep.include({ state: 'dead', body: Buffer.from('b') });
      expect(found.deadUntil).to.be.undefined;
    });

    it('a dead letter is kept beyond the ready lifetime of its job', async () => {
      const { queue, clock, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b', ttlMs: MINUTE_MS };
      await bury(job);
      clock.advance(DAY_MS);
      await maintainAll(queue);
      expect(only(await queue.find(job.id))).to.deep.include({ state: 'dead', body: Buffer.from('b') });
    });

    it('dead letters are listed last, and alone when only their state is asked for', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      for (const i of [0, 1, 2]) {
        await bury({ id: `${topic}-dead-${i}`, topic, body: 'b' });
        clock.advance(10);
      }
      await queue.push({ id: `${topic}-delayed`, topic, body: 'b', delayMs: LONG_MS });
      const dead = [0, 1, 2].map((i) => `${topic}-dead-${i}`);
      expect(idsOf((await queue.list(topic)).jobs)).to.deep.equal([`${topic}-delayed`, ...dead]);
      expect(idsOf((await queue.list(topic, { states: ['dead'] })).jobs)).to.deep.equal(dead);
      expect(idsOf((await queue.list(topic, { states: ['expired'] })).jobs)).to.be.empty;
    });

    for (const limit of [1, 2, 5]) {
      it(`a list in pages of ${limit} has every dead letter once, including several of one id`, async () => {
        const { queue, clock, name } = world();
        const topic = name('topic');
        const bodies = Array.from({ length: 9 }, (_, i) => `body ${i}`);
        for (const [i, body] of bodies.entries()) {
          await bury({ id: `${topic}-${i % 4}`, topic, body });
          if (i % 2 === 0) clock.advance(10);
        }
        const got = [];
        let cursor: string | undefined;
        do {
          const page = await queue.list(topic, { limit, cursor, states: ['dead'] });
          expect(page.jobs).to.have.length.at.most(limit);
          got.push(...page.jobs.map(textOf));
          ({ cursor } = page);
        } while (cursor !== undefined && got.length < 20);
        expect(got).to.have.members(bodies);
      });
    }

    it('the last 4 KiB of a reason are kept, in whole characters', async () => {
      const { queue, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      await bury(job, { reason: '€'.repeat(2000) + 'xy' });
      const reason = must(only(await queue.find(job.id)).reason);
      expect(reason).to.match(/^€+xy$/);
      expect(Buffer.byteLength(reason)).to.be.within(4093, 4096);
    });

    it('a push of the id of a dead letter makes a new job beside it', async () => {
      const { queue, peer, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await bury({ ...job, body: 'first' });
      // Not `repeated`: the dead letter does not occupy the id.
      expect((await peer.push({ ...job, body: 'first' })).outcome).to.equal('pushed');
      await maintainAll(queue);
      expect(statesOf(await queue.find(job.id))).to.deep.equal(['ready', 'dead']);
      expect(await peer.pop(job.topic)).to.deep.include({ attempts: 1, body: Buffer.from('first') });
      expect(statesOf(await queue.find(job.id))).to.deep.equal(['dead']);
    });

    for (const onExisting of ['keep', 'replace'] as const) {
      it(`a push with onExisting: ${onExisting} makes a new job beside a dead letter of its id`, async () => {
        const { queue, peer, name } = world();
        const job = { id: name('id'), topic: name('topic') };
        await bury({ ...job, body: 'dead' });
        expect((await peer.push({ ...job, body: 'new' }, { onExisting })).outcome).to.equal('pushed');
        expect((await queue.find(job.id)).map(textOf)).to.deep.equal(['new', 'dead']);
      });
    }

    it('several dead letters of one id are kept, each with its reason', async () => {
      const { queue, clock, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      for (const body of ['one', 'two', 'three']) {
        await bury({ ...job, body }, { reason: `reason ${body}` });
        clock.advance(1000);
      }
      const found = await queue.find(job.id);
      expect(found.map(textOf)).to.have.members(['one', 'two', 'three']);
      for (const one of found) expect(one.reason).to.equal(`reason ${textOf(one)}`);
      expect((await queue.stats()).topics[0]).to.deep.include({ dead: 3, expired: 0 });
      expect((await queue.list(job.topic)).jobs.map(textOf)).to.have.members(['one', 'two', 'three']);
    });

    it('dead letters of one reservation each have their own reason, and the other jobs stay leased', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const [one, two, three] = await queue.pushMany(jobsOf(topic, 3));
      const jobs = await reserve(queue, topic, 3);
      await peer.nack([must(jobs[0])], { dead: true, reason: 'of one' });
      await peer.nack([must(jobs[2]).lease], { dead: true, reason: 'of three' });
      expect(only(await queue.find(must(one).id)).reason).to.equal('of one');
      expect(only(await queue.find(must(three).id)).reason).to.equal('of three');
      expect(only(await queue.find(must(two).id)).state).to.equal('leased');
      expect(await queue.ack(jobs)).to.deep.equal([false, true, false]);
    });

    it('a remove deletes a dead letter only if its states include dead', async () => {
      const { queue, peer, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      await bury(job);
      expect(await peer.removeMany([job.id])).to.deep.equal([{ removed: false, state: 'dead' }]);
      expect(await peer.removeMany([job.id], { states: ['expired', 'ready'] })).to.deep.equal([
        { removed: false, state: 'dead' },
      ]);
      expect(await peer.removeMany([job.id], { states: ['dead'] })).to.deep.equal([
        { removed: true, state: 'dead' },
      ]);
      expect(await queue.find(job.id)).to.be.empty;
      await bury(job);
      expect(await peer.removeMany([job.id], { states: 'any' })).to.deep.equal([
        { removed: true, state: 'dead' },
      ]);
      expect(await queue.find(job.id)).to.be.empty;
    });

    it('a remove of the dead letters of an id returns removed, and leaves a delayed job of that id alone', async () => {
      const { queue, peer, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await bury({ ...job, body: 'dead' });
      await queue.push({ ...job, body: 'lives', delayMs: LONG_MS });
      expect(await peer.removeMany([job.id], { states: ['dead'] })).to.deep.equal([
        { removed: true, state: 'dead' },
      ]);
      expect((await queue.find(job.id)).map(textOf)).to.deep.equal(['lives']);
    });
  });

  describe('requeue', () => {
    it('a requeued dead letter is an ordinary job again, with no attempts and its whole ready lifetime', async () => {
      const { queue, peer, clock, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b', ttlMs: 10 * SECOND_MS };
      clock.stop();
      await bury(job, { reason: 'broken' });
      clock.advance(HOUR_MS);
      expect(await peer.requeue([job.id])).to.deep.equal(['requeued']);
      const dueAt = new Date(clock.now());
      const expiresAt = new Date(clock.now() + 10 * SECOND_MS);
      await maintainAll(queue);
      const found = only(await queue.find(job.id));
      expect(found).to.deep.include({ state: 'ready', dueAt, expiresAt, attempts: 0 });
      expect([found.reason, found.failedAt, found.deadUntil]).to.deep.equal([
        undefined,
        undefined,
        undefined,
      ]);
      expect(await peer.pop(job.topic)).to.deep.include({ body: Buffer.from('b'), dueAt, attempts: 1 });
    });

    it('a requeue with a delay makes the job due after it', async () => {
      const { queue, peer, clock, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b', ttlMs: 10 * SECOND_MS };
      clock.stop();
      await bury(job);
      expect(await queue.requeue([job.id], { delayMs: MINUTE_MS })).to.deep.equal(['requeued']);
      expect(only(await queue.find(job.id))).to.deep.include({
        state: 'delayed',
        dueAt: new Date(clock.now() + MINUTE_MS),
        expiresAt: new Date(clock.now() + MINUTE_MS + 10 * SECOND_MS),
        attempts: 0,
      });
      expect(await peer.pop(job.topic)).to.be.undefined;
      clock.advance(MINUTE_MS);
      expect(await peer.pop(job.topic)).to.deep.include({ attempts: 1 });
    });

    it('a requeued job is delivered after those that were ready before', async () => {
      const { queue, clock, name } = world();
      const [topic, id] = [name('topic'), name('id')];
      await bury({ id, topic, body: 'dead' });
      await queue.push({ topic, body: 'ready' });
      await maintainAll(queue);
      clock.advance(10);
      await queue.requeue([id]);
      expect((await queue.popMany(topic, 5)).map(textOf)).to.deep.equal(['ready', 'dead']);
    });

    it('a requeue takes the latest dead letter of an id, and leaves the earlier ones', async () => {
      const { queue, clock, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      for (const body of ['one', 'two', 'three']) {
        await bury({ ...job, body });
        clock.advance(1000);
      }
      for (const [body, left] of [
        ['three', ['one', 'two']],
        ['two', ['one']],
      ] as const) {
        expect(await queue.requeue([job.id])).to.deep.equal(['requeued']);
        expect(textOf(await queue.pop(job.topic))).to.equal(body);
        expect((await queue.find(job.id)).map(textOf)).to.have.members([...left]);
      }
    });

    it('a requeue takes the latest dead letter even if several failed in the same millisecond', async () => {
      const { queue, clock, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      clock.stop();
      for (const body of ['c', 'a', 'b']) await bury({ ...job, body });
      await queue.requeue([job.id]);
      expect(textOf(await queue.pop(job.topic))).to.equal('b');
    });

    for (const state of ['delayed', 'ready'] as const) {
      it(`a requeue is refused, and changes nothing, while a job of the id is ${state}`, async () => {
        const { queue, peer, name } = world();
        const job = { id: name('id'), topic: name('topic') };
        await bury({ ...job, body: 'dead' });
        await queue.push({ ...job, body: 'lives', delayMs: state === 'delayed' ? LONG_MS : 0 });
        await maintainAll(queue);
        const before = await queue.find(job.id);
        expect(statesOf(before)).to.deep.equal([state, 'dead']);
        expect(await peer.requeue([job.id])).to.deep.equal(['duplicate_id']);
        expect(await queue.find(job.id)).to.deep.equal(before);
      });
    }

    it('a requeue is not refused because of an expired job of the same id', async () => {
      const { queue, clock, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await bury({ ...job, body: 'dead' });
      await queue.push({ ...job, body: 'expires', ttlMs: MINUTE_MS });
      await maintainAll(queue);
      clock.advance(2 * MINUTE_MS);
      expect(await queue.requeue([job.id])).to.deep.equal(['requeued']);
      expect((await queue.popMany(job.topic, 5)).map(textOf)).to.deep.equal(['dead']);
    });

    it('a requeue of several ids answers for each, in order', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      const [dead, lives, none] = [`${topic}-dead`, `${topic}-lives`, `${topic}-none`];
      await bury({ id: dead, topic, body: 'b' });
      await bury({ id: lives, topic, body: 'b' });
      await queue.push({ id: lives, topic, body: 'b', delayMs: LONG_MS });
      expect(await queue.requeue([none, dead, lives])).to.deep.equal(['none', 'requeued', 'duplicate_id']);
      expect(await queue.requeue([])).to.deep.equal([]);
    });

    it('600 dead letters are requeued in the order given', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const pushed = await queue.pushMany(jobsOf(topic, 600));
      await maintainAll(queue);
      for (let i = 0; i < 2; i += 1) await queue.nack(await reserve(queue, topic, 300), { dead: true });
      const ids = pushed.map(({ id }) => id);
      expect(await queue.requeue(ids)).to.deep.equal(ids.map(() => 'requeued'));
      expect(idsOf(await drain(peer, topic, 500))).to.deep.equal(idsOf(pushed));
    });
  });
}

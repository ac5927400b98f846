import { expect } from 'chai';
import type { Attempt, JobRecord } from '../../../src/core/job.js';
import type { ImportRequest } from '../../../src/core/requests.js';
import {
  DAY_MS,
  drain,
  HOUR_MS,
  idsOf,
  LONG_MS,
  maintainAll,
  MINUTE_MS,
  must,
  only,
  reserve,
  RETRY_MS,
  SECOND_MS,
  statesOf,
  textOf,
  type World,
} from '../world.js';
import { fail, leaseOne, POLICY } from '../retry.js';
import { failureOf } from '../../support/eventually.js';

export function describeImport(world: () => World): void {
  /** Times are written into jobs and compared to the millisecond, so the clock is stopped. */
  const standStill = () => {
    world().clock.stop();
  };
  /** A job with a fresh id and topic, due in an hour. */
  function makeJob(more: Partial<ImportRequest> = {}): ImportRequest {
    const { clock, name } = world();
    const dueAt = new Date(clock.now() + HOUR_MS);
    const expiresAt = new Date(clock.now() + DAY_MS);
    return { id: name('id'), topic: name('topic'), body: 'b', dueAt, expiresAt, ...more };
  }
  const ago = (ms: number) => new Date(world().clock.now() - ms);
  const ahead = (ms: number) => ago(-ms);
  const take = async (...jobs: ImportRequest[]) => (await world().queue.import(jobs)).outcomes;
  const find = async (id: ImportRequest['id']) => only(await world().peer.find(id));
  const attemptAt = (attempt: number, endedAt: Date, more: Partial<Attempt> = {}): Attempt => ({
    ...{ attempt, startedAt: new Date(endedAt.getTime() - SECOND_MS), endedAt, outcome: 'retried' },
    ...more,
  });

  describe('import', () => {
    beforeEach(standStill);
    it('an import keeps due time, expiry, attempts, retry settings and history of a delayed job', async () => {
      const { clock, peer } = world();
      const history = [
        attemptAt(1, ago(MINUTE_MS), { exitCode: 7, reason: 'no answer\nfrom the shop ✓' }),
        attemptAt(2, ago(SECOND_MS), { outcome: 'lease_ended' }),
        attemptAt(3, ago(0), { signal: 'SIGSEGV', startedAt: undefined }),
      ];
      const settings = { retries: 5, backoff: { firstMs: SECOND_MS, lastMs: MINUTE_MS } };
      const job = makeJob({ attempts: 3, history, ...settings });
      expect(await take(job)).to.deep.equal(['imported']);
      const found = await find(job.id);
      expect(found).to.include({ state: 'delayed', attempts: 3, retries: 5 });
      expect(found.dueAt).to.deep.equal(job.dueAt);
      expect(found.expiresAt).to.deep.equal(job.expiresAt);
      expect(found.backoff).to.deep.equal(settings.backoff);
      expect(JSON.parse(JSON.stringify(found.history))).to.deep.equal(JSON.parse(JSON.stringify(history)));
      expect(await peer.pop(job.topic)).to.equal(undefined);
      clock.advance(HOUR_MS);
      expect(await peer.pop(job.topic)).to.include({ attempts: 4, retries: 5 });
    });

    it('an imported job without due time is due now, and without expiry never expires', async () => {
      const { clock, peer } = world();
      const job = makeJob({ dueAt: undefined, expiresAt: undefined });
      await take(job);
      expect((await find(job.id)).dueAt).to.deep.equal(new Date(clock.now()));
      expect((await find(job.id)).expiresAt).to.equal(undefined);
      clock.advance(400 * DAY_MS);
      await maintainAll(peer);
      const taken = only(await reserve(peer, job.topic));
      expect(taken.expiresAt).to.equal(undefined);
      await world().store.nack({ leases: [taken.lease], failure: { isDead: false, delayMs: 0 }, jitter: 0 });
      clock.advance(400 * DAY_MS);
      expect(textOf(await peer.pop(job.topic))).to.equal('b');
    });

    it('an imported job with a ready lifetime and no expiry expires when that lifetime is over', async () => {
      const { clock, peer } = world();
      const job = makeJob({ expiresAt: undefined, ttlMs: MINUTE_MS });
      await take(job);
      expect((await find(job.id)).expiresAt).to.deep.equal(new Date(clock.now() + HOUR_MS + MINUTE_MS));
      clock.advance(HOUR_MS + MINUTE_MS);
      expect(await peer.pop(job.topic)).to.equal(undefined);
    });

    it('imported ready jobs are delivered in order of due time, and those of one time in the order given', async () => {
      const { name, peer } = world();
      const topic = name('topic');
      const order = [3, 1, 1, 1, 2, 1, 2, 1];
      const jobs = order.map((minutes, i) =>
        makeJob({
          id: `${topic}-${i}`,
          topic,
          body: `${minutes}-${i}`,
          dueAt: ago(HOUR_MS - minutes * MINUTE_MS),
        }),
      );
      await take(...jobs);
      const taken = await drain(peer, topic);
      expect(taken.map(textOf)).to.deep.equal(['1-1', '1-2', '1-3', '1-5', '1-7', '2-4', '2-6', '3-0']);
      expect(must(taken[0]).dueAt).to.deep.equal(ago(HOUR_MS - MINUTE_MS));
    });

    it('an imported ready job keeps the rest of its ready lifetime, and has the whole of it after a retry', async () => {
      const { clock, peer, store } = world();
      const job = makeJob({
        dueAt: ago(DAY_MS),
        expiresAt: ahead(MINUTE_MS),
        ttlMs: 10 * MINUTE_MS,
        attempts: 1,
      });
      await take(job);
      const leased = only(await reserve(peer, job.topic));
      expect(leased.expiresAt).to.deep.equal(job.expiresAt);
      await store.nack({ leases: [leased.lease], failure: { isDead: false, delayMs: SECOND_MS }, jitter: 0 });
      expect((await find(job.id)).expiresAt).to.deep.equal(
        new Date(clock.now() + SECOND_MS + 10 * MINUTE_MS),
      );
    });

    it('a job whose ready lifetime is over is not imported', async () => {
      const job = makeJob({ dueAt: ago(HOUR_MS), expiresAt: ago(0) });
      expect(await take(job)).to.deep.equal(['expired']);
      expect(await world().queue.find(job.id)).to.deep.equal([]);
    });

    it('a job that was leased is imported as ready, with the ready lifetime that it had when it was leased', async () => {
      const { clock, peer } = world();
      const job = makeJob({
        ...{ state: 'leased' as const, dueAt: ago(HOUR_MS), leasedAt: ago(10 * MINUTE_MS) },
        ...{ expiresAt: ago(MINUTE_MS), attempts: 2 },
      });
      expect(await take(job)).to.deep.equal(['imported']);
      expect((await find(job.id)).expiresAt).to.deep.equal(new Date(clock.now() + 9 * MINUTE_MS));
      expect(await peer.pop(job.topic)).to.include({ attempts: 3 });
    });

    it('an imported job keeps its key', async () => {
      const job = makeJob({ dueAt: ago(0), key: 'key of before ✓' });
      await take(job);
      expect(only(await reserve(world().peer, job.topic)).key).to.equal('key of before ✓');
    });

    it('an imported job keeps its own retries and its attempts', async () => {
      const { store, peer, clock } = world();
      const job = makeJob({ dueAt: ago(0), attempts: 2, retries: 3 });
      await take(job);
      const outcomes: string[] = [];
      while (outcomes.length < 9 && outcomes.at(-1) !== 'dead') {
        outcomes.push((await fail(store, await leaseOne(peer, String(job.topic), POLICY))).outcome);
        clock.advance(HOUR_MS);
      }
      expect(outcomes).to.deep.equal(['retried', 'dead']);
    });

    it('bytes that are not UTF-8 are imported unchanged', async () => {
      const bytes = Buffer.from([0, 255, 10, 128]);
      const id = Buffer.concat([Buffer.from(world().name('id')), bytes]);
      const job = makeJob({ id, topic: Buffer.concat([id, bytes]), body: bytes, dueAt: ago(0) });
      await take(job);
      const taken = must(await world().peer.pop(job.topic));
      expect([taken.id, taken.topic, taken.body]).to.deep.equal([job.id, job.topic, job.body]);
    });

    it('many jobs with some large bodies are all imported by one call, in order', async () => {
      const { name, peer } = world();
      const topic = name('topic');
      const bodies = Array.from({ length: 1200 }, (_, i) =>
        i % 100 === 0 ? `${i}`.padEnd(200_000, '.') : `${i}`,
      );
      const jobs = bodies.map((body, i) =>
        makeJob({ id: `${topic}-${i}`, topic, body, dueAt: ago(HOUR_MS - i) }),
      );
      expect(new Set(await take(...jobs))).to.deep.equal(new Set(['imported']));
      expect((await drain(peer, topic)).map(textOf)).to.deep.equal(bodies);
    });

    it('an import of no jobs returns no outcomes', async () => {
      expect(await take()).to.deep.equal([]);
    });
  });

  describe('import of dead letters', () => {
    beforeEach(standStill);
    const letter = (more: Partial<ImportRequest> = {}) =>
      makeJob({
        state: 'dead',
        failedAt: ago(MINUTE_MS),
        deadUntil: ahead(DAY_MS),
        expiresAt: undefined,
        ...more,
      });

    it('dead letters are imported as dead letters, with times, reason and history', async () => {
      const history = [attemptAt(1, ago(MINUTE_MS), { outcome: 'dead', reason: 'no such shop' })];
      const job = letter({ dueAt: ago(HOUR_MS), attempts: 1, reason: 'no such shop', history });
      expect(await take(job)).to.deep.equal(['imported']);
      const found = await find(job.id);
      expect(found).to.include({ state: 'dead', attempts: 1, reason: 'no such shop' });
      expect([found.dueAt, found.failedAt, found.deadUntil]).to.deep.equal([
        job.dueAt,
        job.failedAt,
        job.deadUntil,
      ]);
      expect(must(found.history).map(({ reason }) => reason)).to.deep.equal(['no such shop']);
    });

    it('imported dead letters have their old ready lifetime when they are requeued', async () => {
      const { queue, clock } = world();
      const job = letter({ ttlMs: 10 * MINUTE_MS });
      await take(job);
      await queue.requeue([job.id]);
      expect((await find(job.id)).expiresAt).to.deep.equal(new Date(clock.now() + 10 * MINUTE_MS));
    });

    it('imported dead letters without a ready lifetime are requeued with the time from due time to expiry', async () => {
      const { queue, clock } = world();
      const job = letter({ dueAt: ago(HOUR_MS), expiresAt: ago(HOUR_MS - 10 * MINUTE_MS) });
      await take(job);
      await queue.requeue([job.id]);
      expect((await find(job.id)).expiresAt).to.deep.equal(new Date(clock.now() + 10 * MINUTE_MS));
    });

    for (const act of ['promote', 'reschedule', 'requeue'] as const)
      it(`a job that would have expired before it was due gets the default ready lifetime by ${act}`, async () => {
        const { queue, peer, clock } = world();
        const times = { dueAt: ahead(HOUR_MS), expiresAt: ahead(10 * MINUTE_MS) };
        const job = act === 'requeue' ? letter(times) : makeJob(times);
        await take(job);
        if (act === 'promote') expect(only(await queue.promote([job.id])).promoted).to.be.true;
        else if (act === 'requeue') expect(await queue.requeue([job.id])).to.deep.equal(['requeued']);
        else expect(only(await queue.reschedule([{ id: job.id, delayMs: 0 }])).rescheduled).to.be.true;
        await maintainAll(peer);
        const popped = must(await peer.pop(job.topic));
        expect(popped.expiresAt).to.deep.equal(new Date(clock.now() + 7 * DAY_MS));
      });

    it('an imported dead letter without a due time was due when it failed, on a store that needs a due time', async () => {
      const job = letter({ dueAt: undefined });
      await take(job);
      const { needsPromotion } = world().queue;
      expect((await find(job.id)).dueAt).to.deep.equal(needsPromotion ? undefined : job.failedAt);
    });

    it('imported dead letters are deleted at their time, and never without one', async () => {
      const { peer, clock } = world();
      const [one, two] = [letter(), letter({ deadUntil: undefined })];
      await take(one, two);
      clock.advance(DAY_MS + SECOND_MS);
      await maintainAll(peer);
      expect(await peer.find(one.id)).to.deep.equal([]);
      expect((await find(two.id)).deadUntil).to.equal(undefined);
    });

    it('a dead letter whose time is over is not imported', async () => {
      expect(await take(letter({ deadUntil: ago(0) }))).to.deep.equal(['expired']);
    });

    it('imported dead letters of one id are kept in order of failure, beside a live job', async () => {
      const { queue, peer, name } = world();
      const [id, topic] = [name('id'), name('topic')];
      await queue.push({ id, topic, body: 'alive', delayMs: LONG_MS });
      const bodies = ['second', 'third', 'first'];
      const minutes = { first: 30, second: 20, third: 10 } as Record<string, number>;
      const letters = bodies.map((body) =>
        letter({ id, topic, body, failedAt: ago(must(minutes[body]) * MINUTE_MS) }),
      );
      expect(await take(...letters)).to.deep.equal(bodies.map(() => 'imported'));
      expect(statesOf(await peer.find(id)).sort()).to.deep.equal(['dead', 'dead', 'dead', 'delayed']);
      await queue.remove(id);
      for (const body of ['third', 'second', 'first']) {
        expect(await queue.requeue([id])).to.deep.equal(['requeued']);
        expect(textOf(await peer.pop(topic))).to.equal(body);
      }
    });

    it('a dead letter that is imported twice is there once', async () => {
      const job = letter();
      await take(job);
      expect(await take(job)).to.deep.equal(['repeated']);
      expect(await world().peer.find(job.id)).to.have.lengthOf(1);
      expect(await take({ ...job, failedAt: ago(0) })).to.deep.equal(['imported']);
    });
  });

  describe('import where the id is there', () => {
    beforeEach(standStill);
    it('an import of the same content under an existing id is repeated and changes nothing; other content is a conflict', async () => {
      const job = makeJob({ attempts: 2 });
      await take(job);
      expect(await take({ ...job, dueAt: ago(0), attempts: 0 })).to.deep.equal(['repeated']);
      expect(await find(job.id)).to.include({ attempts: 2, state: 'delayed' });
      expect(await take({ ...job, body: 'other' })).to.deep.equal(['conflict']);
      expect(textOf(await find(job.id))).to.equal('b');
    });

    it('an import with onExisting keeps or replaces a job of the same id', async () => {
      const { queue } = world();
      const job = makeJob({ attempts: 2, key: 'k' });
      await take(job);
      const other = { ...job, body: 'other', expiresAt: undefined, attempts: 1, key: undefined };
      expect((await queue.import([other], { onExisting: 'keep' })).outcomes).to.deep.equal(['kept']);
      expect((await queue.import([other], { onExisting: 'replace' })).outcomes).to.deep.equal(['replaced']);
      const found = await find(job.id);
      expect(found).to.include({ attempts: 1 });
      expect([textOf(found), found.expiresAt]).to.deep.equal(['other', undefined]);
    });

    it('an import that replaces a ready job delivers the id once', async () => {
      const { queue, peer } = world();
      const job = makeJob({ dueAt: ago(HOUR_MS) });
      await take(job);
      await maintainAll(queue);
      const other = { ...job, body: 'other', dueAt: ago(MINUTE_MS) };
      expect((await queue.import([other], { onExisting: 'replace' })).outcomes).to.deep.equal(['replaced']);
      expect((await drain(peer, job.topic)).map(textOf)).to.deep.equal(['other']);
    });

    it('an id that is twice in one import is repeated, or a conflict if its content differs', async () => {
      const job = makeJob();
      expect(await take(job, job, { ...job, body: 'other' })).to.deep.equal([
        'imported',
        'repeated',
        'conflict',
      ]);
    });

    it('a job that waited for a duplicate is imported as waiting, and comes back after the duplicate', async () => {
      const { peer, clock, queue } = world();
      const job = makeJob({ body: 'first', dueAt: ago(HOUR_MS) });
      const waiting = { ...job, body: 'second', isWaiting: true, attempts: 2 };
      expect(await take(job, waiting)).to.deep.equal(['imported', 'imported']);
      expect(await take(job, waiting)).to.deep.equal(['repeated', 'repeated']);
      expect((await peer.find(job.id)).map(({ blockedBy }) => blockedBy?.type)).to.have.members([
        undefined,
        'duplicate_id',
      ]);
      expect(textOf(await peer.pop(job.topic))).to.equal('first');
      clock.advance(RETRY_MS);
      await maintainAll(queue);
      const back = must(await peer.pop(job.topic));
      expect(textOf(back)).to.equal('second');
      expect(back.attempts).to.equal(3);
    });
  });

  describe('import of jobs that were leased, or waited', () => {
    beforeEach(standStill);
    it('an edit of the ready lifetime of an imported job still leaves out the time for which it was leased', async () => {
      const { queue, clock } = world();
      const job = makeJob({
        ...{ state: 'leased' as const, dueAt: ago(0), leasedAt: ago(MINUTE_MS) },
        ...{ expiresAt: ahead(HOUR_MS), ttlMs: HOUR_MS },
      });
      await take(job);
      await queue.edit({ id: job.id, ttlMs: 2 * HOUR_MS });
      expect((await find(job.id)).expiresAt).to.deep.equal(new Date(clock.now() + 2 * HOUR_MS + MINUTE_MS));
    });

    it('an imported job that was leased waits for another one of its id, and is not imported twice', async () => {
      const { queue, clock, peer } = world();
      const newer = makeJob({ body: 'newer', dueAt: ago(0) });
      const older = {
        ...newer,
        ...{ body: 'older', state: 'leased' as const, dueAt: ago(HOUR_MS), leasedAt: ago(MINUTE_MS) },
      };
      const sameId = [newer, older, { ...older, body: 'oldest' }];
      expect(await take(...sameId)).to.deep.equal(['imported', 'imported', 'imported']);
      expect(await take(...sameId)).to.deep.equal(['repeated', 'repeated', 'repeated']);
      const taken: string[] = [];
      for (let i = 0; i < 5; i += 1) {
        await maintainAll(queue);
        taken.push(...(await drain(peer, newer.topic)).map((job) => must(textOf(job))));
        clock.advance(RETRY_MS);
      }
      expect(taken).to.deep.equal(['newer', 'older', 'oldest']);
      expect(await take(older, { ...older, attempts: 1 })).to.deep.equal(['imported', 'repeated']);
    });

    it('an imported job that was leased neither replaces another one of its id nor is left out for it', async () => {
      for (const onExisting of ['replace', 'keep'] as const) {
        const newer = makeJob({ body: 'newer' });
        const older = { ...newer, body: 'older', state: 'leased' as const, leasedAt: ago(MINUTE_MS) };
        const { outcomes } = await world().queue.import([newer, older], { onExisting });
        expect(outcomes).to.deep.equal(['imported', 'imported']);
      }
    });

    it('the ready lifetime of an imported waiting job stands still from its due time on', async () => {
      const { queue, clock } = world();
      const job = makeJob({ body: 'first', dueAt: ago(HOUR_MS) });
      const waiting = { ...job, body: 'second', isWaiting: true };
      const [early, late] = [ahead(MINUTE_MS), ahead(HOUR_MS)];
      const expiresAt = ahead(2 * HOUR_MS);
      for (const dueAt of [early, late]) {
        const id = world().name('id');
        await queue.import([
          { ...job, id },
          { ...waiting, id, dueAt, expiresAt },
        ]);
        await queue.removeMany([{ id, states: ['due', 'ready'] }]);
      }
      clock.advance(2 * MINUTE_MS);
      await maintainAll(queue);
      const seen = (await queue.list(job.topic)).jobs.map(({ expiresAt: at }) => Number(at));
      expect(seen.sort()).to.deep.equal([Number(expiresAt), Number(expiresAt) + MINUTE_MS]);
    });
  });

  describe('import of jobs without an end', () => {
    beforeEach(standStill);
    it('a waiting job without expiry comes back in the millisecond in which its duplicate expires, and stays', async () => {
      const { peer, clock, queue } = world();
      const job = makeJob({ dueAt: ago(HOUR_MS), expiresAt: ahead(RETRY_MS), body: 'first' });
      await take(job, { ...job, body: 'second', isWaiting: true, expiresAt: undefined });
      clock.advance(RETRY_MS);
      await maintainAll(queue);
      clock.advance(1);
      expect(textOf(await peer.pop(job.topic))).to.equal('second');
    });
  });

  describe('import of a file', () => {
    beforeEach(standStill);
    const progress = (file: string, from: number, to: number) => ({ progress: { file, from, to } });
    const lines = (topic: string, from: number, count: number) =>
      Array.from({ length: count }, (_, i) =>
        makeJob({ id: `${topic}-${from + i}`, topic, dueAt: ago(HOUR_MS - from - i), line: from + i }),
      );

    it('a repeated import of the same part of a file does not bring back jobs that were taken meanwhile', async () => {
      const { queue, peer, name } = world();
      const [file, topic] = [name('file'), name('topic')];
      const jobs = lines(topic, 2, 3);
      expect(await queue.import(jobs, progress(file, 0, 7))).to.deep.equal({
        outcomes: ['imported', 'imported', 'imported'],
      });
      expect(await drain(peer, topic)).to.have.lengthOf(3);
      expect(await peer.import(jobs, progress(file, 0, 7))).to.deep.equal({ outcomes: [], reached: 7 });
      expect(await drain(peer, topic)).to.deep.equal([]);
    });

    it('an import of a file returns where it stopped, and goes on from there', async () => {
      const { queue, peer, name } = world();
      const [file, topic] = [name('file'), name('topic')];
      const jobs = lines(topic, 1, 1100);
      await queue.import(jobs.slice(0, 700), progress(file, 0, 700));
      expect(await peer.import([], progress(file, 0, 0))).to.deep.equal({ outcomes: [], reached: 700 });
      const rest = await peer.import(jobs.slice(700), progress(file, 700, 1100));
      expect(rest.outcomes).to.have.lengthOf(400);
      expect(await queue.import([], progress(file, 0, 0))).to.deep.equal({ outcomes: [], reached: 1100 });
      expect(idsOf(await drain(peer, topic))).to.deep.equal(jobs.map(({ id }) => id));
    });

    it('the progress of each file is separate, and a file whose progress is reset is imported again', async () => {
      const { queue, peer, name } = world();
      const [file, topic] = [name('file'), name('topic')];
      const jobs = lines(topic, 1, 2);
      await queue.import(jobs, progress(file, 0, 2));
      expect((await peer.import(jobs, progress(name('other'), 0, 2))).outcomes).to.deep.equal([
        'repeated',
        'repeated',
      ]);
      await drain(peer, topic);
      expect(await queue.import([], progress(file, 2, 0))).to.deep.equal({ outcomes: [] });
      expect((await peer.import(jobs, progress(file, 0, 2))).outcomes).to.deep.equal([
        'imported',
        'imported',
      ]);
    });

    describe('with a line that was refused', () => {
      const made = async (of = 'file') => {
        const { queue, name } = world();
        const [file, topic] = [name(of), name(`topic of ${of}`)];
        const jobs = lines(topic, 1, 3);
        await queue.push({ id: must(jobs[1]).id, topic, body: 'other' });
        const { outcomes } = await queue.import(jobs, progress(file, 0, 4));
        expect(outcomes).to.deep.equal(['imported', 'conflict', 'imported']);
        const pop = async () => idsOf(await drain(queue, topic));
        return { file, jobs, pop, refused: must(jobs[1]) };
      };

      it('the progress of the file is at its end, and names the line', async () => {
        const { file } = await made();
        expect(await world().peer.importProgress(file)).to.deep.equal({ line: 4, refused: [2] });
        expect(await world().peer.importProgress(`${file} 2`)).to.deep.equal({ line: 0, refused: [] });
      });

      it('a retry that is refused again changes nothing', async () => {
        const { file, refused } = await made();
        const { peer } = world();
        expect(await peer.import([refused], { retryOf: file })).to.deep.equal({ outcomes: ['conflict'] });
        expect(await peer.importProgress(file)).to.deep.equal({ line: 4, refused: [2] });
      });

      it('a retry imports the line once, and no other', async () => {
        const { file, jobs, pop, refused } = await made();
        const { peer } = world();
        expect(await pop()).to.have.lengthOf(3);
        const retry = () => peer.import(jobs, { retryOf: file });
        expect(await retry()).to.deep.equal({ outcomes: ['before', 'imported', 'before'] });
        expect(await pop()).to.deep.equal([refused.id]);
        expect(await retry()).to.deep.equal({ outcomes: ['before', 'before', 'before'] });
        expect(await pop()).to.deep.equal([]);
        expect(await peer.importProgress(file)).to.deep.equal({ line: 4, refused: [] });
      });

      it('a retry may replace or keep what is in the way', async () => {
        for (const [onExisting, outcome] of [
          ['replace', 'replaced'],
          ['keep', 'kept'],
        ] as const) {
          const { file, refused } = await made(onExisting);
          const { outcomes } = await world().peer.import([refused], { retryOf: file, onExisting });
          expect(outcomes).to.deep.equal([outcome]);
          expect((await world().peer.importProgress(file)).refused).to.deep.equal([]);
        }
      });

      it('a file that is imported from the beginning has no refused lines before it is', async () => {
        const { file } = await made();
        await world().queue.import([], progress(file, 4, 0));
        expect(await world().peer.importProgress(file)).to.deep.equal({ line: 0, refused: [] });
      });
    });

    it('an import has either a progress or refused lines to retry, and each of these has its line', async () => {
      const { queue, name } = world();
      const [job] = lines(name('topic'), 1, 1);
      const both = { ...progress('file', 0, 1), retryOf: 'file' };
      const failures = [
        await failureOf(queue.import([must(job)], both)),
        await failureOf(queue.import([{ ...must(job), line: undefined }], { retryOf: 'file' })),
      ];
      for (const failure of failures) expect(failure).to.include({ code: 'usage' });
    });

    it('a job as list returns it can be imported unchanged', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      await queue.push({ topic, id: name('id'), body: 'b', delayMs: HOUR_MS });
      const [job] = (await queue.list(topic)).jobs as (JobRecord & { topic: Buffer; body: Buffer })[];
      await queue.remove(must(job).id);
      expect((await peer.import([must(job)])).outcomes).to.deep.equal(['imported']);
      expect((await queue.list(topic)).jobs).to.deep.equal([job]);
    });
  });
}

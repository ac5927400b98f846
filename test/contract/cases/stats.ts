import { expect } from 'chai';
import { JOB_STATES } from '../../../src/core/job.js';
import { jobsOf, LONG_MS, maintainAll, MINUTE_MS, must, reserve, SECOND_MS, type World } from '../world.js';

const ZERO = { delayed: 0, due: 0, ready: 0, leased: 0, expired: 0, dead: 0 };

export function describeStats(world: () => World): void {
  describe('stats', () => {
    /** Jobs of each state in three topics. */
    async function populate() {
      const { queue, clock, name } = world();
      const stem = name('topic');
      const [one, two, three] = [`${stem}-1`, `${stem}-2`, `${stem}-3`];
      await queue.pushMany(jobsOf(two, 8));
      await queue.nack(await reserve(queue, two, 2), { dead: true });
      await queue.nack(await reserve(queue, two, 1), { delayMs: 3 * LONG_MS });
      await reserve(queue, two, 2);
      await queue.pushMany(jobsOf(three, 2, { ttlMs: MINUTE_MS }));
      await maintainAll(queue);
      const [next] = await queue.pushMany([
        { topic: three, body: 'b', delayMs: LONG_MS },
        { topic: three, body: 'b', delayMs: 2 * LONG_MS },
        { topic: one, body: 'b', delayMs: MINUTE_MS },
        { topic: one, body: 'b', delayMs: MINUTE_MS },
      ]);
      clock.advance(MINUTE_MS + SECOND_MS);
      return { topics: [one, two, three], nextDueAt: must(next).dueAt };
    }

    it('stats count the jobs of every topic by state, in order of topic', async () => {
      const { queue, peer } = world();
      const { topics: names, nextDueAt } = await populate();
      const { topics } = await peer.stats();
      expect(topics.map(({ topic }) => topic.toString())).to.deep.equal(names);
      expect(
        topics.map((row) => JOB_STATES.map((state) => [state, row[state]])).map(Object.fromEntries),
      ).to.deep.equal([
        { ...ZERO, ...(queue.needsPromotion ? { due: 2 } : { ready: 2 }) },
        { ...ZERO, ready: 3, leased: 2, delayed: 1, dead: 2 },
        { ...ZERO, delayed: 2, expired: 2 },
      ]);
      expect(topics[2]?.nextDueAt).to.deep.equal(nextDueAt);
    });

    it('stats add up the jobs of all topics by state', async () => {
      const { queue, peer } = world();
      await populate();
      expect((await peer.stats()).totals).to.deep.equal({
        ...ZERO,
        ...(queue.needsPromotion ? { due: 2, ready: 3 } : { ready: 5 }),
        delayed: 3,
        leased: 2,
        expired: 2,
        dead: 2,
      });
    });

    it('stats count leases that have ended, and no jobs that wait for another one of their id', async () => {
      const { queue, peer, clock, name } = world();
      const [waits, ends] = [
        { topic: name('waits'), id: name('id'), body: 'b' },
        { topic: name('ends'), body: 'b' },
      ];
      await queue.pushMany([waits, ends]);
      await maintainAll(queue);
      const leases = await reserve(queue, waits.topic, 1, LONG_MS);
      await queue.push({ ...waits, delayMs: 3 * LONG_MS });
      await queue.release(leases);
      await reserve(queue, ends.topic, 1, 2 * MINUTE_MS);
      clock.advance(MINUTE_MS);
      expect((await peer.stats()).endedLeases).to.equal(0);
      clock.advance(2 * MINUTE_MS);
      expect((await peer.stats()).endedLeases).to.equal(1);
    });

    it('stats count jobs that are due at or after a given time separately', async () => {
      const { peer } = world();
      const { nextDueAt } = await populate();
      for (const exact of [true, false]) {
        const { topics, totals, beyond } = await peer.stats({ exact, beyond: nextDueAt });
        expect(topics.map((row) => row.beyond)).to.deep.equal([0, 1, 1]);
        expect([beyond, totals.delayed]).to.deep.equal([2, 3]);
      }
      const plain = await peer.stats();
      expect([plain.beyond, plain.topics[1]?.beyond]).to.deep.equal([undefined, undefined]);
    });

    it('quick stats are exact when there are few jobs', async () => {
      const { peer } = world();
      await populate();
      const [exact, quick] = [await peer.stats(), await peer.stats({ exact: false })];
      expect(quick).to.deep.equal(exact);
      expect(quick).to.not.have.property('estimate');
    });

    it('stats return the due time of the oldest ready job of each topic, without expired ones', async () => {
      const { queue, peer, clock, name } = world();
      const stem = name('topic');
      const topic = (of: string) => `${stem}-${of}`;
      const oldest = async (of: string) =>
        (await peer.stats()).topics.find((row) => row.topic.toString() === topic(of))?.oldestReadyAt;
      await queue.push({ topic: topic('a'), body: 'expires', ttlMs: SECOND_MS });
      clock.advance(10);
      const first = await queue.push({ topic: topic('a'), body: 'b' });
      await queue.push({ topic: topic('later'), body: 'b', delayMs: LONG_MS });
      await maintainAll(queue);
      clock.advance(MINUTE_MS);
      await queue.push({ topic: topic('a'), body: 'b' });
      await queue.push({ topic: topic('b'), body: 'b' });
      await maintainAll(queue);
      expect(await oldest('a')).to.deep.equal(first.dueAt);
      expect(await oldest('later')).to.equal(undefined);
      expect(must(await oldest('b')).getTime() - must(first.dueAt).getTime()).to.be.at.least(MINUTE_MS);
      await queue.pop(topic('a'));
      expect(must(await oldest('a')).getTime() - must(first.dueAt).getTime()).to.be.at.least(MINUTE_MS);
    });

    it('stats return since when a job is due and not promoted', async () => {
      const { queue, peer, clock, name } = world();
      const { dueAt } = await queue.push({ topic: name('topic'), body: 'b', delayMs: MINUTE_MS });
      expect((await peer.stats()).overdueSince).to.equal(undefined);
      clock.advance(2 * MINUTE_MS);
      expect((await peer.stats()).overdueSince).to.deep.equal(queue.needsPromotion ? dueAt : undefined);
      await maintainAll(queue);
      expect((await peer.stats()).overdueSince).to.equal(undefined);
    });

    it('stats list each consumer that holds leases once, and the daemons', async () => {
      const { queue, peer, name } = world();
      const [topic, other] = [name('topic'), name('other')];
      await queue.pushMany([...jobsOf(topic, 5), ...jobsOf(other, 1)]);
      for (const holder of ['host:2', 'host:1', 'host:2'])
        await queue.reserve({ topics: [topic, other], limit: 2, leaseMs: LONG_MS, holder });
      expect((await peer.stats()).consumers).to.deep.equal(['host:1', 'host:2']);
      const daemon = name('daemon');
      await queue.announce(daemon);
      if (queue.needsPromotion)
        expect((await peer.stats()).daemons?.map((one) => one.name)).to.include(daemon);
      else expect((await peer.stats()).daemons).to.equal(undefined);
      await queue.retire(daemon);
    });

    it('daemons are listed with their start and lateness, until they retire or have not been seen for a minute', async () => {
      const { queue, peer, clock, name } = world();
      const [first, second] = [name('daemon-1'), name('daemon-2')];
      const seen = async () => (await peer.daemons()).filter((one) => [first, second].includes(one.name));
      const began = await queue.now();
      await queue.announce(first);
      clock.advance(5000);
      await queue.announce(second, { promoted: 7, latestMs: 3 });
      await queue.announce(first, { promoted: 12 });
      if (!queue.needsPromotion) {
        expect(await peer.daemons()).to.deep.equal([]);
        return;
      }
      const both = await seen();
      expect(both.map((one) => [one.name, one.promoted, one.latestMs])).to.deep.equal([
        [first, 12, undefined],
        [second, 7, 3],
      ]);
      const [one, other] = both;
      expect(one?.since?.getTime()).to.be.within(began.getTime(), began.getTime() + 4999);
      expect(other?.since?.getTime()).to.be.at.least(began.getTime() + 5000);
      expect(one?.seenAt.getTime()).to.be.at.least(other?.seenAt.getTime() ?? Infinity);
      await queue.retire(second);
      expect((await seen()).map((left) => left.name)).to.deep.equal([first]);
      clock.advance(MINUTE_MS);
      expect(await seen()).to.deep.equal([]);
    });

    it('stats of many jobs report their progress', async () => {
      const { queue, peer, name } = world();
      await queue.pushMany(jobsOf(name('topic'), 1700, { delayMs: LONG_MS }));
      const told: number[] = [];
      await peer.stats({ onProgress: (counted, total) => told.push(counted / total) });
      expect(told.at(-1)).to.equal(1);
      expect(told).to.deep.equal([...told].sort((a, b) => a - b));
    });

    it('stats count each of thousands of jobs', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      await queue.pushMany(jobsOf(topic, 1300));
      await maintainAll(queue);
      for (let i = 0; i < 2; i += 1) await reserve(queue, topic, 300);
      await queue.nack(await reserve(queue, topic, 300), { dead: true });
      await queue.pushMany(jobsOf(topic, 1700, { delayMs: LONG_MS }));
      const wanted = { ...ZERO, ready: 400, leased: 600, delayed: 1700, dead: 300 };
      expect((await peer.stats()).topics[0]).to.deep.include(wanted);
      expect((await peer.stats()).totals).to.deep.equal(wanted);
      expect((await peer.stats({ exact: false })).totals).to.deep.equal(wanted);
    });

    it('stats count the jobs of a reservation over several topics in their own topics', async () => {
      const { queue, peer, name } = world();
      const stem = name('topic');
      const topics = [`${stem}-1`, `${stem}-2`];
      for (const topic of topics) await queue.pushMany(jobsOf(topic, 3));
      const jobs = await reserve(queue, topics, 5);
      await queue.extend(jobs.slice(1, 2), 2 * LONG_MS);
      expect((await peer.stats()).topics.map(({ leased }) => leased)).to.deep.equal([3, 2]);
    });

    it('stats count an expired job and a dead letter separately', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'dead' });
      await queue.nack(await reserve(queue, topic), { dead: true });
      await queue.push({ topic, body: 'expires', ttlMs: MINUTE_MS });
      await queue.push({ topic, body: 'ready' });
      await maintainAll(queue);
      clock.advance(2 * MINUTE_MS);
      expect((await peer.stats()).topics[0]).to.deep.include({ ...ZERO, ready: 1, expired: 1, dead: 1 });
    });

    it('stats of an empty store are all 0', async () => {
      const { queue } = world();
      expect(await queue.stats()).to.deep.include({ totals: ZERO, topics: [] });
      expect((await queue.stats({ exact: false })).totals).to.deep.equal(ZERO);
    });
  });

  describe('health', () => {
    it('health reports no_daemon until a daemon announces itself, and again when it has retired or was not seen for a minute', async () => {
      const { queue, peer, clock, name } = world();
      const daemon = name('daemon');
      const isMissing = async () => (await peer.health()).some(({ code }) => code === 'no_daemon');
      const wanted = queue.needsPromotion;
      expect(await isMissing()).to.equal(wanted);
      await queue.announce(daemon);
      expect(await isMissing()).to.be.false;
      await queue.retire(daemon);
      expect(await isMissing()).to.equal(wanted);
      await queue.announce(daemon);
      clock.advance(MINUTE_MS);
      expect(await isMissing()).to.equal(wanted);
    });

    it('delayer alone is not reported as an original daemon', async () => {
      const { queue, peer } = world();
      await queue.maintain();
      expect(await peer.originalDaemons()).to.deep.equal([]);
    });

    it('health reports each problem with code, message and hint', async () => {
      const { peer } = world();
      const problems = await peer.health();
      // Without a daemon Redis has one problem at least.
      if (peer.needsPromotion) expect(problems).to.not.be.empty;
      for (const problem of problems) {
        expect(problem).to.have.all.keys('code', 'message', 'hint');
        expect(problem.message).to.not.equal('');
      }
    });
  });
}

import { expect } from 'chai';
import type { JobState } from '../../../src/core/job.js';
import type { Queue } from '../../../src/core/queue.js';
import { failureOf } from '../../support/eventually.js';
import { idsOf, LONG_MS, must, promoteAll, untilPast, type World } from '../world.js';

/** Reads a listing to its end. */
async function pages(queue: Queue, topic: string, limit: number, states?: JobState[]) {
  const jobs = [];
  let cursor: string | undefined;
  for (let page = 0; page < 500; page += 1) {
    const got = await queue.list(topic, { limit, states, cursor });
    expect(got.jobs).to.have.length.at.most(limit);
    jobs.push(...got.jobs);
    cursor = got.cursor;
    if (cursor === undefined) return jobs;
  }
  throw new Error('the listing has no end');
}

export function describeLists(world: () => World): void {
  describe('list', () => {
    /** Jobs in every state, between those of another topic; their ids tell state and order. */
    async function populate() {
      const { a, qa, name } = world();
      const topic = name('topic');
      const some = (state: string, count: number, more: object) =>
        [topic, name('other')].flatMap((of) =>
          Array.from({ length: count }, (_, i) => ({
            id: `${of}-${state}-${i}`,
            topic: of,
            body: `${state} ${i}`,
            ...more,
          })),
        );
      await qa.pushMany(some('leased', 4, {}));
      const { leaseUntil } = must((await qa.lease(topic, 4, LONG_MS)).jobs[3]);
      await qa.pushMany(some('ready', 9, {}));
      await promoteAll(a);
      const due = await qa.pushMany(some('due', 6, {}));
      await qa.pushMany(some('delayed', 11, { delayMs: LONG_MS }));
      await untilPast(a, must(due.at(-1)?.dueAt));
      const ids = (state: string, count: number) =>
        Array.from({ length: count }, (_, i) => `${topic}-${state}-${i}`);
      return { topic, ids, leaseUntil };
    }

    for (const limit of [1, 4, 7, 1000]) {
      it(`gives every job exactly once, in order of delivery, in pages of ${limit}`, async () => {
        const { a, qb } = world();
        const { topic, ids } = await populate();
        const jobs = await pages(qb, topic, limit);
        const of = (...states: JobState[]) => idsOf(jobs.filter(({ state }) => states.includes(state)));
        const due = a.needsPromotion ? 'due' : 'ready';
        if (a.needsPromotion) expect(of('ready')).to.deep.equal(ids('ready', 9));
        else expect(of('ready')).to.deep.equal([...ids('ready', 9), ...ids('due', 6)]);
        expect(of(due).slice(-6)).to.deep.equal(ids('due', 6));
        expect(of('leased')).to.deep.equal(ids('leased', 4));
        expect(of('delayed')).to.deep.equal(ids('delayed', 11));
        expect(jobs).to.have.length(30);
      });
    }

    it('gives ready, leased, due, delayed jobs in that order', async () => {
      const { qb } = world();
      const { topic } = await populate();
      const order: string[] = ['ready', 'leased', 'due', 'delayed'];
      const places = (await pages(qb, topic, 100)).map(({ state }) => order.indexOf(state));
      expect(places).to.deep.equal([...places].sort());
    });

    it('gives the states asked for alone', async () => {
      const { a, qb } = world();
      const { topic, ids } = await populate();
      const ready = a.needsPromotion ? ids('ready', 9) : [...ids('ready', 9), ...ids('due', 6)];
      for (const limit of [3, 100]) {
        expect(idsOf(await pages(qb, topic, limit, ['ready']))).to.deep.equal(ready);
        expect(idsOf(await pages(qb, topic, limit, ['leased']))).to.deep.equal(ids('leased', 4));
        expect(idsOf(await pages(qb, topic, limit, ['due']))).to.deep.equal(
          a.needsPromotion ? ids('due', 6) : [],
        );
        expect(idsOf(await pages(qb, topic, limit, ['delayed']))).to.deep.equal(ids('delayed', 11));
        const two = await pages(qb, topic, limit, ['leased', 'delayed']);
        expect(idsOf(two)).to.deep.equal([...ids('leased', 4), ...ids('delayed', 11)]);
        expect(await pages(qb, topic, limit, ['dead'])).to.be.empty;
      }
    });

    it('tells of each job what find tells', async () => {
      const { qa, qb } = world();
      const { topic } = await populate();
      for (const job of await pages(qb, topic, 100)) {
        const found = must((await qa.find(job.id))[0]);
        expect({ ...job, readyAhead: undefined }).to.deep.equal({ ...found, readyAhead: undefined });
      }
    });

    it('gives dead jobs as dead', async () => {
      const { a, qa, qb, name } = world();
      const topic = name('topic');
      const dead = await qa.push({ topic, body: 'b', ttlMs: 60 });
      const live = await qa.push({ topic, body: 'b' });
      await promoteAll(a);
      await untilPast(a, must(dead.dueAt).getTime() + 60);
      const jobs = await pages(qb, topic, 10);
      expect(jobs.map(({ id, state }) => [id.toString(), state])).to.have.deep.members([
        [dead.id.toString(), 'dead'],
        [live.id.toString(), 'ready'],
      ]);
      expect(idsOf(await pages(qb, topic, 10, ['dead']))).to.deep.equal([dead.id.toString()]);
      expect(idsOf(await pages(qb, topic, 10, ['ready']))).to.deep.equal([live.id.toString()]);
    });

    it('gives every one of 1500 delayed jobs due together once', async () => {
      const { qa, qb, name } = world();
      const topic = name('topic');
      const at = new Date(Date.now() + LONG_MS);
      const pushed = await qa.pushMany(Array.from({ length: 1500 }, () => ({ topic, body: 'b', at })));
      expect(idsOf(await pages(qb, topic, 400)).sort()).to.deep.equal(idsOf(pushed).sort());
    });

    it('goes on where it was when the last job of the page before is gone', async () => {
      const { qa, qb, name } = world();
      const topic = name('topic');
      const pushed = await qa.pushMany(
        Array.from({ length: 9 }, (_, i) => ({ topic, body: 'b', delayMs: LONG_MS + i })),
      );
      const first = await qb.list(topic, { limit: 3 });
      expect(idsOf(first.jobs)).to.deep.equal(idsOf(pushed.slice(0, 3)));
      await qa.remove(must(first.jobs[2]).id);
      const rest = await qb.list(topic, { limit: 100, cursor: first.cursor });
      expect(idsOf(rest.jobs)).to.deep.equal(idsOf(pushed.slice(3)));
    });

    it('names no next page when there is none', async () => {
      const { qa, name } = world();
      const topic = name('topic');
      await qa.pushMany([1, 2].map((n) => ({ id: name(`${n}`), topic, body: 'b' })));
      const page = await qa.list(topic, { limit: 2 });
      expect(page.jobs).to.have.length(2);
      expect(page.cursor).to.be.undefined;
    });

    it('gives nothing for a topic without jobs', async () => {
      const { qa, name } = world();
      expect(await pages(qa, name('topic'), 10)).to.be.empty;
    });

    const place = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    for (const [what, cursor] of Object.entries({
      'that is no cursor': 'nonsense',
      'that is empty': '',
      'of another shape': place({ phase: 'nowhere' }),
      'with a negative place': place({ phase: 'ready', skip: -1 }),
      'with a score that is no number': place({ phase: 'pool', score: '1.2.3', id: '' }),
      'with a place beyond any': place({ phase: 'ready', skip: 1e300 }),
    })) {
      it(`refuses a cursor ${what} as wrong usage`, async () => {
        const { qa, name } = world();
        expect(await failureOf(qa.list(name('topic'), { limit: 10, cursor }))).to.include({ code: 'usage' });
      });
    }
  });
}

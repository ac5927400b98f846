import { expect } from 'chai';
import type { JobState } from '../../../src/core/job.js';
import type { Topics } from '../../../src/core/requests.js';
import type { ListQuery } from '../../../src/core/views.js';
import { failureOf } from '../../support/eventually.js';
import {
  HOUR_MS,
  idsOf,
  jobsOf,
  LONG_MS,
  maintainAll,
  MINUTE_MS,
  must,
  only,
  reserve,
  soon,
  statesOf,
  type World,
} from '../world.js';
import { populate } from '../populate.js';

export function describeList(world: () => World): void {
  /** Reads a listing to its end. */
  async function pages(topics: Topics, query: ListQuery) {
    const jobs = [];
    let cursor: string | undefined;
    for (let page = 0; page < 500; page += 1) {
      const got = await world().peer.list(topics, { ...query, cursor });
      if (query.limit !== undefined) expect(got.jobs).to.have.length.at.most(query.limit);
      jobs.push(...got.jobs);
      cursor = got.cursor;
      if (cursor === undefined) return jobs;
    }
    throw new Error('the listing has no end');
  }

  describe('list', () => {
    for (const limit of [1, 4, 7, 1000]) {
      it(`a list in pages of ${limit} has every job of a topic once: ready, leased, due, delayed, dead`, async () => {
        const { topic, all } = await populate(world());
        const jobs = await pages(topic, { limit });
        expect(idsOf(jobs)).to.deep.equal(all());
      });

      it(`a list of several topics in pages of ${limit} has every job once, topic by topic`, async () => {
        const { topic, other, all } = await populate(world());
        const jobs = await pages([topic, other], { limit });
        expect(idsOf(jobs)).to.have.members([...all(topic), ...all(other)]);
        expect(jobs).to.have.length(66);
        for (const of of [topic, other]) {
          const own = jobs.filter((job) => job.topic?.toString() === of);
          expect(idsOf(own)).to.deep.equal(all(of));
        }
        // Each topic in one piece.
        expect(jobs.slice(0, 33).every((job) => job.topic?.equals(must(must(jobs[0]).topic)) === true)).to.be
          .true;
      });
    }

    it('a list has 50 jobs by default', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      await queue.pushMany(jobsOf(topic, 60, { delayMs: LONG_MS }));
      const page = await queue.list(topic);
      expect(page.jobs).to.have.length(50);
      expect((await queue.list(topic, { cursor: page.cursor })).jobs).to.have.length(10);
    });

    for (const limit of [3, 100]) {
      it(`a list of some states has only the jobs in these states, in pages of ${limit}`, async () => {
        const { queue } = world();
        const { topic, ids } = await populate(world());
        const ready = queue.needsPromotion ? ids('ready', 9) : [...ids('ready', 9), ...ids('due', 6)];
        const expected: [JobState[], string[]][] = [
          [['ready'], ready],
          [['leased'], ids('leased', 4)],
          [['due'], queue.needsPromotion ? ids('due', 6) : []],
          [['delayed'], ids('delayed', 11)],
          [['dead'], ids('dead', 3)],
          [['expired'], []],
          [
            ['leased', 'delayed'],
            [...ids('leased', 4), ...ids('delayed', 11)],
          ],
          [
            ['dead', 'leased'],
            [...ids('leased', 4), ...ids('dead', 3)],
          ],
          [[], []],
        ];
        for (const [states, wanted] of expected) {
          expect(idsOf(await pages(topic, { limit, states })), states.join()).to.deep.equal(wanted);
        }
      });
    }

    for (const limit of [2, 100]) {
      it(`a list by due time has only the jobs that are due within it, in pages of ${limit}`, async () => {
        const { queue, name } = world();
        const topics = [name('x'), name('y')];
        const base = (await soon(queue, HOUR_MS)).getTime();
        const at = (minutes: number) => new Date(base + minutes * MINUTE_MS);
        const id = (topic: string, minutes: number) => `${topic}-${minutes}`;
        for (const topic of topics) {
          await queue.pushMany(
            [0, 1, 2, 3, 4].map((i) => ({ id: id(topic, i), topic, body: 'b', at: at(i) })),
          );
        }
        const of = (...minutes: number[]) => topics.flatMap((topic) => minutes.map((i) => id(topic, i)));
        // From a time on, and before a time.
        for (const [query, wanted] of [
          [{ dueBefore: at(2) }, of(0, 1)],
          [{ dueAfter: at(2) }, of(2, 3, 4)],
          [{ dueAfter: at(1), dueBefore: at(4) }, of(1, 2, 3)],
          [{ dueAfter: at(5) }, []],
          [{ dueBefore: at(0) }, []],
          [{ dueAfter: at(3), dueBefore: at(3) }, []],
          [{ dueAfter: at(1), states: ['ready' as const] }, []],
        ] as const) {
          expect(idsOf(await pages(topics, { ...query, limit }))).to.have.members(wanted);
          expect(idsOf(await pages(must(topics[0]), { ...query, limit }))).to.deep.equal(
            wanted.slice(0, wanted.length / 2),
          );
        }
      });
    }

    it('a list by due time includes jobs of every state', async () => {
      const { queue } = world();
      const { topic, all, ids } = await populate(world());
      const now = await soon(queue, 1000);
      const before = idsOf(await pages(topic, { dueBefore: now }));
      expect(before).to.have.members(all().filter((id) => !ids('delayed', 11).includes(id)));
      expect(idsOf(await pages(topic, { dueAfter: now }))).to.deep.equal(ids('delayed', 11));
    });

    for (const limit of [2, 100]) {
      it(`a list by a glob has only the jobs whose ids match, in pages of ${limit}`, async () => {
        const { topic, other, ids, all } = await populate(world());
        for (const [glob, wanted] of [
          [`${topic}-leased-?`, ids('leased', 4)],
          [`*-delayed-1*`, [`${topic}-delayed-1`, `${topic}-delayed-10`]],
          [`*-b-d*-[0-1]`, all().filter((id) => /-b-d[a-z]*-[01]$/.test(id))],
          [`*-ready-[^1-8]`, [`${topic}-ready-0`]],
          [`*`, all()],
          [`*-READY-*`, []],
          [`\\*`, []],
          [`${other}*`, []],
        ] as const) {
          expect(idsOf(await pages(topic, { idGlobs: [glob], limit })), glob).to.deep.equal(wanted);
        }
      });
    }

    it('a list shows the same fields of a job as find', async () => {
      const { queue } = world();
      const { topic } = await populate(world());
      // Only find looks these up.
      const more = { readyAhead: undefined, isDaemonSeen: undefined };
      for (const job of await pages(topic, { limit: 100 })) {
        const found = only(await queue.find(job.id));
        expect({ ...job, ...more }).to.deep.equal({ ...found, ...more });
      }
    });

    it('a list includes a job that waits for a duplicate, with what blocks it', async () => {
      const { queue, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await queue.push({ ...job, body: 'first' });
      const first = await reserve(queue, job.topic);
      await queue.push({ ...job, body: 'second', delayMs: LONG_MS });
      await queue.release(first);
      for (const query of [
        {},
        { states: ['delayed' as const] },
        { states: ['delayed' as const], limit: 1 },
      ]) {
        const jobs = await pages(job.topic, query);
        expect(statesOf(jobs)).to.deep.equal(['delayed', 'delayed']);
        expect(jobs.map(({ blockedBy }) => blockedBy?.type)).to.have.members([undefined, 'duplicate_id']);
      }
      expect(await pages(job.topic, { states: ['leased'] })).to.be.empty;
    });

    it('a list has expired jobs as expired, and not as ready or dead', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      const expired = await queue.push({ topic, body: 'b', ttlMs: MINUTE_MS });
      const live = await queue.push({ topic, body: 'b' });
      await maintainAll(queue);
      clock.advance(2 * MINUTE_MS);
      const jobs = await pages(topic, { limit: 10 });
      expect(jobs.map(({ id, state }) => [id.toString(), state])).to.have.deep.members([
        [expired.id.toString(), 'expired'],
        [live.id.toString(), 'ready'],
      ]);
      expect(idsOf(await pages(topic, { states: ['expired'] }))).to.deep.equal(idsOf([expired]));
      expect(idsOf(await pages(topic, { states: ['ready'] }))).to.deep.equal(idsOf([live]));
      expect(await pages(topic, { states: ['dead'] })).to.be.empty;
    });

    it('a list has each of 1500 jobs with one due time once', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      const at = await soon(queue, LONG_MS);
      const pushed = await queue.pushMany(jobsOf(topic, 1500).map((job) => ({ ...job, at })));
      expect(idsOf(await pages(topic, { limit: 400 })).sort()).to.deep.equal(idsOf(pushed).sort());
    });

    it('a list continues at its place when the last job of the page before has been removed', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const pushed = await queue.pushMany(
        Array.from({ length: 9 }, (_, i) => ({ topic, body: 'b', delayMs: LONG_MS + i })),
      );
      const first = await peer.list(topic, { limit: 3 });
      expect(idsOf(first.jobs)).to.deep.equal(idsOf(pushed.slice(0, 3)));
      await queue.remove(must(first.jobs[2]).id);
      const rest = await peer.list(topic, { limit: 100, cursor: first.cursor });
      expect(idsOf(rest.jobs)).to.deep.equal(idsOf(pushed.slice(3)));
    });

    it('the last page of a list has no cursor', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      await queue.pushMany(jobsOf(topic, 2));
      const page = await queue.list(topic, { limit: 2 });
      expect(page.jobs).to.have.length(2);
      expect(page.cursor).to.be.undefined;
    });

    it('a list of topics without jobs is empty', async () => {
      const { name } = world();
      expect(await pages([name('x'), name('y')], { limit: 10 })).to.be.empty;
    });

    const place = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    for (const [what, cursor] of Object.entries({
      'that is a plain word': 'nonsense',
      'that is empty': '',
      'of another shape': place({ phase: 'nowhere' }),
      'with a negative place': place({ phase: 'ready', skip: -1 }),
      'with a score that is not a number': place({ phase: 'pool', score: '1.2.3', id: '' }),
      'with a place beyond any': place({ phase: 'ready', skip: 1e300 }),
    })) {
      it(`a cursor ${what} is refused as a usage error`, async () => {
        const { queue, name } = world();
        expect(await failureOf(queue.list(name('topic'), { limit: 10, cursor }))).to.include({
          code: 'usage',
        });
      });
    }

    it('an unknown field of a query is refused as a usage error', async () => {
      const { queue, name } = world();
      const query = { state: ['ready'] } as ListQuery;
      expect(await failureOf(queue.list(name('topic'), query))).to.include({ code: 'usage' });
    });
  });
}

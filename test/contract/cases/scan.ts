import { expect } from 'chai';
import type { JobState } from '../../../src/core/job.js';
import type { ScanQuery } from '../../../src/core/views.js';
import { populate, scanIds } from '../populate.js';
import {
  idsOf,
  jobsOf,
  LONG_MS,
  maintainAll,
  MINUTE_MS,
  must,
  only,
  reserve,
  soon,
  type World,
} from '../world.js';

export function describeScan(world: () => World): void {
  const scan = (query: ScanQuery = {}) => scanIds(world(), query);

  describe('scan', () => {
    it('a scan has every job of its topics once: delayed ones first, then ready, leased and dead ones', async () => {
      const { topic, other, ids } = await populate(world());
      const found = await scan({ topics: [topic, other] });
      expect(found).to.have.length(66);
      const of = (one: string) => found.filter((id) => id.startsWith(one));
      for (const one of [topic, other]) {
        const states = [
          ids('delayed', 11, one),
          ids('ready', 9, one),
          ids('leased', 4, one),
          ids('dead', 3, one),
        ];
        expect(of(one).filter((id) => !id.includes('-due-'))).to.deep.equal(states.flat());
        expect(of(one)).to.include.members(ids('due', 6, one));
      }
    });

    it('a scan without topics has the jobs of all topics', async () => {
      const { topic, other, all } = await populate(world());
      expect(await scan()).to.include.members([...all(topic), ...all(other)]);
    });

    it('a scan of topics by globs and by name has only the jobs of those topics', async () => {
      const { stem, topic, other, all } = await populate(world());
      for (const [query, wanted] of [
        [{ topicGlobs: [`${stem}-*`] }, [...all(topic), ...all(other)]],
        [{ topicGlobs: [`${stem}-[b-z]`] }, all(topic)],
        [{ topics: other, topicGlobs: [`${stem}-b`] }, [...all(topic), ...all(other)]],
        [{ topicGlobs: [stem, `${stem}-c*`] }, []],
        [{ topics: [topic, `${stem}-none`] }, all(topic)],
      ] as const) {
        expect(await scan(query), JSON.stringify(query)).to.have.members(wanted);
      }
    });

    it('a scan of some states has only the jobs in these states', async () => {
      const { queue } = world();
      const { topic, ids } = await populate(world());
      const due = ids('due', 6);
      for (const [states, wanted] of [
        [['ready'], queue.needsPromotion ? ids('ready', 9) : [...ids('ready', 9), ...due]],
        [['due'], queue.needsPromotion ? due : []],
        [['leased'], ids('leased', 4)],
        [['delayed'], ids('delayed', 11)],
        [['dead'], ids('dead', 3)],
        [['expired'], []],
        [[], []],
      ] as [JobState[], string[]][]) {
        expect(await scan({ topics: topic, states }), states.join()).to.deep.equal(wanted);
        const latestFirst = await scan({ topics: topic, states, latestFirst: true });
        expect(latestFirst, states.join()).to.have.members(wanted);
        const withoutContent = await scan({ topics: topic, states, withoutContent: true });
        expect(withoutContent, states.join()).to.deep.equal(wanted);
      }
    });

    it('a scan by due time, id and text of the body has only the jobs that match all of them', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      const base = (await soon(queue, LONG_MS)).getTime();
      const at = (minutes: number) => new Date(base + minutes * MINUTE_MS);
      await queue.pushMany(
        [0, 1, 2, 3, 4].map((i) => ({
          id: `${topic}-${i}`,
          topic,
          body: `{"n":${i},"odd":${i % 2}}`,
          at: at(i),
        })),
      );
      const of = (...minutes: number[]) => minutes.map((i) => `${topic}-${i}`);
      for (const [query, wanted] of [
        [{ dueBefore: at(2) }, of(0, 1)],
        [{ dueAfter: at(2) }, of(2, 3, 4)],
        [{ dueAfter: at(1), dueBefore: at(4) }, of(1, 2, 3)],
        [{ olderThan: at(1) }, of(0)],
        [{ idGlobs: ['*-[12]', '*-4'] }, of(1, 2, 4)],
        [{ bodyIncludes: ['"odd":1', '"n":4'] }, of(1, 3, 4)],
        [{ bodyIncludes: [Buffer.from('"odd":1')], dueBefore: at(2) }, of(1)],
        [{ idGlobs: ['*'], bodyIncludes: ['nothing'] }, []],
      ] as const) {
        expect(await scan({ topics: topic, ...query }), JSON.stringify(query)).to.deep.equal(wanted);
        const reversed = await scan({ topics: topic, ...query, latestFirst: true });
        expect(reversed, JSON.stringify(query)).to.deep.equal([...wanted].reverse());
      }
    });

    it('a scan with olderThan compares when dead letters failed', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'b', id: `${topic}-1` });
      const [lease] = await reserve(queue, topic);
      clock.advance(MINUTE_MS);
      await queue.nack([must(lease)], { dead: true });
      const [failed] = await queue.find(`${topic}-1`);
      const failedMs = must(must(failed).failedAt).getTime();
      expect(await scan({ topics: topic, olderThan: new Date(failedMs) })).to.deep.equal([]);
      expect(await scan({ topics: topic, olderThan: new Date(failedMs + 1) })).to.deep.equal([`${topic}-1`]);
    });

    it('a scan shows the same fields of a job as find', async () => {
      const { queue, peer } = world();
      const { stem } = await populate(world());
      // Only find looks these up.
      const more = { readyAhead: undefined, isDaemonSeen: undefined };
      let count = 0;
      for await (const { jobs } of peer.scan({ topicGlobs: [`${stem}*`] })) {
        count += jobs.length;
        for (const job of jobs) {
          const found = only(await queue.find(job.id));
          expect({ ...job, ...more }).to.deep.equal({ ...found, ...more });
        }
      }
      expect(count).to.equal(66);
    });

    it('a scan shows the ready lifetime and the key of a job', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'b', ttlMs: 5 * MINUTE_MS });
      const [job] = await reserve(queue, topic);
      await queue.nack([must(job)], { delayMs: LONG_MS });
      const seen = [];
      for await (const { jobs } of queue.scan({ topics: topic })) seen.push(...jobs);
      expect(only(seen)).to.include({ ttlMs: 5 * MINUTE_MS, key: must(job).key });
    });

    for (const [what, delayMs] of [
      ['delayed', LONG_MS],
      ['ready', 0],
    ] as const) {
      it(`a scan whose ${what} jobs are removed as it returns them misses none of the others`, async () => {
        const { queue, peer, name } = world();
        const topic = name('topic');
        const pushed = idsOf(await queue.pushMany(jobsOf(topic, 1500, { delayMs })));
        await maintainAll(queue);
        const isRemoved = (id: string) => pushed.indexOf(id) % 3 !== 0;
        const seen = new Set<string>();
        for await (const { jobs } of peer.scan({ topics: topic })) {
          for (const id of idsOf(jobs)) seen.add(id);
          await queue.removeMany(idsOf(jobs).filter(isRemoved), { states: 'any' });
        }
        expect([...seen]).to.have.members(pushed);
        expect(await scan({ topics: topic })).to.deep.equal(pushed.filter((id) => !isRemoved(id)));
      });
    }

    for (const latestFirst of [false, true]) {
      it(`a scan${latestFirst ? ', latest first,' : ''} returns jobs with one due time once each while others are removed`, async () => {
        const { queue, peer, name } = world();
        const topic = name('topic');
        const at = await soon(queue, LONG_MS);
        // More jobs than have different scores within a millisecond.
        const pushed = idsOf(await queue.pushMany(jobsOf(topic, 1800).map((job) => ({ ...job, at }))));
        const isRemoved = (id: string) => pushed.indexOf(id) % 2 === 1;
        const seen: string[] = [];
        for await (const { jobs } of peer.scan({ topics: topic, latestFirst })) {
          seen.push(...idsOf(jobs));
          await queue.removeMany(idsOf(jobs).filter(isRemoved));
        }
        expect(seen).to.have.length(1800);
        expect(new Set(seen)).to.have.property('size', 1800);
      });
    }

    it('a scan of ready jobs misses none while others take jobs and release them', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const pushed = idsOf(await queue.pushMany(jobsOf(topic, 1200)));
      await maintainAll(queue);
      const seen: string[] = [];
      const taken = new Set<string>();
      for await (const { jobs } of peer.scan({ topics: topic, states: ['ready'] })) {
        seen.push(...idsOf(jobs));
        const held = await reserve(queue, topic, 40);
        await queue.release(held.slice(0, 20));
        for (const id of idsOf(held.slice(20))) taken.add(id);
        await queue.ack(held.slice(20));
      }
      expect(seen).to.include.members(pushed.filter((id) => !taken.has(id)));
      expect(new Set(seen).size).to.equal(seen.length);
    });

    it('a queue can be used on after a scan that is ended early', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      await queue.pushMany(jobsOf(topic, 1200, { delayMs: LONG_MS }));
      for await (const { jobs } of queue.scan({ topics: topic })) if (jobs.length > 0) break;
      expect(await scan({ topics: topic })).to.have.length(1200);
    });

    it('a scan counts the jobs that it examines', async () => {
      const { peer } = world();
      const { topic } = await populate(world());
      let lookedAt = 0;
      for await (const part of peer.scan({ topics: topic, idGlobs: ['none'] })) {
        expect(part.jobs).to.deep.equal([]);
        lookedAt += part.lookedAt;
      }
      expect(lookedAt).to.be.at.least(33);
    });
  });
}

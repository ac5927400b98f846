import { expect } from 'chai';
import {
  drain,
  idsOf,
  jobsOf,
  LONG_MS,
  maintainAll,
  must,
  only,
  reserve,
  textOf,
  type World,
} from '../world.js';
import type { OnEvent } from '../../../src/core/events.js';
import { warningsOf } from '../../support/warnings.js';

export function describePop(world: () => World): void {
  describe('pop', () => {
    it('a pop returns nothing when there are no jobs', async () => {
      const { queue, name } = world();
      expect(await queue.pop(name('topic'))).to.be.undefined;
      expect(await queue.popMany(name('topic'), 10)).to.deep.equal([]);
    });

    it('a pop returns a job with all its fields, once, and deletes it', async () => {
      const { queue, peer, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      const { dueAt } = await queue.push({ ...job, ttlMs: 60_000 });
      expect(await peer.pop(job.topic)).to.deep.equal({
        id: Buffer.from(job.id),
        topic: Buffer.from(job.topic),
        body: Buffer.from('b'),
        state: 'ready',
        dueAt,
        expiresAt: new Date(must(dueAt).getTime() + 60_000),
        attempts: 1,
      });
      expect(await queue.pop(job.topic)).to.be.undefined;
      expect(await queue.find(job.id)).to.be.empty;
      expect((await queue.stats()).topics).to.deep.equal([]);
    });

    it('pop and reserve deliver due jobs without a daemon', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'by pop' });
      expect(textOf(await peer.pop(topic))).to.equal('by pop');
      await queue.push({ topic, body: 'by reserve' });
      expect(textOf(only(await reserve(peer, topic)))).to.equal('by reserve');
    });

    it('a pop returns jobs of its topic only', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      await queue.push({ topic: `${topic}x`, body: 'other' });
      await queue.push({ topic: topic.toUpperCase(), body: 'other' });
      expect(await queue.pop(topic)).to.be.undefined;
      expect(textOf(await queue.pop(`${topic}x`))).to.equal('other');
    });

    it('a pop returns its job even if more due jobs of another topic come first than one step promotes', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      await queue.pushMany(jobsOf(name('other'), 1300));
      await queue.push({ topic, body: 'behind' });
      expect(textOf(await peer.pop(topic))).to.equal('behind');
    });

    it('a popMany returns at most as many jobs as asked for, in order', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      await queue.pushMany(jobsOf(topic, 25));
      expect((await peer.popMany(topic, 10)).map(textOf)).to.deep.equal(
        jobsOf(topic, 10).map(({ body }) => body),
      );
      expect(await peer.popMany(topic, 100)).to.have.length(15);
      expect(await peer.popMany(topic, 100)).to.be.empty;
    });

    it('a pop counts earlier leases of its job as attempts', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'b' });
      await reserve(queue, topic, 1, 1000);
      clock.advance(1001);
      expect(await queue.pop(topic)).to.deep.include({ attempts: 2 });
    });

    for (const [what, listener] of Object.entries({
      throws: () => {
        throw new Error('the log is full');
      },
      'is rejected': () => Promise.reject(new Error('the log is full')),
    })) {
      it(`a pop returns its jobs, and warns, when its listener ${what}`, async () => {
        const { queue, clock, name } = world();
        const onEvent = listener as OnEvent;
        for (const take of [
          (topic: string) => queue.pop(topic, { onEvent }),
          (topic: string) => queue.popMany(topic, 1, { onEvent }),
          (topic: string) => queue.bpop(topic, { onEvent }),
          (topic: string) => queue.bpopMany(topic, 1, { onEvent }),
        ]) {
          const topic = name('topic');
          await queue.push({ topic, body: 'dies', retries: 0 });
          await queue.reserve({ topics: topic, limit: 1, leaseMs: 1000 });
          clock.advance(1001);
          await queue.push({ topic, body: 'lives' });
          const warnings = await warningsOf(async () => {
            expect([await take(topic)].flat().map(textOf)).to.deep.equal(['lives']);
          });
          const warning = 'DelayerWarning: onEvent failed at the event job_dead: the log is full';
          expect(warnings).to.deep.equal([warning]);
        }
      });
    }

    it('each of 800 jobs is delivered once to six consumers at a time', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const pushed = idsOf(await queue.pushMany(jobsOf(topic, 800)));
      const got = await Promise.all(
        [queue, peer, queue, peer, queue, peer].map((consumer) => drain(consumer, topic, 9)),
      );
      expect(idsOf(got.flat()).sort()).to.deep.equal(pushed.sort());
    });

    it('each job is delivered once while others push and maintain', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      let pushing = true;
      const push = async () => {
        const ids: string[] = [];
        for (let i = 0; i < 20; i += 1) ids.push(...idsOf(await queue.pushMany(jobsOf(topic, 20))));
        pushing = false;
        return ids;
      };
      const consume = async (consumer: typeof queue) => {
        const got = [];
        while (pushing) got.push(...(await consumer.popMany(topic, 3)));
        return got;
      };
      const maintain = async (maintainer: typeof queue) => {
        while (pushing) await maintainer.maintain();
        return [];
      };
      const [pushed, ...popped] = await Promise.all([
        push(),
        consume(queue),
        consume(peer),
        maintain(queue),
        maintain(peer),
      ]);
      const got = [...popped.flat(), ...(await drain(peer, topic))];
      expect(idsOf(got).sort()).to.deep.equal(pushed.sort());
    });

    it('popped jobs can be restored, and are delivered again in order', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      await queue.pushMany(jobsOf(topic, 3));
      const popped = await queue.popMany(topic, 3);
      expect(await queue.restore(popped)).to.deep.equal([]);
      const got = await drain(peer, topic);
      expect(got.map(({ id, body }) => ({ id, body }))).to.deep.equal(
        popped.map(({ id, body }) => ({ id, body })),
      );
    });

    it('a restore returns the ids that were not restored because they were pushed again', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      const ids = [1, 2, 3].map((i) => `${topic}-${i}`);
      await queue.pushMany(ids.map((id) => ({ id, topic, body: 'popped' })));
      const popped = await queue.popMany(topic, 3);
      await queue.push({ id: must(ids[1]), topic, body: 'newer', delayMs: LONG_MS });
      expect((await queue.restore(popped)).map(String)).to.deep.equal([ids[1]]);
    });

    it('a restore leaves a newer job of the same id alone', async () => {
      const { queue, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await queue.push({ ...job, body: 'popped' });
      const popped = must(await queue.pop(job.topic));
      await queue.push({ ...job, body: 'newer', delayMs: LONG_MS });
      await queue.restore([popped]);
      expect(textOf(only(await queue.find(job.id)))).to.equal('newer');
      await maintainAll(queue);
      expect(await queue.pop(job.topic)).to.be.undefined;
      expect(await queue.restore([])).to.deep.equal([]);
    });
  });
}

import { expect } from 'chai';
import { LONG_MS, maintainAll, MINUTE_MS, reserve, SECOND_MS, type World } from '../world.js';

export function describeNextEvent(world: () => World): void {
  describe('the next event', () => {
    const reserving = (topics: string | string[]) =>
      world().queue.reserve({ topics, limit: 1, leaseMs: LONG_MS });

    it('maintain and reserve return in how many ms the next job is due', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      await queue.push({ topic, body: 'b', delayMs: LONG_MS });
      clock.advance(SECOND_MS);
      for (const { nextInMs } of [await queue.maintain(), await reserving(topic)]) {
        expect(nextInMs).to.equal(LONG_MS - SECOND_MS);
      }
    });

    it('maintain returns when the next job of all topics is due, and reserve a time no later than that of its topics', async () => {
      const { queue, clock, name } = world();
      const stem = name('topic');
      clock.stop();
      for (const [i, hours] of [3, 1, 2].entries()) {
        await queue.push({ topic: `${stem}-${i}`, body: 'b', delayMs: hours * LONG_MS });
      }
      expect((await queue.maintain()).nextInMs).to.equal(LONG_MS);
      expect((await reserving(`${stem}-0`)).nextInMs).to.be.within(LONG_MS, 3 * LONG_MS);
      expect((await reserving([`${stem}-0`, `${stem}-2`])).nextInMs).to.be.within(LONG_MS, 2 * LONG_MS);
    });

    it('maintain returns when the next job is due up to the millisecond before', async () => {
      const { queue, clock, name } = world();
      clock.stop();
      await queue.push({ topic: name('topic'), body: 'b', delayMs: 3 });
      for (const left of [3, 2, 1]) {
        expect((await queue.maintain()).nextInMs).to.equal(left);
        clock.advance(1);
      }
      await maintainAll(queue);
      expect((await queue.maintain()).nextInMs).to.be.undefined;
    });

    it('maintain returns in how many ms the next lease ends, in every process', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      await queue.push({ topic, body: 'b' });
      expect(await reserve(queue, topic, 1, MINUTE_MS)).to.have.length(1);
      for (const one of [queue, peer]) expect((await one.maintain()).nextInMs).to.equal(MINUTE_MS);
    });

    it('a reserve that finds nothing returns when a lease of its topics ends', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      await queue.push({ topic, body: 'b' });
      await reserve(queue, topic, 1, MINUTE_MS);
      expect((await reserving([name('other'), topic])).nextInMs).to.equal(MINUTE_MS);
    });

    it('maintain and reserve return no next event when there are no jobs', async () => {
      const { queue, name } = world();
      expect((await queue.maintain()).nextInMs).to.be.undefined;
      expect((await reserving(name('topic'))).nextInMs).to.be.undefined;
    });
  });
}

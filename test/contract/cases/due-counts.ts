import { expect } from 'chai';
import { DAY_MS, HOUR_MS, jobsOf, maintainAll, reserve, type World } from '../world.js';
import { simulate } from '../../../src/core/forecast.js';

export function describeDueCounts(world: () => World): void {
  describe('due counts', () => {
    it('due counts count each job in the step in which it is due, a job due at the end of a step within it, and can be limited to topics', async () => {
      const { queue, peer, clock, name } = world();
      clock.stop();
      const [topic, other] = [name('topic'), name('other')];
      await queue.pushMany([
        ...jobsOf(topic, 2, { delayMs: 1 }),
        ...jobsOf(topic, 3, { delayMs: HOUR_MS }),
        ...jobsOf(other, 4, { delayMs: HOUR_MS + 1 }),
        ...jobsOf(other, 5, { delayMs: 3 * HOUR_MS }),
        ...jobsOf(other, 6, { delayMs: 3 * HOUR_MS + 1 }),
        ...jobsOf(topic, 7),
      ]);
      await maintainAll(queue);
      const ask = { stepMs: HOUR_MS, steps: 3 };
      const all = await peer.dueCounts(ask);
      expect(all).to.deep.equal({ now: await peer.now(), counts: [5, 4, 5] });
      expect((await peer.dueCounts({ ...ask, topics: topic })).counts).to.deep.equal([5, 0, 0]);
      expect((await peer.dueCounts({ ...ask, topics: [topic, other] })).counts).to.deep.equal([5, 4, 5]);
      expect((await peer.dueCounts({ ...ask, topics: name('none') })).counts).to.deep.equal([0, 0, 0]);
    });

    it('a forecast from due counts matches a simulated week within 5 %: jobs due, backlog and lateness of each hour', async () => {
      const { queue, clock, name } = world();
      clock.stop();
      const topic = name('topic');
      const hours = (7 * DAY_MS) / HOUR_MS;
      // Many jobs are due in the first four hours of each day, few in the others.
      const jobs = Array.from({ length: hours }, (_, hour) => (hour % 24 < 4 ? 24 : 3));
      for (const [hour, count] of jobs.entries()) {
        const due = Array.from({ length: count }, (_, i) => hour * HOUR_MS + ((i + 1) * HOUR_MS) / count);
        await queue.pushMany(due.map((delayMs) => ({ topic, body: 'b', delayMs, ttlMs: 30 * DAY_MS })));
      }
      const start = (await queue.now()).getTime();
      const { counts } = await queue.dueCounts({ topics: topic, stepMs: HOUR_MS, steps: hours });
      expect(counts).to.deep.equal(jobs);

      const perHour = 10;
      const { steps } = simulate({ due: counts, stepMs: HOUR_MS, backlog: 0 }, perHour / 3600);
      const waiting: number[] = [];
      /** By the hour in which the jobs were due. */
      const lateMs = Array<number>(hours).fill(0);
      for (let hour = 0; hour < hours; hour += 1) {
        // The worker starts a job every six minutes.
        for (let job = 1; job <= perHour; job += 1) {
          clock.set(start + hour * HOUR_MS + (job * HOUR_MS) / perHour);
          await maintainAll(queue);
          const [taken] = await reserve(queue, topic, 1);
          if (!taken) continue;
          const dueMs = Number(taken.dueAt);
          const dueIn = Math.ceil((dueMs - start) / HOUR_MS) - 1;
          lateMs[dueIn] = Math.max(lateMs[dueIn] ?? 0, clock.now() - dueMs);
          await queue.ack([taken]);
        }
        const { totals } = await queue.stats({ exact: false });
        waiting.push((totals.ready ?? 0) + (totals.due ?? 0));
      }
      // Within 5 % of the maximum, plus one job, because the model counts in fractions of jobs.
      const [most, latest] = [Math.max(...waiting), Math.max(...lateMs)];
      for (const [hour, step] of steps.entries()) {
        expect(step.backlog, `waiting in hour ${hour}`).to.be.closeTo(waiting[hour] ?? 0, 0.05 * most + 1);
        const job = HOUR_MS / perHour;
        expect(step.lateMs, `late in hour ${hour}`).to.be.closeTo(lateMs[hour] ?? 0, 0.05 * latest + job);
      }
      expect(most).to.be.above(50);
    }).timeout(120_000);
  });
}

import { expect } from 'chai';
import type { JobRecord } from '../../../src/core/job.js';
import type { Queue } from '../../../src/core/queue.js';
import { asSeen } from '../../../src/bulk/acts.js';
import { HOUR_MS, LONG_MS, maintainAll, only, reserve, SECOND_MS, textOf, type World } from '../world.js';

const HOLD = { leaseMs: HOUR_MS, holder: 'operator' };

/** The verbs that act on a job that was seen; each answers whether it has acted. */
const VERBS: Readonly<Record<string, (queue: Queue, seen: JobRecord) => Promise<boolean | undefined>>> = {
  remove: async (queue, seen) =>
    (await queue.removeMany([{ ...asSeen(seen), states: [seen.state] }]))[0]?.removed,
  hold: async (queue, seen) =>
    (await queue.hold([{ ...asSeen(seen), states: ['delayed', 'ready'] }], HOLD))[0]?.held,
  promote: async (queue, seen) => (await queue.promote([asSeen(seen)]))[0]?.promoted,
  reschedule: async (queue, seen) =>
    (await queue.reschedule([{ ...asSeen(seen), delayMs: HOUR_MS }]))[0]?.rescheduled,
  edit: async (queue, seen) => {
    const { body: ifBody, ...reference } = asSeen(seen);
    return (await queue.edit({ ...reference, ifBody, body: 'by the guarded edit' })).edited;
  },
};
const OF_READY_JOBS = ['remove', 'hold', 'edit'];

export function describeGuards(world: () => World): void {
  describe('a job that has changed since it was seen', () => {
    const CHANGES: Readonly<Record<string, (queue: Queue, job: JobRecord) => Promise<unknown>>> = {
      'was edited': (queue, { id }) => queue.edit({ id, body: 'changed' }),
      'has another ready lifetime': (queue, { id }) => queue.edit({ id, ttlMs: HOUR_MS }),
    };
    const OF_DELAYED_JOBS: typeof CHANGES = {
      ...CHANGES,
      'was replaced, with the same due time': (queue, { id, topic = '', dueAt }) =>
        queue.push({ id, topic, body: 'changed', at: dueAt }, { onExisting: 'replace' }),
      'was replaced by a job of another topic': (queue, { id, dueAt, body = '' }) =>
        queue.push({ id, topic: world().name('other'), body, at: dueAt }, { onExisting: 'replace' }),
    };
    for (const state of ['delayed', 'ready'] as const)
      for (const [verb, act] of Object.entries(VERBS)) {
        if (state === 'ready' && !OF_READY_JOBS.includes(verb)) continue;
        for (const [what, change] of Object.entries(state === 'ready' ? CHANGES : OF_DELAYED_JOBS))
          it(`${verb} leaves a ${state} job alone that ${what} since it was seen, and acts on it as it is now`, async () => {
            const { queue, peer, name } = world();
            const id = name('id');
            const delayMs = state === 'ready' ? 0 : LONG_MS;
            await queue.push({ id, topic: name('topic'), body: 'as seen', delayMs });
            await maintainAll(queue);
            const seen = only(await queue.find(id));
            expect(seen.state).to.equal(state);
            await change(peer, seen);
            const changed = only(await queue.find(id));
            expect(await act(queue, seen)).to.be.false;
            expect(only(await queue.find(id))).to.deep.equal(changed);
            expect(await act(queue, changed)).to.be.true;
          });
      }

    it('remove leaves a leased job alone that has other content than the one that was seen', async () => {
      const { queue, clock, name } = world();
      const [id, topic] = [name('id'), name('topic')];
      clock.stop();
      const lease = async (body: string) => {
        const at = new Date(clock.now());
        await queue.push({ id, topic, body, at });
        await maintainAll(queue);
        return only(await reserve(queue, topic));
      };
      const first = await lease('first');
      const seen = only(await queue.find(id));
      await queue.ack([first]);
      await lease('second');
      const guard = { ...asSeen(seen), states: ['leased' as const] };
      expect(await queue.removeMany([guard])).to.deep.equal([{ removed: false, state: 'leased' }]);
      expect(textOf(only(await queue.find(id)))).to.equal('second');
    });

    it('a job with an expiry that is believed, but no body, is compared by what is believed', async () => {
      const { queue, name } = world();
      const id = name('id');
      await queue.push({ id, topic: name('topic'), body: 'b', delayMs: LONG_MS });
      const { expiresAt } = only(await queue.find(id));
      const other = new Date(Number(expiresAt) + SECOND_MS);
      expect((await queue.promote([{ id, expiresAt: other }]))[0]?.promoted).to.be.false;
      expect((await queue.promote([{ id, expiresAt }]))[0]?.promoted).to.be.true;
    });
  });
}

import { expect } from 'chai';
import { LONG_MS, maintainAll, reserve, textOf } from '../../support/jobs.js';
import { useRedis } from '../../support/redis.js';

describe('calls on many jobs in Redis', () => {
  const ground = useRedis({ movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;
  const names = (count: number) => Array.from({ length: count }, (_, i) => `${1000 + i}`);
  const entries = async (topic: string) =>
    (await ground.raw.lrange(key(`ready_queue:${topic}`), 0, -1)).reverse();
  const all = (ids: readonly string[], states: readonly ['ready' | 'delayed']) =>
    ids.map((id) => ({ id, states }));

  /** Adds ready jobs as an original daemon does, without the notes of delayer. */
  async function fillUnnoted(topic: string, ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      await ground.raw.hset(key(`job_bucket:${id}`), 'topic', topic, 'body', id);
      await ground.raw.lpush(key(`ready_queue:${topic}`), id);
    }
  }

  it('with 2100 reservations, a push with onExisting: keep finds the leased ids among many, and pushes the others', async () => {
    const ids = names(2100);
    const queue = ground.queue();
    await queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: id })));
    for (let n = 0; n < ids.length; n += 100) {
      const one = () => queue.reserve({ topics: 'topic', limit: 1, leaseMs: LONG_MS });
      await Promise.all(Array.from({ length: 100 }, one));
    }
    const asked = ['new 1', '1000', 'new 2', '3099', 'new 3'];
    const push = (onExisting: 'keep') =>
      ground.queue().pushMany(
        asked.map((id) => ({ id, topic: 'topic', body: 'again' })),
        { onExisting },
      );
    const outcomes = (await push('keep')).map(({ outcome }) => outcome);
    expect(outcomes).to.deep.equal(['pushed', 'kept', 'pushed', 'kept', 'pushed']);
    const again = (await push('keep')).map(({ outcome }) => outcome);
    expect(again).to.deep.equal(['repeated', 'kept', 'repeated', 'kept', 'repeated']);
    expect((await queue.stats({ exact: true })).totals).to.include({ due: 3, leased: 2100 });
  });

  for (const { what, fill } of [
    {
      what: 'that delayer promoted',
      fill: async (ids: readonly string[]) => {
        const queue = ground.queue();
        await queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: id })));
        await maintainAll(queue);
      },
    },
    { what: 'that an original daemon promoted', fill: (ids: readonly string[]) => fillUnnoted('topic', ids) },
  ])
    it(`a remove takes every second of 3000 ready jobs ${what} out of their list, and keeps the order of the others`, async () => {
      const ids = names(3000);
      await fill(ids);
      const queue = ground.queue();
      const gone = ids.filter((_, i) => i % 2 === 0);
      const results = await queue.removeMany(all(gone, ['ready']));
      expect(results.every(({ removed, state }) => removed && state === 'ready')).to.be.true;
      const kept = ids.filter((_, i) => i % 2 === 1);
      expect((await entries('topic')).filter((id) => id !== '')).to.deep.equal(kept);
      expect(await ground.raw.exists(...gone.map((id) => key(`job_bucket:${id}`)))).to.equal(0);
      expect(textOf(await queue.pop('topic'))).to.equal(kept[0]);
    });

  const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);
  for (const { what, pad, places } of [
    { what: 'the last of them named first', pad: 0, places: [109, ...upTo(109)] },
    { what: 'long ids', pad: 150, places: [10, 90, ...upTo(10)] },
  ])
    for (const verb of ['remove', 'hold'] as const)
      it(`a ${verb} of the head of a long list, with ${what}, loses no job`, async () => {
        const ids = names(2000).map((id) => id.padStart(pad, 'x'));
        const queue = ground.queue();
        await queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: 'b' })));
        await maintainAll(queue);
        const named = places.map((place) => ids[place] ?? '');
        if (verb === 'remove') {
          const results = await queue.removeMany(all(named, ['ready']));
          expect(results.every(({ removed }) => removed)).to.be.true;
        } else {
          const held = await queue.hold(all(named, ['ready']), { leaseMs: LONG_MS, holder: 'operator' });
          const leases = held.flatMap(({ lease }) => lease ?? []);
          expect(await queue.release(leases)).to.deep.equal(named.map(() => true));
        }
        const left = verb === 'hold' ? ids : ids.filter((id) => !named.includes(id));
        expect((await entries('topic')).filter((id) => id !== '')).to.deep.equal(left);
      });

  it('a remove of the head of a long list also takes out the second entries that another daemon left', async () => {
    const ids = names(1500);
    await fillUnnoted('topic', [...ids.slice(0, 50), ...ids]);
    const queue = ground.queue();
    await queue.removeMany(all(ids.slice(0, 1000), ['ready']));
    expect(await entries('topic')).to.deep.equal(ids.slice(1000));
  });

  it('a remove deletes an id that is given twice once, and leaves other jobs alone', async () => {
    const queue = ground.queue();
    const ids = names(20);
    await queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: id, delayMs: LONG_MS })));
    const asked = [...ids.slice(0, 10), ...ids.slice(0, 10), 'none'];
    const results = await queue.removeMany([...all(asked, ['delayed']), ...all(ids.slice(10), ['ready'])]);
    expect(results.map(({ removed }) => removed)).to.deep.equal([
      ...Array.from({ length: 10 }, () => true),
      ...Array.from({ length: 21 }, () => false),
    ]);
    expect(results.slice(21).every(({ state }) => state === 'delayed')).to.be.true;
    expect(await ground.raw.zcard(key('job_pool'))).to.equal(10);
  });

  it('a remove or reschedule takes the entry of a delayed job out of a ready list', async () => {
    const queue = ground.queue();
    const ids = names(20);
    await queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: id, delayMs: LONG_MS })));
    await ground.raw.lpush(key('ready_queue:topic'), ...ids, 'other');
    await queue.removeMany(ids.slice(0, 10));
    const moved = await queue.reschedule(ids.slice(10).map((id) => ({ id, byMs: 1000 })));
    expect(moved.every(({ rescheduled }) => rescheduled)).to.be.true;
    expect(await entries('topic')).to.deep.equal(['other']);
  });

  it('a promote of 600 jobs of seven topics puts them before the ready ones, in order of due time', async () => {
    const queue = ground.queue();
    const ids = names(600);
    const topicOf = (i: number) => `topic-${i % 7}`;
    await queue.pushMany(ids.map((id, i) => ({ id, topic: topicOf(i), body: id, delayMs: LONG_MS + i })));
    await queue.push({ id: 'first', topic: 'topic-0', body: 'b' });
    await maintainAll(queue);
    const results = await queue.promote([...ids].reverse());
    expect(results.every(({ promoted }) => promoted)).to.be.true;
    for (let topic = 0; topic < 7; topic += 1) {
      const wanted = ids.filter((_, i) => i % 7 === topic);
      expect(await entries(`topic-${topic}`)).to.deep.equal(topic === 0 ? [...wanted, 'first'] : wanted);
    }
    expect(await ground.raw.zcard(key('job_pool'))).to.equal(0);
  });

  it('a reschedule of 150 jobs puts them behind those that are due at the same times, in the order given', async () => {
    const queue = ground.queue();
    const at = new Date((await queue.now()).getTime() + LONG_MS);
    const ids = names(300);
    await queue.pushMany(
      ids.map((id, i) => ({ id, topic: 'topic', body: id, at: new Date(at.getTime() + (i % 3)) })),
    );
    const [there, moved] = [ids.slice(0, 150), ids.slice(150)];
    await queue.reschedule(moved.map((id, i) => ({ id, at: new Date(at.getTime() + (i % 3)) })));
    const order = await ground.raw.zrange(key('job_pool'), '0', '-1');
    const due = (which: readonly string[], ms: number) => which.filter((_, i) => i % 3 === ms);
    expect(order).to.deep.equal([0, 1, 2].flatMap((ms) => [...due(there, ms), ...due(moved, ms)]));
  });

  for (const act of ['nack', 'requeue'] as const)
    it(`a ${act} of 300 jobs with a delay leaves no second entry of them in a list of 3000, by which they would be delivered early`, async () => {
      const ids = names(1500);
      const queue = ground.queue();
      await queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: id })));
      await maintainAll(queue);
      // A daemon of the original kind that had looked before moves them as well, in another order.
      await ground.raw.lpush(key('ready_queue:topic'), ...ids.toReversed());
      const jobs = await reserve(queue, 'topic', 300, LONG_MS);
      const failed = jobs.map(({ id }) => textOf({ body: id }) ?? '');
      expect(failed).to.have.length(300);
      if (act === 'nack') {
        const results = await queue.nack(jobs, { delayMs: LONG_MS });
        expect(results.map(({ outcome }) => outcome)).to.deep.equal(failed.map(() => 'retried'));
      } else {
        await queue.nack(jobs, { dead: true });
        expect(await queue.requeue(failed, { delayMs: LONG_MS })).to.deep.equal(failed.map(() => 'requeued'));
      }
      const left = new Set(await entries('topic'));
      expect(failed.filter((id) => left.has(id))).to.deep.equal([]);
    });

  /** How a daemon of the original kind that had looked before moves the first jobs of a list as well, in their order. */
  const REPEATS: Readonly<Record<string, { readonly count: number; readonly taken: number }>> = {
    'all of them': { count: 1500, taken: 0 },
    'the last 40 of them, while original clients take as many': { count: 40, taken: 40 },
    'the last 300 of them, while original clients take some': { count: 300, taken: 200 },
  };
  for (const [what, { count, taken }] of Object.entries(REPEATS))
    for (const act of count === 1500 ? (['pop', 'nack', 'remove'] as const) : (['remove'] as const))
      it(`a daemon that repeats a promotion of delayer, ${what}, leaves no entry by which a job is early after a ${act}`, async () => {
        const ids = names(1500);
        const queue = ground.queue();
        await queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: id })));
        await maintainAll(queue);
        for (const id of ids.slice(-count)) await ground.raw.lpush(key('ready_queue:topic'), id);
        for (let i = 0; i < taken; i += 1) await ground.raw.rpop(key('ready_queue:topic'));
        const id = (act === 'remove' ? ids.at(-1) : ids[0]) ?? '';
        if (act === 'remove') await queue.removeMany(all(ids.slice(-40), ['ready']));
        if (act === 'pop') expect(textOf(await queue.pop('topic'))).to.equal(id);
        if (act === 'nack') await queue.nack(await reserve(queue, 'topic'), { delayMs: LONG_MS });
        else await queue.push({ id, topic: 'topic', body: 'again', delayMs: LONG_MS });
        expect((await queue.find(id)).map(({ state }) => state)).to.deep.equal(['delayed']);
        expect(await entries('topic')).to.not.include(id);
      });
});

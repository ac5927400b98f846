import { expect } from 'chai';
import { LONG_MS, maintainAll, textOf } from '../../support/jobs.js';
import { useRedis } from '../../support/redis.js';

describe('many jobs that are acted on at once in Redis', () => {
  const ground = useRedis({ movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;
  const names = (count: number) => Array.from({ length: count }, (_, i) => `${1000 + i}`);
  const entries = async (topic: string) =>
    (await ground.raw.lrange(key(`ready_queue:${topic}`), 0, -1)).reverse();
  const all = (ids: readonly string[], states: readonly ['ready' | 'delayed']) =>
    ids.map((id) => ({ id, states }));

  /** Entries as an original daemon leaves them: delayer has no note of any. */
  async function fillUnnoted(topic: string, ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      await ground.raw.hset(key(`job_bucket:${id}`), 'topic', topic, 'body', id);
      await ground.raw.lpush(key(`ready_queue:${topic}`), id);
    }
  }

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
    it(`of ready jobs ${what}, every second is removed from a long list, and the others stay in their order`, async () => {
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

  it('the head of a long list is removed, and with it the second entries that another daemon has left', async () => {
    const ids = names(1500);
    await fillUnnoted('topic', [...ids.slice(0, 50), ...ids]);
    const queue = ground.queue();
    await queue.removeMany(all(ids.slice(0, 1000), ['ready']));
    expect(await entries('topic')).to.deep.equal(ids.slice(1000));
  });

  it('a job is removed once where it is named twice, and what is not meant is left alone', async () => {
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

  it('a delayed job that stands in a short list of another daemon as well leaves it when it is removed or moved', async () => {
    const queue = ground.queue();
    const ids = names(20);
    await queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: id, delayMs: LONG_MS })));
    await ground.raw.lpush(key('ready_queue:topic'), ...ids, 'other');
    await queue.removeMany(ids.slice(0, 10));
    const moved = await queue.reschedule(ids.slice(10).map((id) => ({ id, byMs: 1000 })));
    expect(moved.every(({ rescheduled }) => rescheduled)).to.be.true;
    expect(await entries('topic')).to.deep.equal(['other']);
  });

  it('jobs of many topics are promoted before those that are ready, in the order in which they were due', async () => {
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

  it('jobs that are moved to times of others stand behind these, in the order in which they were given', async () => {
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
});

import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import { idsOf, drain, LONG_MS, maintainAll, must, SECOND_MS, textOf } from '../../support/jobs.js';
import { useRedis } from '../../support/redis.js';
import { eventually } from '../../support/eventually.js';
import { maintainOnce } from '../../../src/daemon/promoter.js';
import { Keys } from '../../../src/storage/redis/keys.js';
import { lookAtBodies } from '../../../src/storage/redis/scripts/maintain.js';
import { OriginalClient, OriginalDaemon } from '../../interop/original.js';

const TTL_MS = 2 * SECOND_MS;

describe('clearing of the keyspace by maintain on Redis', () => {
  const ground = useRedis({ movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;
  const many = (count: number, stem: string, ttlMs: number, topic = 'topic') =>
    Array.from({ length: count }, (_, i) => ({ id: `${stem}-${i}`, topic, body: 'b', ttlMs }));
  const original = () => new OriginalClient(ground.raw, ground.prefix);
  const expire = () => {
    ground.clock.advance(TTL_MS + SECOND_MS);
  };

  /**
   * Maintains until there is no more to do; returns how many expired jobs were counted. A new queue looks for
   * leftovers at once, and then at most every second.
   */
  async function clear(): Promise<number> {
    const queue = ground.queue();
    let expired = 0;
    for (;;) {
      const step = await queue.maintain();
      expired += step.expired;
      if (!step.more) return expired;
    }
  }

  it('clears 5000 expired jobs out of a ready list, counts them, and leaves no key', async () => {
    const queue = ground.queue();
    await queue.pushMany(many(5000, 'short', TTL_MS));
    await maintainAll(queue);
    expire();
    expect(await clear()).to.equal(5000);
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('clears expired jobs from between live ones, whose order is kept', async () => {
    const queue = ground.queue();
    const pushed: string[] = [];
    for (let round = 0; round < 8; round += 1) {
      await queue.pushMany(many(round % 2 === 0 ? 300 : 40, `short-${round}`, TTL_MS));
      await maintainAll(queue);
      const jobs = many(200, `long-${round}`, LONG_MS);
      await queue.pushMany(jobs);
      await maintainAll(queue);
      pushed.push(...jobs.map(({ id }) => id));
    }
    expire();
    expect(await clear()).to.equal(4 * 340);
    expect(await ground.raw.llen(key('ready_queue:topic'))).to.equal(8 * 200);
    expect(await ground.raw.hlen(key('ready_due'))).to.equal(8 * 200);
    expect(idsOf(await drain(queue, 'topic', 500))).to.deep.equal(pushed);
    expect(await queue.pop('topic')).to.be.undefined;
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('clears expired jobs that an original daemon made ready, in every topic', async () => {
    const queue = ground.queue();
    for (const topic of ['a', 'b', 'c']) await ground.raw.lpush(key(`ready_queue:${topic}`), '1', '2', '3');
    let expired = 0;
    for (let step = 0; step < 20; step += 1) expired += (await queue.maintain()).expired;
    expect(expired).to.equal(9);
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('takes out second entries of ready jobs, and entries of delayed jobs', async () => {
    const queue = ground.queue();
    await queue.pushMany(many(3, 'ready', LONG_MS));
    await maintainAll(queue);
    await queue.push({ id: 'delayed', topic: 'topic', body: 'b', delayMs: LONG_MS });
    await ground.raw.lpush(key('ready_queue:topic'), 'ready-1', 'delayed', 'ready-0');
    const daemon = ground.queue();
    for (let step = 0; step < 10; step += 1) await daemon.maintain();
    expect(await ground.raw.lrange(key('ready_queue:topic'), '0', '-1')).to.deep.equal([
      'ready-2',
      'ready-1',
      'ready-0',
    ]);
  });

  it('takes out second entries that are far from the first ones, and keeps the order', async () => {
    const ids = Array.from({ length: 3000 }, (_, i) => `far-${i}`);
    const pipeline = ground.raw.pipeline();
    for (const id of ids) pipeline.hset(key(`job_bucket:${id}`), { topic: 'topic', body: 'b' });
    await pipeline.exec();
    // As two original daemons do that see the same due jobs.
    for (let daemon = 0; daemon < 2; daemon += 1) await ground.raw.lpush(key('ready_queue:topic'), ...ids);
    await maintainOnce(ground.queue(), { signal: new AbortController().signal, onEvent: () => undefined });
    expect(await ground.raw.lrange(key('ready_queue:topic'), 0, -1)).to.deep.equal(ids.reverse());
    await ground.raw.flushdb();
  });

  it('takes no entry for a second one because others were added before it meanwhile', async () => {
    const add = async (count: number, stem: string) => {
      const ids = Array.from({ length: count }, (_, i) => `${stem}-${i}`);
      const pipeline = ground.raw.pipeline();
      for (const id of ids) pipeline.hset(key(`job_bucket:${id}`), { topic: 'topic', body: 'b' });
      await pipeline.lpush(key('ready_queue:topic'), ...ids).exec();
    };
    await add(3000, 'first');
    await ground.raw.config('RESETSTAT');
    const daemon = ground.queue();
    for (let step = 0; step < 12; step += 1) {
      await daemon.maintain({ isThorough: true });
      await add(3, `step-${step}`);
    }
    expect(await ground.raw.info('commandstats')).to.not.include('cmdstat_lpos');
    // Maintenance in other tests goes through all keys.
    await ground.raw.flushdb();
  });

  it('keeps an entry of a job of another topic only if it is the only one of that job', async () => {
    const queue = ground.queue();
    await queue.pushMany([{ id: 'both', topic: 'topic', body: 'b' }]);
    await maintainAll(queue);
    await ground.raw.hset(key('job_bucket:only'), { topic: 'topic', body: 'b' });
    await ground.raw.lpush(key('ready_queue:other'), 'only', 'both', 'only', 'gone');
    await maintainOnce(ground.queue(), { signal: new AbortController().signal, onEvent: () => undefined });
    expect(await ground.raw.lrange(key('ready_queue:other'), 0, -1)).to.deep.equal(['only']);
    expect(await ground.raw.lrange(key('ready_queue:topic'), 0, -1)).to.deep.equal(['both']);
  });

  it('clears the lists of all topics in a single run', async () => {
    const queue = ground.queue();
    const topics = ['a', 'b', 'c', 'd'];
    for (const topic of topics) await queue.pushMany(many(30, topic, TTL_MS, topic));
    await maintainAll(queue);
    expire();
    await maintainOnce(ground.queue(), { signal: new AbortController().signal, onEvent: () => undefined });
    expect(await ground.raw.keys(key('ready_queue:*'))).to.be.empty;
    expect(await ground.raw.keys(key('ready_due'))).to.be.empty;
  });

  it('counts by kind what it clears', async () => {
    const queue = ground.queue();
    await queue.pushMany(many(3, 'ready', TTL_MS));
    await maintainAll(queue);
    await queue.push({ id: 'delayed', topic: 'topic', body: 'b', delayMs: SECOND_MS });
    await ground.raw.del(key('job_bucket:delayed'));
    expire();
    const daemon = ground.queue();
    const found: Record<string, number> = {};
    for (let more = true; more;) {
      const step = await daemon.maintain();
      for (const [kind, count] of Object.entries(step.repairs ?? {}))
        found[kind] = (found[kind] ?? 0) + count;
      ({ more } = step);
    }
    expect(found).to.include({ delayed_ids: 1, ready_entries: 3, bodies: 0 });
  });

  describe('a body that no key names', () => {
    // All keys are gone through twice before it counts as such.
    beforeEach(() => ground.raw.flushdb());

    /** Maintains until unnamed bodies are found or removed; returns how many. */
    async function look(queue: Queue, params: { repairs?: boolean; graceMs?: number }) {
      let [unnamed, removed] = [0, 0];
      await eventually(async () => {
        const { unnamedBodies = 0, repairs } = await queue.maintain(params);
        [unnamed, removed] = [unnamedBodies, removed + (repairs?.bodies ?? 0)];
        return unnamed > 0 || removed > 0;
      });
      return { unnamed, removed };
    }
    const bodies = async () => (await ground.raw.keys(key('job_bucket:*'))).length;
    /** Leaves the body of a job as an original client does that dies between RPOP and DEL. */
    const leave = async (queue: Queue) => {
      await queue.push({ id: 'left', topic: 'topic', body: 'b', ttlMs: LONG_MS });
      await maintainAll(queue);
      await ground.raw.rpop(key('ready_queue:topic'));
    };

    it('is counted, and kept by default', async () => {
      const queue = ground.queue();
      await leave(queue);
      expect(await look(ground.queue(), { graceMs: 0 })).to.deep.equal({ unnamed: 1, removed: 0 });
      expect(await bodies()).to.equal(1);
    });

    it('is removed with its note if repairs are on, and no other body is', async () => {
      const queue = ground.queue();
      await leave(queue);
      await queue.push({ id: 'delayed', topic: 'topic', body: 'b', delayMs: LONG_MS });
      await queue.push({ id: 'ready', topic: 'topic', body: 'b', ttlMs: LONG_MS });
      await maintainAll(queue);
      await original().push('promoted', 'other', 'b', 0);
      await new OriginalDaemon(ground.raw, ground.prefix).tick();
      expect(await look(ground.queue(), { repairs: true, graceMs: 0 })).to.deep.equal({
        unnamed: 0,
        removed: 1,
      });
      expect(await bodies()).to.equal(3);
      expect(await ground.raw.hkeys(key('ready_due'))).to.deep.equal(['ready']);
    });

    it('is kept until it was unnamed for minutes, and while a list is too long to be searched', async () => {
      const queue = ground.queue();
      await leave(queue);
      const daemon = ground.queue();
      for (let step = 0; step < 3; step += 1)
        expect((await daemon.maintain({ repairs: true })).repairs?.bodies ?? 0).to.equal(0);
      await ground.raw.lpush(
        key('ready_queue:topic'),
        ...Array.from({ length: 6000 }, (_, i) => `other-${i}`),
      );
      const target = { redis: ground.raw, keys: new Keys(ground.prefix) };
      expect(await lookAtBodies(target, [{ id: Buffer.from('left'), expiry: 'any' }], true)).to.be.empty;
      expect(await bodies()).to.equal(1);
    });

    it('is kept if a daemon of the original kind has put its id into the list of another topic', async () => {
      const queue = ground.queue();
      await queue.push({ id: 'left', topic: 'topic', body: 'b', ttlMs: LONG_MS });
      await maintainAll(queue);
      await ground.raw.rpoplpush(key('ready_queue:topic'), key('ready_queue:other'));
      const daemon = ground.queue();
      // An original client has left this one: when it is removed, the first one would have been removed as well.
      await queue.push({ id: 'gone', topic: 'topic', body: 'b', ttlMs: LONG_MS });
      await maintainAll(queue);
      await ground.raw.rpop(key('ready_queue:topic'));
      expect(await look(daemon, { repairs: true, graceMs: 0 })).to.deep.equal({ unnamed: 0, removed: 1 });
      expect(await ground.raw.keys(key('job_bucket:*'))).to.deep.equal([key('job_bucket:left')]);
    });

    it('is kept if its id was pushed again meanwhile and an original client has just popped it', async () => {
      await leave(ground.queue());
      const target = { redis: ground.raw, keys: new Keys(ground.prefix) };
      const seen = await lookAtBodies(target, [{ id: Buffer.from('left'), expiry: 'any' }], false);
      expect(seen).to.have.length(1);
      await ground.raw.del(key('job_bucket:left'));
      ground.clock.advance(SECOND_MS);
      await leave(ground.queue());
      expect(await lookAtBodies(target, seen, true)).to.be.empty;
      expect(await bodies()).to.equal(1);
    });
  });

  it('counts the expired jobs that it cleared while it had other work', async () => {
    const queue = ground.queue();
    await queue.pushMany(many(2000, 'short', TTL_MS, 'other'));
    await maintainAll(queue);
    expire();
    await queue.pushMany(many(6000, 'long', LONG_MS));
    expect(await clear()).to.equal(2000);
    expect(await ground.raw.llen(key('ready_queue:topic'))).to.equal(6000);
  });

  it('notes of jobs that original clients popped are cleared by the next empty pop', async () => {
    const queue = ground.queue();
    await queue.pushMany(many(300, 'popped', LONG_MS));
    await maintainAll(queue);
    const popped = await ground.raw.rpop(key('ready_queue:topic'), 300);
    await ground.raw.del(...must(popped ?? undefined).map((id) => key(`job_bucket:${id}`)));
    const consumer = ground.queue();
    expect(await consumer.pop('topic')).to.be.undefined;
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('deletes pauses that are over, of topics that no one pops from as well', async () => {
    const queue = ground.queue();
    await queue.pause(['over', 'lasting'], { forMs: TTL_MS });
    await queue.pause('lasting');
    expire();
    await clear();
    expect(await ground.raw.hkeys(key('paused'))).to.deep.equal(['lasting']);
  });

  describe('with a key of a wrong type in place of a ready body', () => {
    async function setAside(queue: Queue): Promise<void> {
      await queue.pushMany(['1', '2', '3'].map((id) => ({ id, topic: 'topic', body: id, ttlMs: LONG_MS })));
      await maintainAll(queue);
      await ground.raw.del(key('job_bucket:1'));
      await ground.raw.set(key('job_bucket:1'), 'a string');
      expect(textOf(await queue.pop('topic'))).to.equal('2');
    }

    it('sets the job aside, delivers the others, and makes it ready again when it has a body', async () => {
      const queue = ground.queue();
      await setAside(queue);
      expect(await ground.raw.hkeys(key('set_aside'))).to.deep.equal(['1']);
      await clear();
      expect(await ground.raw.hkeys(key('set_aside'))).to.deep.equal(['1']);
      await ground.raw.del(key('job_bucket:1'));
      await ground.raw.hset(key('job_bucket:1'), { topic: 'topic', body: 'mended' });
      await clear();
      expect(textOf(await queue.pop('topic'))).to.equal('mended');
      expect(textOf(await queue.pop('topic'))).to.equal('3');
    });

    it('deletes the job when that key is deleted', async () => {
      const queue = ground.queue();
      await setAside(queue);
      await ground.raw.del(key('job_bucket:1'));
      expect(textOf(await queue.pop('topic'))).to.equal('3');
      await clear();
      expect(await ground.raw.keys(key('*'))).to.be.empty;
    });
  });
});

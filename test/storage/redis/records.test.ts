import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import { failureOf } from '../../support/eventually.js';
import {
  idsOf,
  LONG_MS,
  maintainAll,
  MINUTE_MS,
  must,
  only,
  reserve,
  RETRY_MS,
  SECOND_MS,
  textOf,
} from '../../support/jobs.js';
import { useRedis } from '../../support/redis.js';

/** Lua that sets the version of a packed record to 4. */
const OF_VERSION_4 = 'local r = cmsgpack.unpack(packed) r[1] = 4 packed = cmsgpack.pack(r)';

describe('a record of version 4 in Redis', () => {
  const ground = useRedis({ movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;
  const job = { id: '1', topic: 'topic', body: 'b' };

  /** Dumps all keys of the prefix, to compare. */
  async function dump(): Promise<Record<string, string>> {
    const keys = (await ground.raw.keys(key('*'))).sort();
    const dumps = keys.map(async (name) => {
      const bytes = (await ground.raw.callBuffer('DUMP', name)) as Buffer;
      return [name, bytes.toString('base64')] as const;
    });
    return Object.fromEntries(await Promise.all(dumps));
  }

  const outdateString = (name: string) =>
    ground.raw.eval(
      `local packed = redis.call('GET', KEYS[1]) ${OF_VERSION_4} redis.call('SET', KEYS[1], packed)`,
      1,
      name,
    );
  const outdateList = (name: string) =>
    ground.raw.eval(
      `local packed = redis.call('LINDEX', KEYS[1], 0) ${OF_VERSION_4} redis.call('LSET', KEYS[1], 0, packed)`,
      1,
      name,
    );
  const outdateField = (name: string, field: string) =>
    ground.raw.eval(
      `local packed = redis.call('HGET', KEYS[1], ARGV[1]) ${OF_VERSION_4} redis.call('HSET', KEYS[1], ARGV[1], packed)`,
      1,
      name,
      field,
    );

  /** Expects that each call fails with the key and the version, and changes nothing. */
  async function allRefuse(name: string, calls: Readonly<Record<string, () => Promise<unknown>>>) {
    const before = await dump();
    for (const [what, call] of Object.entries(calls)) {
      const error = await failureOf(call());
      expect(error, what).to.include({ code: 'store_too_new', exitCode: 69 });
      expect(error.message, what).to.contain(`"${name}"`).and.contain('version 4').and.contain('supports 3');
      expect(await dump(), what).to.deep.equal(before);
    }
  }

  it('of a reservation is refused by each call that reads it', async () => {
    const queue = ground.queue();
    await queue.pushMany([job, { ...job, id: '2' }]);
    const jobs = await reserve(queue, 'topic', 2, SECOND_MS);
    const name = only(await ground.raw.keys(key('inflight:*')));
    await outdateString(name);
    await allRefuse(name, {
      'ack of all': () => queue.ack(jobs),
      'ack of one': () => queue.ack(jobs.slice(0, 1)),
      nack: () => queue.nack(jobs, { delayMs: 0 }),
      'nack as dead': () => queue.nack(jobs, { dead: true }),
      release: () => queue.release(jobs),
      'release of one': () => queue.release(jobs.slice(1)),
      extend: () => queue.extend(jobs, LONG_MS),
      find: () => queue.find('1'),
      'list of leased jobs': () => queue.list('topic', { states: ['leased'] }),
      stats: () => queue.stats(),
      'remove in any state': () => queue.removeMany(['1'], { states: 'any' }),
    });
    ground.clock.advance(RETRY_MS);
    await allRefuse(name, {
      maintain: () => queue.maintain(),
      pop: () => queue.pop('topic'),
      reserve: () => queue.reserve({ topics: 'topic', limit: 1, leaseMs: LONG_MS }),
    });
  });

  it('of a lease that was extended alone is refused by calls on that lease', async () => {
    const queue = ground.queue();
    await queue.pushMany([job, { ...job, id: '2' }]);
    const jobs = await reserve(queue, 'topic', 2);
    const others = await ground.raw.keys(key('inflight:*'));
    await queue.extend(jobs.slice(0, 1), 2 * LONG_MS);
    const name = only((await ground.raw.keys(key('inflight:*'))).filter((one) => !others.includes(one)));
    await outdateString(name);
    await allRefuse(name, {
      'ack of all': () => queue.ack(jobs),
      ack: () => queue.ack(jobs.slice(0, 1)),
      release: () => queue.release(jobs.slice(0, 1)),
      extend: () => queue.extend(jobs.slice(0, 1), LONG_MS),
    });
    expect(await queue.ack(jobs.slice(1))).to.deep.equal([true]);
  });

  it('of a job that waits for a duplicate is refused by each call that reads it', async () => {
    const queue = ground.queue();
    await queue.push(job);
    const jobs = await reserve(queue, 'topic');
    await queue.push({ ...job, body: 'duplicate', delayMs: LONG_MS });
    await queue.release(jobs);
    await outdateList(key('waiting:1'));
    await allRefuse(key('waiting:1'), {
      find: () => queue.find('1'),
      'list of delayed jobs': () => queue.list('topic', { states: ['delayed'] }),
      stats: () => queue.stats(),
      remove: () => queue.remove('1'),
    });
    ground.clock.advance(RETRY_MS);
    await allRefuse(key('waiting:1'), {
      maintain: () => queue.maintain(),
      pop: () => queue.pop('topic'),
    });
  });

  it('of a dead letter is refused by each call that reads it', async () => {
    const queue = ground.queue();
    await queue.push(job);
    await queue.nack(await reserve(queue, 'topic'), { dead: true, deadTtlMs: SECOND_MS });
    await outdateList(key('dead_letter:1'));
    await allRefuse(key('dead_letter:1'), {
      find: () => queue.find('1'),
      'list of dead letters': () => queue.list('topic', { states: ['dead'] }),
      stats: () => queue.stats(),
      requeue: () => queue.requeue(['1']),
    });
    ground.clock.advance(RETRY_MS);
    await allRefuse(key('dead_letter:1'), { maintain: () => queue.maintain() });
  });

  it('in a note of a ready job is refused by each call that reads it', async () => {
    const queue = ground.queue();
    await queue.push(job);
    await maintainAll(queue);
    const note = must((await ground.raw.hget(key('ready_due'), '1')) ?? undefined);
    await ground.raw.hset(key('ready_due'), '1', note.replace(/^3 /, '4 '));
    await allRefuse(key('ready_due'), {
      pop: () => queue.pop('topic'),
      reserve: () => queue.reserve({ topics: 'topic', limit: 1, leaseMs: LONG_MS }),
      find: () => queue.find('1'),
      list: () => queue.list('topic'),
      'push of the same id': () => queue.push(job),
    });
  });

  it('in the bucket of a job is refused by each call that reads it', async () => {
    const queue = ground.queue();
    await queue.push(job);
    await queue.nack(await reserve(queue, 'topic'), { delayMs: 0 });
    await maintainAll(queue);
    await outdateField(key('job_bucket:1'), 'delayer');
    await allRefuse(key('job_bucket:1'), {
      pop: () => queue.pop('topic'),
      reserve: () => queue.reserve({ topics: 'topic', limit: 1, leaseMs: LONG_MS }),
      find: () => queue.find('1'),
      list: () => queue.list('topic'),
    });
    await queue.push({ ...job, id: '2', topic: 'other' });
    expect(textOf(await queue.pop('other'))).to.equal('b');
  });
});

describe('the memo in the bucket of a job that came back', () => {
  const ground = useRedis({ movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;
  const TTL_MS = 10 * MINUTE_MS;
  const job = { id: '1', topic: 'topic', body: 'b', ttlMs: TTL_MS };

  /** Pushes as an original client does, due now, with a ready lifetime of `ttl` seconds. */
  async function originalPush({ topic = 'topic', body = 'b', ttl = 600 } = {}): Promise<void> {
    const seconds = Math.floor(ground.clock.now() / 1000);
    await ground.raw
      .multi()
      .hmset(key('job_bucket:1'), 'topic', topic, 'body', body)
      .expire(key('job_bucket:1'), ttl)
      .zadd(key('job_pool'), seconds, '1')
      .exec();
  }

  /** Pushes a job that fails twice and is then delayed. */
  async function pushRetried(queue: Queue): Promise<void> {
    await queue.push(job);
    await queue.nack(await reserve(queue, 'topic'), { delayMs: 0 });
    await queue.nack(await reserve(queue, 'topic'), { delayMs: MINUTE_MS });
    expect(only(await queue.find('1'))).to.include({ attempts: 2, state: 'delayed' });
    expect(await ground.raw.hexists(key('job_bucket:1'), 'delayer')).to.equal(1);
  }

  for (const [what, over] of [
    ['with another body', { body: 'new' }],
    ['with another topic', { topic: 'other' }],
    ['with the same content and another lifetime', { ttl: 3600 }],
    ['with the same content, a minute later', {}],
  ] as const) {
    it(`is not inherited by a job that an original client pushes over it ${what}`, async () => {
      const queue = ground.queue();
      await pushRetried(queue);
      if (what.includes('later')) ground.clock.advance(MINUTE_MS / 2);
      await originalPush(over);
      expect(only(await queue.find('1')).attempts).to.equal(0);
      const { topic = 'topic', body = 'b' } = over as { topic?: string; body?: string };
      const listed = await queue.list(topic, { states: ['due'] });
      expect(only(listed.jobs).attempts).to.equal(0);
      const [got] = await reserve(queue, topic);
      expect(got).to.include({ attempts: 1 });
      expect(textOf(got)).to.equal(body);
    });
  }

  it('is not inherited by a job that an original client pushes over it with the same expiry and another body', async () => {
    const queue = ground.queue();
    await pushRetried(queue);
    const expiresAt = must(only(await queue.find('1')).expiresAt).getTime();
    await originalPush({ body: 'new' });
    await ground.raw.pexpireat(key('job_bucket:1'), expiresAt);
    expect(only(await reserve(queue, 'topic'))).to.include({ attempts: 1 });
  });

  it('is not inherited by a job that an original client pushes over a ready one', async () => {
    const queue = ground.queue();
    await queue.push(job);
    await queue.nack(await reserve(queue, 'topic'), { delayMs: 0 });
    await maintainAll(queue);
    await originalPush({ body: 'new' });
    expect(only(await reserve(queue, 'topic'))).to.include({ attempts: 1 });
  });

  it('is not inherited by a replacing job, nor by one that is pushed after an ack', async () => {
    const queue = ground.queue();
    await pushRetried(queue);
    await queue.push({ ...job, body: 'new' }, { onExisting: 'replace' });
    expect(await ground.raw.hexists(key('job_bucket:1'), 'delayer')).to.equal(0);
    const jobs = await reserve(queue, 'topic');
    expect(only(jobs)).to.include({ attempts: 1 });
    await queue.ack(jobs);
    await queue.push(job);
    expect(only(await reserve(queue, 'topic'))).to.include({ attempts: 1 });
  });

  it('is ignored if it cannot be read', async () => {
    const queue = ground.queue();
    await queue.push(job);
    for (const garbage of ['', 'garbage', '\x90', '\xc0', '5']) {
      await ground.raw.hset(key('job_bucket:1'), 'delayer', garbage);
      expect(only(await queue.find('1')).attempts, JSON.stringify(garbage)).to.equal(0);
    }
    expect(await queue.pop('topic')).to.include({ attempts: 1 });
  });

  it('keeps the attempts over several releases and ended leases', async () => {
    const queue = ground.queue();
    await queue.push(job);
    const attempts = async (end: 'release' | 'reclaim' | 'nack'): Promise<number> => {
      const jobs = await reserve(queue, 'topic', 1, SECOND_MS);
      if (end === 'release') await queue.release(jobs);
      if (end === 'nack') await queue.nack(jobs, { delayMs: 0 });
      if (end === 'reclaim') ground.clock.advance(2 * SECOND_MS);
      await maintainAll(queue);
      return only(jobs).attempts;
    };
    const seen = [];
    for (const end of [
      'release',
      'reclaim',
      'release',
      'release',
      'nack',
      'release',
      'reclaim',
      'reclaim',
      'release',
    ] as const) {
      seen.push(await attempts(end));
    }
    expect(seen).to.deep.equal([1, 1, 2, 2, 2, 3, 3, 4, 5]);
    expect(await queue.pop('topic')).to.include({ attempts: 5 });
  });

  it('keeps the rest of the ready lifetime over several releases and ended leases', async () => {
    const queue = ground.queue();
    ground.clock.stop();
    const begin = ground.clock.now();
    await queue.push(job);
    await maintainAll(queue);
    for (let i = 0; i < 3; i += 1) {
      ground.clock.advance(MINUTE_MS);
      const jobs = await reserve(queue, 'topic', 1, LONG_MS);
      ground.clock.advance(LONG_MS);
      if (i % 2 === 0) await queue.release(jobs);
      else await maintainAll(queue);
    }
    const expiresAt = new Date(begin + 3 * LONG_MS + TTL_MS);
    expect(only(await queue.find('1'))).to.deep.include({ state: 'ready', expiresAt });
    ground.clock.set(expiresAt.getTime() - 1);
    // A retry has the whole ready lifetime, however long the job was leased before.
    await queue.nack(await reserve(queue, 'topic'), { delayMs: MINUTE_MS });
    expect(only(await queue.find('1')).expiresAt).to.deep.equal(
      new Date(ground.clock.now() + MINUTE_MS + TTL_MS),
    );
  });

  it('keeps the attempts of a job that waits for a duplicate', async () => {
    const queue = ground.queue();
    await queue.push(job);
    await queue.nack(await reserve(queue, 'topic'), { delayMs: 0 });
    const jobs = await reserve(queue, 'topic');
    await queue.push({ ...job, body: 'duplicate', delayMs: LONG_MS });
    await queue.nack(jobs, { delayMs: 0 });
    expect((await queue.find('1')).map(({ attempts }) => attempts)).to.deep.equal([0, 2]);
    // An original client removes the duplicate.
    await ground.raw.zrem(key('job_pool'), '1');
    await ground.raw.del(key('job_bucket:1'));
    ground.clock.advance(RETRY_MS);
    expect(await queue.pop('topic')).to.include({ attempts: 3 });
  });

  it('keeps the attempts of a job that an original daemon makes ready', async () => {
    const queue = ground.queue();
    await queue.push(job);
    await queue.nack(await reserve(queue, 'topic'), { delayMs: 0 });
    await ground.raw.zrem(key('job_pool'), '1');
    await ground.raw.lpush(key('ready_queue:topic'), '1');
    expect(await queue.pop('topic')).to.include({ attempts: 2 });
    expect(idsOf((await queue.list('topic')).jobs)).to.be.empty;
  });

  it('leaves the fields topic and body of original clients unchanged', async () => {
    const queue = ground.queue();
    await pushRetried(queue);
    expect(await ground.raw.hmget(key('job_bucket:1'), 'topic', 'body')).to.deep.equal(['topic', 'b']);
  });
});

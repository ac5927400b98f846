import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import { LOCK_MS } from '../../../src/core/lease.js';
import { failureOf } from '../../support/eventually.js';
import {
  idsOf,
  jobsOf,
  LONG_MS,
  maintainAll,
  only,
  reserve,
  RETRY_MS,
  SECOND_MS,
  statesOf,
} from '../../support/jobs.js';
import { useRedis } from '../../support/redis.js';

/** A dead letter at the first failure or ended lease. */
const ONCE = { retries: 0 };
const BREAK_SETTINGS = `
  local memo = cmsgpack.unpack(redis.call('HGET', KEYS[1], 'delayer'))
  memo[8] = 'garbage'
  redis.call('HSET', KEYS[1], 'delayer', cmsgpack.pack(memo))`;

describe('leases with a retry policy in Redis', () => {
  const ground = useRedis({ args: ['--maxmemory-policy', 'noeviction'], movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;
  const job = { id: '1', topic: 'topic', body: 'b' };

  afterEach(async () => {
    await ground.raw.config('SET', 'maxmemory', '0');
  });

  const lease = async (queue: Queue, limit: number, leaseMs = SECOND_MS) =>
    (await queue.reserve({ topics: 'topic', limit, leaseMs, retry: ONCE })).jobs;

  /** A queue of a user who may run every command but one. */
  async function without(command: string): Promise<Queue> {
    const rules = ['reset', 'on', 'nopass', '~*', '&*', '+@all', `-${command}`];
    await ground.raw.call('ACL', 'SETUSER', 'narrow', ...rules);
    return ground.queue(ground.server.url.replace('://', '://narrow@'));
  }

  /** Awaits a call, which may fail only because a right is missing. */
  async function tried(call: Promise<unknown>): Promise<void> {
    await call.catch((error: unknown) => {
      expect(error).to.include({ code: 'store_refused', exitCode: 69 });
    });
  }

  describe('when Redis is out of memory', () => {
    const fill = () => ground.raw.config('SET', 'maxmemory', '1');

    it('end as usual: nacks and ended leases make dead letters', async () => {
      const queue = ground.queue();
      await queue.pushMany(jobsOf('topic', 4));
      const nacked = await lease(queue, 2, LONG_MS);
      await lease(queue, 2);
      await fill();
      expect((await queue.nack(nacked)).map(({ outcome }) => outcome)).to.deep.equal(['dead', 'dead']);
      ground.clock.advance(2 * SECOND_MS);
      expect((await queue.maintain()).buried).to.have.length(2);
      expect((await queue.stats()).totals).to.include({ dead: 4, leased: 0, ready: 0 });
    });

    it('are not given for 1100 ready jobs with invalid settings, which become dead letters', async () => {
      const queue = ground.queue();
      const pushed = await queue.pushMany(jobsOf('topic', 1100).map((one) => ({ ...one, retries: 1 })));
      await maintainAll(queue);
      for (const { id } of pushed)
        await ground.raw.eval(BREAK_SETTINGS, 1, key(`job_bucket:${id.toString()}`));
      await fill();
      const reserved = await queue.reserve({ topics: 'topic', limit: 1, leaseMs: LONG_MS });
      expect(reserved.buried).to.have.length(1100);
      expect((await queue.stats()).totals).to.include({ dead: 1100, ready: 0, leased: 0 });
    });

    it('are given under a lock, and jobs with invalid settings become dead letters', async () => {
      const queue = ground.queue();
      await queue.push({ ...job, retries: 1 });
      await ground.raw.eval(BREAK_SETTINGS, 1, key('job_bucket:1'));
      await fill();
      const lock = { name: 'lock', owner: 'me' };
      const reserved = await queue.reserve({ topics: 'topic', limit: 1, leaseMs: LONG_MS, lock });
      expect(reserved.buried).to.have.length(1);
      expect(await queue.lock({ ...lock, owner: 'other' })).to.be.false;
      expect(await queue.lock(lock)).to.be.true;
      await queue.unlock(lock);
      expect(await queue.lock({ ...lock, owner: 'other' })).to.be.true;
    });
  });

  describe('by a user who lacks a right', () => {
    const WRITES = ['rpush', 'zadd', 'zrem', 'hset', 'pexpireat', 'hdel', 'unlink', 'set'];
    const READS = ['get', 'strlen', 'type', 'exists'];

    for (const command of [...WRITES, ...READS]) {
      it(`lose no job when they end, without ${command}`, async () => {
        const [sound, narrow] = [ground.queue(), await without(command)];
        await sound.pushMany([
          { ...job, retries: 0 },
          { ...job, id: '2', retries: 5 },
        ]);
        await lease(sound, 2);
        ground.clock.advance(2 * SECOND_MS);
        await tried(narrow.maintain());
        await tried(narrow.pop('other'));
        // A user with all rights ends the remaining leases.
        ground.clock.advance(RETRY_MS);
        await maintainAll(sound);
        expect(statesOf(await sound.find('1'))).to.include('dead');
        const two = statesOf(await sound.find('2'));
        expect(two.includes('ready') || two.includes('delayed'), two.join()).to.be.true;
        expect((await sound.stats()).totals.leased).to.equal(0);
      });

      it(`lose no job whose settings are invalid, without ${command}`, async () => {
        const [sound, narrow] = [ground.queue(), await without(command)];
        await sound.pushMany([
          { ...job, retries: 0 },
          { ...job, id: '2' },
        ]);
        await ground.raw.eval(BREAK_SETTINGS, 1, key('job_bucket:1'));
        await tried(narrow.reserve({ topics: 'topic', limit: 2, leaseMs: SECOND_MS }));
        ground.clock.advance(RETRY_MS);
        await maintainAll(sound);
        const got = idsOf((await sound.reserve({ topics: 'topic', limit: 9, leaseMs: LONG_MS })).jobs);
        const [one, two] = [statesOf(await sound.find('1')), statesOf(await sound.find('2'))];
        expect(got).not.to.include('1');
        expect(one).to.include('dead');
        expect(got.includes('2') || two.length > 0, two.join()).to.be.true;
      });
    }
  });

  describe('when they have ended', () => {
    it('make dead letters of at most 1 MiB of bodies per step', async () => {
      const queue = ground.queue();
      const body = Buffer.alloc(700_000, 1);
      for (let i = 0; i < 5; i += 1) {
        await queue.push({ topic: 'topic', body });
        await lease(queue, 1);
      }
      ground.clock.advance(2 * SECOND_MS);
      const steps = [await queue.maintain()];
      while (steps.at(-1)?.more === true) steps.push(await queue.maintain());
      expect(steps.map(({ buried = [] }) => buried.length)).to.deep.equal([2, 2, 1]);
    });

    it('keep the job while a key of a wrong type is in place of its dead letters, and then make one dead letter', async () => {
      for (const rest of ['dead_letter:1', 'dead']) {
        const queue = ground.queue();
        await queue.push(job);
        await lease(queue, 1);
        await ground.raw.set(key(rest), 'text');
        ground.clock.advance(2 * SECOND_MS);
        for (let i = 0; i < 3; i += 1) {
          expect(await queue.pop('topic'), rest).to.be.undefined;
          await queue.maintain().catch(() => undefined);
          ground.clock.advance(RETRY_MS);
        }
        expect(await ground.raw.get(key(rest)), rest).to.equal('text');
        await ground.raw.del(key(rest));
        await maintainAll(queue);
        const [letter] = await queue.find('1');
        expect(letter, rest).to.include({ state: 'dead', reason: 'its lease ended once' });
        expect(letter?.history, rest).to.have.length(1);
        await queue.removeMany(['1'], { states: 'any' });
      }
    });

    it('keep the job and its history while a key of a wrong type is in place of the waiting jobs', async () => {
      const queue = ground.queue();
      await queue.push(job);
      await reserve(queue, 'topic', 1, SECOND_MS);
      await queue.push({ ...job, body: 'newer' });
      await ground.raw.set(key('waiting:1'), 'text');
      for (let i = 0; i < 4; i += 1) {
        ground.clock.advance(RETRY_MS);
        await maintainAll(queue);
      }
      await ground.raw.del(key('waiting:1'));
      await queue.pop('topic');
      ground.clock.advance(RETRY_MS);
      await maintainAll(queue);
      expect(only(await queue.find('1')).history).to.have.length(1);
    });
  });

  it('of jobs with long histories are given at most 1 MiB at a time', async () => {
    const queue = ground.queue();
    await queue.pushMany(jobsOf('topic', 60).map((one) => ({ ...one, backoff: { firstMs: 0, lastMs: 0 } })));
    for (let i = 0; i < 10; i += 1) {
      for (let jobs; (jobs = await reserve(queue, 'topic', 60)).length > 0;) {
        // The delay makes sure that no job is reserved twice in a round.
        await queue.nack(jobs, { delayMs: SECOND_MS, reason: 'x'.repeat(4096) });
      }
      ground.clock.advance(2 * SECOND_MS);
    }
    const jobs = await reserve(queue, 'topic', 60);
    expect(jobs.length).to.be.within(20, 30);
    const { jobs: listed } = await queue.list('topic', { limit: 100 });
    expect(listed).to.have.length(60);
    for (const { history = [] } of listed) {
      expect(history.map(({ attempt }) => attempt)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    }
  });
});

describe('a lock in Redis', () => {
  const ground = useRedis({ movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;
  const lock = { name: 'lock', owner: 'me' };

  it('is one key, which unlock deletes', async () => {
    const queue = ground.queue();
    await queue.lock(lock);
    expect(await ground.raw.keys(key('*'))).to.deep.equal([key('lock:lock')]);
    expect(await ground.raw.get(key('lock:lock'))).to.equal('me');
    expect(await ground.raw.pttl(key('lock:lock'))).to.be.within(LOCK_MS - 5000, LOCK_MS);
    await queue.unlock(lock);
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('whose key has no expiry is free 30 s after it was first asked for', async () => {
    const queue = ground.queue();
    await ground.raw.set(key('lock:lock'), 'who');
    expect(await queue.reserve({ topics: 'topic', limit: 1, leaseMs: LONG_MS, lock })).to.include({
      isLocked: true,
    });
    ground.clock.advance(LOCK_MS - 5000);
    expect(await queue.lock(lock)).to.be.false;
    ground.clock.advance(6000);
    expect(await queue.lock(lock)).to.be.true;
  });

  it('whose key has a wrong type is refused with the name of the key, and no job is leased', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    await ground.raw.hset(key('lock:lock'), 'field', 'value');
    for (const call of [
      () => queue.lock(lock),
      () => queue.unlock(lock),
      () => queue.reserve({ topics: 'topic', limit: 1, leaseMs: LONG_MS, lock }),
    ]) {
      const error = await failureOf(call());
      expect(error).to.include({ code: 'store_wrong_type', exitCode: 69 });
      expect(error.message)
        .to.contain(`"${key('lock:lock')}"`)
        .and.contain('hash')
        .and.contain('string');
    }
    expect((await queue.stats()).totals).to.include({ leased: 0 });
  });

  it('can be taken, renewed and unlocked after SCRIPT FLUSH', async () => {
    const queue = ground.queue();
    for (const call of [() => queue.lock(lock), () => queue.lock(lock), () => queue.unlock(lock)]) {
      await ground.raw.script('FLUSH');
      await call();
    }
    expect(await queue.lock({ ...lock, owner: 'other' })).to.be.true;
  });

  it('does not affect an original daemon and its clients', async () => {
    const queue = ground.queue();
    await queue.lock({ ...lock, owner: 'other' });
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    expect((await queue.reserve({ topics: 'topic', limit: 1, leaseMs: LONG_MS, lock })).isLocked).to.be.true;
    await maintainAll(queue);
    expect(await ground.raw.rpop(key('ready_queue:topic'))).to.equal('1');
  });
});

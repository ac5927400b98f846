import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import {
  areHeld,
  idsOf,
  LONG_MS,
  maintainAll,
  only,
  reserve,
  RETRY_MS,
  SECOND_MS,
  statesOf,
} from '../../support/jobs.js';
import { failureOf } from '../../support/eventually.js';
import { useRedis } from '../../support/redis.js';

describe('a Redis user without the right to one command', () => {
  const ground = useRedis({ movableClock: true });
  const job = { id: '1', topic: 'topic', body: 'b' };

  /** Opens a queue as a user who may run every command but one. */
  async function without(command: string): Promise<Queue> {
    const rules = ['reset', 'on', 'nopass', '~*', '&*', '+@all', `-${command}`];
    await ground.raw.call('ACL', 'SETUSER', 'narrow', ...rules);
    return ground.queue(ground.server.url.replace('://', '://narrow@'));
  }

  /** Returns the result of `call`, or undefined if Redis refused it because a right is missing. */
  async function allowed<T>(call: Promise<T>): Promise<T | undefined> {
    return call.catch((error: unknown) => {
      expect(error).to.include({ code: 'store_refused', exitCode: 69 });
      expect(String(error)).to.match(/permission|can't run/);
      return undefined;
    });
  }

  // reserve runs each of these after other commands.
  for (const command of ['set', 'zadd', 'ltrim', 'hdel', 'unlink', 'get', 'hmget', 'zmscore']) {
    it(`loses no job by a pop without ${command}`, async () => {
      const [sound, narrow] = [ground.queue(), await without(command)];
      for (const id of ['1', '2', '3']) await sound.push({ ...job, id });
      await maintainAll(sound);
      const popped = await allowed(narrow.pop('topic'));
      const { ready, leased } = only((await sound.stats()).topics);
      expect(ready + leased).to.be.at.least(popped ? 2 : 3);
    });
  }

  it('tells what a step has promoted even if the sweep that follows is not permitted', async () => {
    const [sound, narrow] = [ground.queue(), await without('scan')];
    await sound.pushMany([job, { ...job, id: '2' }]);
    expect(await narrow.maintain()).to.include({ promoted: 2 });
    expect(await allowed(narrow.maintain())).to.be.undefined;
  });

  it('is told once by a daemon that may not clear up, which goes on promoting', async () => {
    const [sound, narrow] = [ground.queue(), await without('scan')];
    expect(await allowed(narrow.maintain())).to.be.undefined;
    for (const id of ['1', '2', '3']) {
      await sound.push({ ...job, id });
      expect(await narrow.maintain()).to.include({ promoted: 1 });
      expect(await narrow.maintain()).to.include({ promoted: 0 });
    }
  });

  // promote runs each of these, and takes jobs from the pool by another command if one of them has to stay.
  for (const command of ['zremrangebyrank', 'zrem', 'hset', 'lpush', 'hmget', 'hrandfield', 'type', 'llen']) {
    for (const hasStuck of [false, true])
      it(`loses and doubles no job by a promotion without ${command}${hasStuck ? ', while another job is stuck' : ''}`, async () => {
        const [sound, narrow] = [ground.queue(), await without(command)];
        await sound.pushMany([{ ...job, id: '0', ttlMs: 1 }, job, { ...job, id: '2' }]);
        if (hasStuck) {
          await sound.push({ ...job, id: '3', topic: 'stuck' });
          await ground.raw.set(`${ground.prefix}:ready_queue:stuck`, 'no list');
        }
        ground.clock.advance(1);
        for (let i = 0; i < 2; i += 1) await allowed(narrow.maintain());
        await maintainAll(sound);
        const entries = await ground.raw.lrange(`${ground.prefix}:ready_queue:topic`, 0, -1);
        expect(entries).to.deep.equal(['2', '1']);
        expect(idsOf(await sound.popMany('topic', 10))).to.deep.equal(['1', '2']);
        expect(statesOf(await sound.find('3'))).to.deep.equal(hasStuck ? ['due'] : []);
      });
  }

  for (const command of ['zadd', 'hdel', 'hset', 'pexpireat', 'lrem', 'publish'])
    it(`loses no ready job by a push that replaces it, without ${command}`, async () => {
      const [sound, narrow] = [ground.queue(), await without(command)];
      await sound.push(job);
      await maintainAll(sound);
      const push = narrow.push({ ...job, body: 'new', delayMs: SECOND_MS }, { onExisting: 'replace' });
      const receipt = await allowed(push);
      ground.clock.advance(SECOND_MS);
      const popped = await sound.popMany('topic', 10);
      expect(idsOf(popped)).to.deep.equal(['1']);
      if (receipt) expect(String(popped[0]?.body)).to.equal('new');
    });

  for (const command of ['unlink', 'hdel', 'zrem', 'lrem'])
    for (const state of ['delayed', 'ready'] as const)
      it(`a removal of a ${state} job without ${command} removes it, or fails and leaves it`, async () => {
        const [sound, narrow] = [ground.queue(), await without(command)];
        await sound.push({ ...job, delayMs: state === 'ready' ? 0 : SECOND_MS });
        await maintainAll(sound);
        const removed = await allowed(narrow.removeMany(['1'], { states: 'any' }));
        if (removed) expect(removed[0]?.removed).to.be.true;
        ground.clock.advance(SECOND_MS);
        expect(idsOf(await sound.popMany('topic', 10))).to.deep.equal(removed ? [] : ['1']);
      });

  /** Pops during the next seconds as a user with all rights; returns the ids. */
  async function popLater(sound: Queue): Promise<string[]> {
    const ids: string[] = [];
    for (let i = 0; i < 3; i += 1) {
      ground.clock.advance(RETRY_MS);
      ids.push(...idsOf(await sound.popMany('topic', 10)));
    }
    return ids;
  }

  for (const command of ['hset', 'rpush', 'unlink', 'get', 'pexpireat', 'zrem', 'set', 'exists', 'llen']) {
    it(`loses no job by a release without ${command}`, async () => {
      const [sound, narrow] = [ground.queue(), await without(command)];
      await sound.pushMany([job, { ...job, id: '2' }]);
      const jobs = await reserve(sound, 'topic', 2, SECOND_MS);
      const released = await allowed(narrow.release(jobs.slice(0, 1)));
      if (released) expect(released).to.deep.equal([true]);
      expect(statesOf(await sound.find('2'))).to.deep.equal(['leased']);
      expect(await popLater(sound)).to.include.members(['1', '2']);
    });
  }

  for (const command of ['set', 'unlink', 'zadd', 'zrem', 'get']) {
    it(`loses no other lease by an ack or extend of one without ${command}`, async () => {
      for (const act of ['ack', 'extend'] as const) {
        const [sound, narrow] = [ground.queue(), await without(command)];
        await sound.pushMany(['1', '2', '3'].map((id) => ({ ...job, id })));
        const jobs = await reserve(sound, 'topic', 3, LONG_MS);
        const some = jobs.slice(0, 1);
        await allowed<unknown>(act === 'ack' ? narrow.ack(some) : narrow.extend(some, 2 * LONG_MS));
        expect(await sound.ack(jobs.slice(1)), act).to.deep.equal([true, true]);
      }
    });
  }

  // nack may run each of these, and without it would do half of its work.
  const WRITES = ['hset', 'pexpireat', 'zadd', 'zrem', 'hdel', 'rpush', 'unlink', 'set', 'publish'];
  const READS = ['get', 'exists', 'type', 'zrevrangebyscore', 'zrangebyscore'];
  for (const [how, options] of [
    ['with a delay', { delayMs: SECOND_MS }],
    ['as dead', { dead: true, reason: 'why' }],
  ] as const) {
    for (const command of [...WRITES, ...READS]) {
      it(`loses no job by a nack ${how} without ${command}`, async () => {
        const [sound, narrow] = [ground.queue(), await without(command)];
        await sound.pushMany([job, { ...job, id: '2' }]);
        const jobs = await reserve(sound, 'topic', 2, SECOND_MS);
        const nacked = await allowed(narrow.nack(jobs.slice(0, 1), options));
        if (nacked) expect(areHeld(nacked)).to.deep.equal([true]);
        expect((await sound.find('1')).length).to.be.at.least(1);
        expect(statesOf(await sound.find('2'))).to.deep.equal(['leased']);
        // The job is delivered again, or a dead letter.
        const got = await popLater(sound);
        expect(got).to.include('2');
        const isDead = statesOf(await sound.find('1')).includes('dead');
        expect(got.includes('1') || isDead, `delivered: ${got.join()}`).to.be.true;
      });
    }
  }

  for (const command of ['hset', 'pexpireat', 'zadd', 'zrem', 'unlink', 'rpush', 'exists', 'publish']) {
    it(`loses no dead letter by a requeue without ${command}`, async () => {
      const [sound, narrow] = [ground.queue(), await without(command)];
      await sound.push(job);
      await sound.nack(await reserve(sound, 'topic'), { dead: true });
      await allowed(narrow.requeue(['1']));
      expect((await sound.find('1')).length).to.be.at.least(1);
      // A user with all rights can have it delivered.
      await sound.requeue(['1']);
      expect(await popLater(sound)).to.include('1');
    });
  }

  it('gets an error that names the missing right', async () => {
    const narrow = await without('hset');
    const error = await failureOf(narrow.push(job));
    expect(error).to.include({ code: 'store_refused', exitCode: 69 });
    expect(error.message).to.match(/permission|can't run/);
  });
});

describe('a database that Redis does not have', () => {
  const ground = useRedis();

  it('is refused for each of many concurrent requests, and no other database is used', async () => {
    const queue = ground.queue(ground.server.url.replace(/\?.*$/, '') + '?db=99');
    const pushes = Array.from({ length: 20 }, async (_, i) => {
      for (let turn = 0; turn < i; turn += 1) await new Promise(setImmediate);
      return failureOf(queue.push({ topic: 'topic', body: 'b' }));
    });
    for (const push of pushes) expect(await push).to.include({ code: 'store_refused' });
    expect(await ground.raw.dbsize()).to.equal(0);
  });
});

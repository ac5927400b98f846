import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import { LONG_MS, maintainAll, only, reserve, RETRY_MS } from '../../support/jobs.js';
import { keyspaceOf, useRedis } from '../../support/redis.js';

describe('values in keys of Redis that delayer never writes', () => {
  const ground = useRedis({ movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;

  /** The problems that stats and health report, without those about the server and daemons. */
  async function said(queue: Queue): Promise<string[]> {
    const problems = [...((await queue.stats()).problems ?? []), ...(await queue.health({ exact: false }))];
    return problems
      .filter(({ code }) => !['no_daemon', 'no_persistence', 'evicting'].includes(code))
      .map(({ code, message }) => `${code} ${message}`);
  }

  /** Expects one problem that names the key, and that maintain and pop change nothing. */
  async function isNamedAndLeft(queue: Queue, rest: string, line: RegExp, read: () => Promise<unknown>) {
    const before = await read();
    const problem = only(await said(queue));
    expect(problem).to.match(line);
    expect(problem).to.include(`"${key(rest)}"`);
    await maintainAll(queue);
    expect(await queue.pop('another')).to.be.undefined;
    expect(await read()).to.deep.equal(before);
    expect(await said(queue)).to.deep.equal([problem]);
  }

  const textOf = (rest: string) => async () => ground.raw.get(key(rest));
  const listOf = (rest: string) => async () => ground.raw.lrange(key(rest), '0', '-1');
  const hashOf = (rest: string) => async () => ground.raw.hgetall(key(rest));
  const GONE =
    /^records_gone 1 record of leased or dead jobs is gone, of a wrong type or not written by delayer: /;

  for (const [what, text] of [
    ['text', 'garbage'],
    ['nothing', ''],
    ['msgpack of another shape', '\x93\x03\xa1a\xa1b'],
    ['msgpack of a version that was never released', '\x93\x02\xa1a\xa1b'],
  ] as const) {
    it(`a record of leases that is ${what} is reported by its key, and left alone`, async () => {
      const queue = ground.queue();
      await queue.push({ id: '1', topic: 'topic', body: 'b' });
      const { lease } = only(await reserve(queue, 'topic', 1, LONG_MS));
      const record = `inflight:${lease.split('.')[0]}`;
      await ground.raw.set(key(record), Buffer.from(text, 'latin1'));
      ground.clock.advance(2 * LONG_MS);
      await isNamedAndLeft(queue, record, GONE, textOf(record));
    });
  }

  it('garbage among waiting jobs is reported by its key, and the readable ones come back', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'old' });
    const jobs = await reserve(queue, 'topic');
    await queue.push({ id: '1', topic: 'topic', body: 'new' });
    await queue.release(jobs);
    expect(await said(queue)).to.deep.equal([]);
    await ground.raw.rpush(key('waiting:1'), 'garbage');
    await isNamedAndLeft(queue, 'waiting:1', GONE, listOf('waiting:1'));
    expect((await queue.find('1')).map(({ state }) => state)).to.deep.equal(['ready', 'delayed']);
    expect(only(await queue.popMany('topic', 9)).body.toString()).to.equal('new');
    ground.clock.advance(RETRY_MS);
    expect(only(await queue.popMany('topic', 9)).body.toString()).to.equal('old');
    expect(await listOf('waiting:1')()).to.deep.equal(['garbage']);
  });

  it('garbage among dead letters is reported by its key, and the others are listed and requeued', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    await queue.nack(await reserve(queue, 'topic'), { dead: true });
    expect(await said(queue)).to.deep.equal([]);
    const garbage = ['garbage', '\x93\x02\x01\x01'];
    await ground.raw.lpush(key('dead_letter:1'), ...garbage);
    await isNamedAndLeft(queue, 'dead_letter:1', GONE, listOf('dead_letter:1'));
    expect((await queue.list('topic')).jobs).to.have.length(1);
    expect(await queue.requeue(['1'])).to.deep.equal(['requeued']);
    expect(await listOf('dead_letter:1')()).to.have.length(2);
  });

  it('invalid pauses, notes and set-aside jobs are reported by key and field, and pause no topic', async () => {
    for (const [rest, value] of [
      ['paused', 'tomorrow'],
      ['paused', 'nan'],
      ['ready_due', 'garbage'],
      ['set_aside', 'garbage'],
    ] as const) {
      // A new queue looks for leftovers at once.
      const queue = ground.queue();
      await ground.raw.hset(key(rest), 'field', value);
      expect(only(await said(queue)), value).to.equal(
        `strange_values The key "${key(rest)}" has 1 value that delayer did not write, that of "field"`,
      );
      await maintainAll(queue);
      expect(await queue.pop('topic')).to.be.undefined;
      // maintain deletes any note without a job.
      expect(await hashOf(rest)(), value).to.deep.equal(rest === 'ready_due' ? {} : { field: value });
      expect((await queue.stats()).topics, value).to.deep.equal([]);
      await ground.raw.del(key(rest));
    }
  });

  it('an invalid set-aside record does not make a job ready', async () => {
    const queue = ground.queue();
    // Another client has popped it and not deleted its body yet.
    await ground.raw.hset(key('job_bucket:1'), { topic: 'topic', body: 'b' });
    await ground.raw.hset(key('set_aside'), '1', 'garbage');
    await maintainAll(queue);
    expect(await queue.pop('topic')).to.be.undefined;
    expect(await hashOf('set_aside')()).to.deep.equal({ 1: 'garbage' });
  });

  it('values that delayer writes are not reported', async () => {
    const queue = ground.queue();
    await queue.pause(['a', 'b'], { forMs: 1000 });
    await queue.pause('c');
    await queue.announce('daemon');
    await queue.pushMany(['1', '2', '3'].map((id) => ({ id, topic: 'topic', body: 'b' })));
    await maintainAll(queue);
    // The first job is set aside.
    await ground.raw.del(key('job_bucket:1'));
    await ground.raw.set(key('job_bucket:1'), 'text');
    await reserve(queue, 'topic');
    expect(await ground.raw.exists(key('set_aside'))).to.equal(1);
    expect(only(await said(queue))).to.match(/^wrong_type 1 job has a key of the wrong type/);
  });

  it('a pause with an end beyond any time holds its topic, and is shown to end at the last possible time', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    for (const end of ['9'.repeat(30), '1e300']) {
      await ground.raw.hset(key('paused'), 'topic', end);
      expect(await queue.pop('topic')).to.be.undefined;
      const [topic] = (await queue.stats()).topics;
      const last = Date.UTC(10_000, 0, 1) - 1;
      expect(topic?.pausedUntilMs).to.equal(last);
      expect((await queue.find('1'))[0]?.pausedUntilMs).to.equal(last);
    }
    expect(only(await said(queue))).to.match(/^strange_values .*paused/);
  });

  it('a daemon announced at an impossible time is reported, and does not count', async () => {
    const queue = ground.queue();
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    for (const score of ['inf', '-inf', '1e300', '-5', '9999999999']) {
      await ground.raw.zadd(key('daemons'), score, 'garbage');
      expect(await said(queue), score).to.deep.equal([
        `strange_values The key "${key('daemons')}" has 1 value that delayer did not write, that of "garbage"`,
      ]);
      expect((await queue.health()).map(({ code }) => code)).to.include('no_daemon');
      expect((await queue.find('1'))[0]).to.include({ isDaemonSeen: false });
    }
    await queue.announce('daemon');
    expect((await queue.health()).map(({ code }) => code)).not.to.include('no_daemon');
    expect((await queue.find('1'))[0]).to.include({ isDaemonSeen: true });
  });

  it('a key of a wrong type in place of any key of delayer is reported once, and left alone', async () => {
    const queue = ground.queue();
    for (const [rest, wanted] of [
      ['job_pool', 'zset'],
      ['reserved', 'zset'],
      ['dead', 'zset'],
      ['daemons', 'zset'],
      ['ready_due', 'hash'],
      ['paused', 'hash'],
      ['ready_known', 'hash'],
      ['set_aside', 'hash'],
      ['ready_queue:topic', 'list'],
    ] as const) {
      await ground.raw.set(key(rest), 'text');
      expect(await said(queue), rest).to.deep.equal([
        `wrong_type The key "${key(rest)}" holds a string, where a ${wanted} belongs`,
      ]);
      await queue.pop('topic').catch(() => undefined);
      await queue.maintain().catch(() => undefined);
      expect([...(await keyspaceOf(ground.raw, key('*'))).keys()], rest).to.deep.equal([key(rest)]);
      expect(await ground.raw.get(key(rest)), rest).to.equal('text');
      await ground.raw.del(key(rest));
    }
  });
});

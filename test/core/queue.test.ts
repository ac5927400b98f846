import { expect } from 'chai';
import { MAX_DURATION_MS } from '../../src/core/duration.js';
import { leaseToken, popByLease } from '../../src/core/lease.js';
import { DEFAULT_TTL_MS, MAX_BODY_BYTES } from '../../src/core/job.js';
import { pushFailure, Queue, toNewJob } from '../../src/core/queue.js';
import type { PushResult, Store } from '../../src/core/store.js';
import { failureOf } from '../support/eventually.js';
import { usageError } from './usage-error.js';

const job = { id: 'id', topic: 'topic', body: 'body' };

describe('a job to push', () => {
  it('is due at once and lives a week when nothing else is said', () => {
    expect(toNewJob(job)).to.deep.equal({
      id: Buffer.from('id'),
      topic: Buffer.from('topic'),
      body: Buffer.from('body'),
      due: { delayMs: 0 },
      ttlMs: DEFAULT_TTL_MS,
    });
    expect(DEFAULT_TTL_MS).to.equal(604_800_000);
  });

  it('keeps its delay, its moment and its ready lifetime', () => {
    expect(toNewJob({ ...job, delayMs: 1500, ttlMs: 1 })).to.deep.include({
      due: { delayMs: 1500 },
      ttlMs: 1,
    });
    expect(toNewJob({ ...job, at: new Date(5) })).to.deep.include({ due: { atMs: 5 } });
    expect(toNewJob({ ...job, at: new Date(-5) })).to.deep.include({ due: { atMs: 0 } });
    const longest = { delayMs: MAX_DURATION_MS, ttlMs: MAX_DURATION_MS };
    expect(toNewJob({ ...job, ...longest })).to.deep.include({ ttlMs: MAX_DURATION_MS });
  });

  it('gets an id of its own when it has none', () => {
    const [one, two] = [toNewJob({ ...job, id: undefined }).id, toNewJob({ ...job, id: undefined }).id];
    expect(one.toString()).to.match(/^[0-9a-f-]{36}$/);
    expect(one.equals(two)).to.be.false;
  });

  it('takes text as UTF-8, and bytes as they are, wherever they lie in their memory', () => {
    const memory = new Uint8Array([9, 9, 0, 255, 9]);
    const { id, topic, body } = toNewJob({ id: memory.subarray(2, 4), topic: 'ü', body: Buffer.from([255]) });
    expect([id, topic, body].map((bytes) => [...bytes])).to.deep.equal([[0, 255], [0xc3, 0xbc], [255]]);
  });

  for (const [what, more] of Object.entries({
    'an empty id': { id: '' },
    'an empty topic': { topic: '' },
    'an empty body': { body: '' },
    'no bytes for an id': { id: new Uint8Array() },
    'a negative delay': { delayMs: -1 },
    'a delay that is no number': { delayMs: NaN },
    'an endless delay': { delayMs: Infinity },
    'a delay of over a hundred years': { delayMs: MAX_DURATION_MS + 1 },
    'a delay finer than a millisecond': { delayMs: 0.5 },
    'a ready lifetime of zero': { ttlMs: 0 },
    'a negative ready lifetime': { ttlMs: -1 },
    'an endless ready lifetime': { ttlMs: Infinity },
    'a moment that is none': { at: new Date(NaN) },
    'a moment beyond what a store can hold': { at: new Date(8.64e15) },
    'both a delay and a moment': { delayMs: 0, at: new Date() },
  })) {
    it(`is refused with ${what}`, () => {
      usageError(() => toNewJob({ ...job, ...more }));
    });
  }

  it('is refused with a body over 512 MiB, and told how large it is', () => {
    const body = Buffer.allocUnsafeSlow(MAX_BODY_BYTES + 1); // Never touched, so it takes no memory.
    expect(usageError(() => toNewJob({ ...job, body })).message).to.contain('536870913');
    expect(toNewJob({ ...job, body: body.subarray(1) }).body).to.have.length(MAX_BODY_BYTES);
  });
});

describe('a queue', () => {
  /** A store that fails the test when it is asked for anything, but for what is given. */
  const storeOf = (given: Partial<Store>): Store =>
    new Proxy(given as Store, {
      get: (target, name) => {
        if (name in target) return Reflect.get(target, name) as unknown;
        return () => {
          throw new Error(`the store was asked to ${String(name)}`);
        };
      },
    });

  it('pushes nothing of a batch when one of its jobs is wrong', async () => {
    const queue = new Queue(storeOf({}));
    expect(await failureOf(queue.pushMany([job, { ...job, topic: '' }]))).to.include({ code: 'usage' });
  });

  it('refuses an empty id or topic everywhere, before the store is asked', async () => {
    const queue = new Queue(storeOf({}));
    for (const call of [
      () => queue.pop(''),
      () => queue.popMany('', 1),
      () => queue.bpop(''),
      () => queue.lease('', 1, 1),
      () => queue.remove(''),
      () => queue.removeMany(['id', '']),
      () => queue.list('', { limit: 1 }),
      () => queue.find(''),
    ]) {
      expect(await failureOf(call())).to.include({ code: 'usage', exitCode: 2 });
    }
  });

  it('does not ask the store for nothing', async () => {
    const queue = new Queue(storeOf({}));
    expect(await queue.confirm([])).to.deep.equal([]);
    expect(await queue.removeMany([])).to.deep.equal([]);
    await queue.putBack([]);
    await queue.restore([]);
  });

  it('does not hand over a job whose lease was lost before it was confirmed', async () => {
    const leased = ['1', '2', '3'].map((id) => ({
      id: Buffer.from(id),
      topic: Buffer.from('topic'),
      body: Buffer.from('body'),
      state: 'leased' as const,
      attempts: 1,
      lease: id,
      leaseUntil: new Date(),
    }));
    const answers = [leased.slice(0, 1), leased.slice(1)];
    const store = storeOf({
      take: () => Promise.resolve({ jobs: answers.shift() ?? [] }),
      confirm: (leases) => Promise.resolve(leases.map(({ lease }) => lease === '3')),
    });
    const { jobs } = await popByLease(store, Buffer.from('topic'), 2);
    expect(jobs.map(({ id }) => id.toString())).to.deep.equal(['3']);
    expect(jobs[0]).to.not.have.any.keys('lease', 'leaseUntil');
  });

  it('asks with a token of its own each time', () => {
    expect(leaseToken()).to.match(/^[0-9a-f]{32}-[0-9a-f]{8}$/);
    expect(leaseToken()).to.not.equal(leaseToken());
  });

  it('fails a push for an outcome that is no success, and for no other', () => {
    const codeOf = (outcome: PushResult['outcome']) => pushFailure({ id: Buffer.from('id'), outcome })?.code;
    expect(codeOf('conflict')).to.equal('job_exists');
    expect(codeOf('blocked')).to.equal('store_wrong_type');
    expect(codeOf('unknown')).to.equal('outcome_unknown');
    for (const outcome of ['pushed', 'replaced', 'repeated', 'kept'] as const) {
      expect(codeOf(outcome)).to.be.undefined;
    }
  });
});

import { expect } from 'chai';
import { Queue } from '../../src/core/queue.js';
import { pushError } from '../../src/core/push-error.js';
import type { Job } from '../../src/core/job.js';
import { MAX_REASON_BYTES } from '../../src/core/job.js';
import type { NackParams, ReserveParams, Store } from '../../src/core/store.js';
import type { PushResult } from '../../src/core/results.js';
import { failureOf } from '../support/eventually.js';

const job = { id: 'id', topic: 'topic', body: 'body' };

describe('Queue', () => {
  /** A store that fails the test at any call but those given. */
  const storeOf = (given: Partial<Store>): Store =>
    new Proxy(given as Store, {
      get: (target, name) => {
        if (name in target) return Reflect.get(target, name) as unknown;
        return () => {
          throw new Error(`the store was asked to ${String(name)}`);
        };
      },
    });

  it('a batch is not pushed if one of its jobs is invalid', async () => {
    const queue = new Queue(storeOf({}));
    expect(await failureOf(queue.pushMany([job, { ...job, topic: '' }]))).to.include({ code: 'usage' });
  });

  it('an empty id or topic is refused by every method before the store is asked', async () => {
    const queue = new Queue(storeOf({}));
    for (const call of [
      () => queue.pop(''),
      () => queue.popMany('', 1),
      () => queue.bpop(''),
      () => queue.reserve({ topics: '', limit: 1, leaseMs: 1 }),
      () => queue.pop([]),
      () => queue.pop(['topic', '']),
      () => queue.requeue(['']),
      () => queue.pause(''),
      () => queue.waitForReady(''),
      () => queue.remove(''),
      () => queue.removeMany(['id', '']),
      () => queue.list('', { limit: 1 }),
      () => queue.find(''),
    ]) {
      expect(await failureOf(call())).to.include({ code: 'usage', exitCode: 2 });
    }
  });

  it('an empty list is answered without asking the store', async () => {
    const queue = new Queue(storeOf({}));
    for (const call of [
      () => queue.ack([]),
      () => queue.nack([], {}),
      () => queue.release([]),
      () => queue.extend([], 1),
      () => queue.removeMany([]),
      () => queue.requeue([]),
      () => queue.restore([]),
      () => queue.pushMany([]),
    ]) {
      expect(await call()).to.deep.equal([]);
    }
  });

  it('each reserve has its own token, and each of its topics once, in order', async () => {
    const asked: ReserveParams[] = [];
    const queue = new Queue(
      storeOf({
        reserve: (params) => {
          asked.push(params);
          return Promise.resolve({ jobs: [] });
        },
      }),
    );
    const params = { topics: ['b', 'a', 'b'], limit: 3, leaseMs: 1000 };
    await queue.reserve(params);
    await queue.reserve(params);
    expect(asked[0]).to.deep.include({
      topics: [Buffer.from('b'), Buffer.from('a')],
      limit: 3,
      leaseMs: 1000,
    });
    expect(asked[0]?.token).to.not.equal(asked[1]?.token);
  });

  it('a lease can be given as a string or as a job', async () => {
    const queue = new Queue(storeOf({ ack: ({ leases }) => Promise.resolve(leases.map((l) => l === 'a')) }));
    expect(await queue.ack(['a', { lease: 'b' }])).to.deep.equal([true, false]);
  });

  it('a nack passes on only what it was given, and leaves the rest to the policy of the lease', async () => {
    const asked: NackParams[] = [];
    const queue = new Queue(
      storeOf({
        nack: (params) => {
          asked.push(params);
          return Promise.resolve([{ outcome: 'retried' }]);
        },
      }),
    );
    await queue.nack(['lease'], {});
    await queue.nack(['lease'], { delayMs: 5, reason: 'why' });
    await queue.nack(['lease'], { dead: true });
    await queue.nack(['lease'], { dead: true, deadTtlMs: 0 });
    expect(
      asked.map(({ failure: { isDead, delayMs, deadTtlMs, reason } }) => ({
        ...{ isDead, delayMs, deadTtlMs, reason },
      })),
    ).to.deep.equal([
      { isDead: false, delayMs: undefined, deadTtlMs: undefined, reason: undefined },
      { isDead: false, delayMs: 5, deadTtlMs: undefined, reason: 'why' },
      { isDead: true, delayMs: undefined, deadTtlMs: undefined, reason: undefined },
      { isDead: true, delayMs: undefined, deadTtlMs: 0, reason: undefined },
    ]);
    for (const { jitter } of asked) expect(jitter).to.be.within(-1, 1);
    expect(await failureOf(queue.nack(['lease'], { dead: true, delayMs: 5 }))).to.include({ code: 'usage' });
  });

  it('the last 4 KiB of a long reason are kept, from a whole character on', async () => {
    let reason = '';
    const queue = new Queue(
      storeOf({
        nack: (params) => {
          reason = params.failure.reason ?? '';
          return Promise.resolve([{ outcome: 'retried' }]);
        },
      }),
    );
    await queue.nack(['lease'], { reason: `${'ü'.repeat(MAX_REASON_BYTES)}a` });
    expect(Buffer.byteLength(reason)).to.equal(MAX_REASON_BYTES - 1);
    expect(reason).to.match(/^ü+a$/);
    await queue.nack(['lease'], { reason: 'x'.repeat(MAX_REASON_BYTES) });
    expect(reason).to.have.length(MAX_REASON_BYTES);
  });

  it('bpop pops again when a wait is over, and limits a wait to the time that is left', async () => {
    const waits: number[] = [];
    const answers: Job[][] = [[], [], [{ ...job, state: 'ready', attempts: 1 } as unknown as Job]];
    const queue = new Queue(
      storeOf({
        pop: () =>
          Promise.resolve({ jobs: answers.shift() ?? [], nextInMs: waits.length === 0 ? 7 : undefined }),
        waitForReady: ({ maxMs }) => {
          waits.push(maxMs);
          return Promise.resolve();
        },
      }),
    );
    expect(await queue.bpop('topic', { timeoutMs: 60_000 })).to.include({ id: 'id' });
    expect(waits[0]).to.equal(7);
    expect(waits[1]).to.be.within(50_000, 60_000);
  });

  it('an aborted bpop does not pop', async () => {
    const queue = new Queue(storeOf({}));
    expect(await queue.bpop('topic', { signal: AbortSignal.abort() })).to.equal(undefined);
  });

  it('a second close does nothing, and each call after it is refused', async () => {
    let closes = 0;
    const queue = new Queue(
      storeOf({
        label: 'the store',
        close: () => {
          closes += 1;
          return Promise.resolve();
        },
      }),
    );
    await queue.close();
    await queue[Symbol.asyncDispose]();
    expect(closes).to.equal(1);
    const failure = await failureOf(queue.pop('topic'));
    expect(failure).to.include({ code: 'usage', message: 'The queue the store is closed' });
  });

  it('a push fails for each outcome that is not a success', () => {
    const codeOf = (outcome: PushResult['outcome']) => pushError({ id: Buffer.from('id'), outcome })?.code;
    expect(codeOf('conflict')).to.equal('job_exists');
    expect(codeOf('blocked')).to.equal('store_wrong_type');
    expect(codeOf('unknown')).to.equal('outcome_unknown');
    for (const outcome of ['pushed', 'replaced', 'repeated', 'kept'] as const) {
      expect(codeOf(outcome)).to.be.undefined;
    }
  });
});

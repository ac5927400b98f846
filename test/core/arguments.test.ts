import { expect } from 'chai';
import fc from 'fast-check';
import { DelayerError } from '../../src/core/errors.js';
import type { Job } from '../../src/core/job.js';
import { Queue } from '../../src/core/queue.js';
import type { Store } from '../../src/core/store.js';
import { openQueue } from '../../src/storage/open.js';
import { failureOf } from '../support/eventually.js';

/** A store that accepts every call and does nothing. */
const taking: Partial<Store> = {
  label: 'the store',
  push: ({ jobs }) => Promise.resolve(jobs.map(() => ({ outcome: 'pushed' }))),
  pop: () => Promise.resolve({ jobs: [{ id: Buffer.from('id') } as unknown as Job] }),
};
const store = new Proxy(taking as Store, {
  get: (target, name) =>
    name in target ? (Reflect.get(target, name) as unknown) : () => Promise.resolve([]),
});
const queue = new Queue(store);

/** Each method that has parameters, with their number. */
const METHODS = {
  push: 2,
  pushMany: 2,
  import: 2,
  pop: 2,
  popMany: 3,
  bpop: 2,
  bpopMany: 3,
  reserve: 1,
  ack: 2,
  nack: 2,
  release: 2,
  extend: 3,
  restore: 1,
  remove: 1,
  removeMany: 2,
  promote: 1,
  reschedule: 1,
  edit: 1,
  requeue: 2,
  pause: 2,
  resume: 1,
  stats: 1,
  list: 2,
  maintain: 1,
  scan: 1,
  find: 1,
  findFlawed: 1,
  announce: 2,
  originalDaemons: 1,
  retire: 1,
  waitForReady: 2,
  waitForPush: 1,
} satisfies Partial<Record<keyof Queue, number>>;

const OPTIONS = [
  'onExisting',
  'timeoutMs',
  'signal',
  'onEvent',
  'limit',
  'leaseMs',
  'delayMs',
  'dead',
  'promoted',
];
const FIELDS = ['id', 'topic', 'topics', 'body', 'at', 'ttlMs', 'states', 'exact', 'forMs', 'lease', 'since'];
const QUERY = [
  'dueBefore',
  'dueAfter',
  'idGlobs',
  'bodyIncludes',
  'topicGlobs',
  'cursor',
  'deadTtlMs',
  'reason',
  'dueAt',
  'expiresAt',
];
const IMPORT = [
  'progress',
  'history',
  'attempts',
  'key',
  'state',
  'leasedAt',
  'failedAt',
  'deadUntil',
  'line',
  'file',
  'from',
];

const odd = fc.oneof(
  fc.anything({ withDate: true, withBigInt: true, withTypedArray: true, withNullPrototype: true }),
  fc.constantFrom(Symbol('odd'), () => undefined, new Date(NaN), Infinity, NaN, -1, 1, 'text', [], ['text']),
);
const options = fc.dictionary(fc.constantFrom(...OPTIONS, ...FIELDS, ...IMPORT, ...QUERY), odd, {
  maxKeys: 4,
});
const argument = fc.oneof(odd, options, fc.array(options, { maxLength: 2 }));

async function codeOf(call: () => Promise<unknown>): Promise<string> {
  try {
    await call();
    return 'taken';
  } catch (error) {
    return error instanceof DelayerError ? error.code : `no DelayerError: ${String(error)}`;
  }
}

describe('arguments of a queue', () => {
  for (const [name, count] of Object.entries(METHODS)) {
    it(`${name} with any arguments succeeds, or fails with a usage error`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(argument, { minLength: 0, maxLength: count }), async (given) => {
          const method = Reflect.get(queue, name) as (...args: unknown[]) => Promise<unknown>;
          expect(await codeOf(() => method.apply(queue, given))).to.be.oneOf(['taken', 'usage']);
        }),
        { numRuns: 150 },
      );
    });
  }

  it('openQueue with any arguments fails with a usage error or config_invalid', async () => {
    await fc.assert(
      fc.asyncProperty(argument, argument, async (url, given) => {
        const open = openQueue as (...args: unknown[]) => Promise<unknown>;
        expect(await codeOf(() => open(url, given))).to.be.oneOf(['usage', 'config_invalid']);
      }),
      { numRuns: 300 },
    );
  });

  const job = { topic: 't', body: 'b' };
  for (const [what, call] of Object.entries({
    'a push': () => queue.push({ topic: 't', body: 'b' }, { onExist: 'keep' } as object),
    'a push of many': () => queue.pushMany([], { onExisting: 'overwrite' } as object),
    'a bpop': () => queue.bpop('t', { timeout: 5 } as object),
    'a pop': () => queue.pop('t', { count: 5 } as object),
    'a reserve': () => queue.reserve({ topics: 't', limit: 1, leaseMs: 5, lease: 5 } as never),
    'a nack': () => queue.nack([], { delay: 5 } as object),
    'a nack that is not dead': () => queue.nack([], { deadTtlMs: 5 }),
    'a remove': () => queue.removeMany([], { state: 'any' } as object),
    'a remove by an unknown state': () => queue.removeMany([], { states: ['readdy'] as never }),
    'a promote': () => queue.promote([{ id: '1', due: new Date() } as never]),
    'a reschedule': () => queue.reschedule([{ id: '1', delay: 5 } as never]),
    'a reschedule without a due time': () => queue.reschedule([{ id: '1' }]),
    'a reschedule to two times': () => queue.reschedule([{ id: '1', delayMs: 5, at: new Date() }]),
    'an edit': () => queue.edit({ id: '1', text: 'b' } as never),
    'an edit that changes nothing': () => queue.edit({ id: '1' }),
    'an edit of leased jobs': () => queue.edit({ id: '1', body: 'b', states: ['leased'] }),
    'an edit to an empty body': () => queue.edit({ id: '1', body: '' }),
    'a requeue': () => queue.requeue([], { delay: 5 } as object),
    'a pause': () => queue.pause('t', { for: 5 } as object),
    'an import of a key with a NUL character': () => queue.import([{ ...job, id: '1', key: 'a\0b' }]),
    stats: () => queue.stats({ exakt: false } as object),
    'a list': () => queue.list('t', { state: ['ready'] } as object),
    'a list of no rows': () => queue.list('t', { limit: 0 }),
    'a wait': () => queue.waitForPush({ timeout: 5 } as object),
    openQueue: () => openQueue('redis://localhost', { prefx: 'shop' } as object),
  })) {
    it(`a mistyped or invalid option of ${what} is refused as a usage error`, async () => {
      expect(await failureOf(call())).to.include({ code: 'usage', exitCode: 2 });
    });
  }

  const deaf = { aborted: false, addEventListener: () => undefined };
  const detached = new Uint8Array(8);
  structuredClone(detached, { transfer: [detached.buffer] });
  for (const [what, call] of Object.entries<(value: never) => Promise<unknown>>({
    'delayMs of a push': (delayMs) => queue.push({ ...job, delayMs }),
    'delayMs of a reschedule': (delayMs) => queue.reschedule([{ id: '1', delayMs }]),
    'delayMs of a requeue': (delayMs) => queue.requeue(['1'], { delayMs }),
    'delayMs of a job to requeue': (delayMs) => queue.requeue([{ id: '1', delayMs }]),
    'states of a remove': (states) => queue.removeMany(['1'], { states }),
    'states of a job to remove': (states) => queue.removeMany([{ id: '1', states }]),
    'lock of a reserve': (lock) => queue.reserve({ topics: 't', limit: 1, leaseMs: 1, lock }),
    'retry of a reserve': (retry) => queue.reserve({ topics: 't', limit: 1, leaseMs: 1, retry }),
    'deadTtlMs of a retry': (deadTtlMs) =>
      queue.reserve({ topics: 't', limit: 1, leaseMs: 1, retry: { deadTtlMs } }),
    'signal of a pop': (signal) => queue.pop('t', { signal }),
    'onEvent of a pop': (onEvent) => queue.pop('t', { onEvent }),
    'promoted of an announcement': (promoted) => queue.announce('d', { promoted }),
    'latestMs of an announcement': (latestMs) => queue.announce('d', { latestMs }),
    'onProgress of stats': (onProgress) => queue.stats({ onProgress }),
    'the options of maintain': (options) => queue.maintain(options),
    'isThorough of maintain': (isThorough) => queue.maintain({ isThorough }),
    'graceMs of maintain': (graceMs) => queue.maintain({ graceMs }),
    'limit of findFlawed': (limit) => queue.findFlawed({ limit }),
    'since of a wait': (since) => queue.waitForReady('t', { since }),
    'pollMs of a wait': (pollMs) => queue.waitForPush({ pollMs }),
    'progress of an import': (progress) => queue.import([], { progress }),
  })) {
    it(`${what} is refused as a usage error when it is null, or of a wrong kind`, async () => {
      for (const value of [null, '', 'text', Symbol('odd'), NaN, -1, [null]] as never[])
        expect(await failureOf(call(value)), String(value)).to.include({ code: 'usage', exitCode: 2 });
    });
  }

  for (const [what, call] of Object.entries({
    'a signal that keeps its listeners': () => queue.pop('t', { signal: deaf as never }),
    'a false lock': () => queue.reserve({ topics: 't', limit: 1, leaseMs: 1, lock: false as never }),
    'an unknown option of maintain': () => queue.maintain({ limit: 5 } as object),
    'a body whose memory was transferred': () => queue.push({ ...job, body: detached }),
    'a topic whose memory was transferred': () => queue.pop(detached),
  })) {
    it(`${what} is refused as a usage error`, async () => {
      expect(await failureOf(call())).to.include({ code: 'usage', exitCode: 2 });
    });
  }

  const reserving = { topics: 't', limit: 1, leaseMs: 1000 };
  for (const [what, call] of Object.entries<(value: number) => Promise<unknown>>({
    'delayMs of a push': (delayMs) => queue.push({ ...job, delayMs }),
    'ttlMs of a push': (ttlMs) => queue.push({ ...job, ttlMs }),
    'retries of a push': (retries) => queue.push({ ...job, retries }),
    'the backoff of a push': (lastMs) => queue.push({ ...job, backoff: { firstMs: 1, lastMs } }),
    'leaseMs of a reserve': (leaseMs) => queue.reserve({ ...reserving, leaseMs }),
    'deadTtlMs of a reserve': (deadTtlMs) => queue.reserve({ ...reserving, retry: { deadTtlMs } }),
    'leaseMs of an extend': (leaseMs) => queue.extend([], leaseMs),
    'leaseMs of a hold': (leaseMs) => queue.hold([{ id: '1' }], { leaseMs, holder: 'h' }),
    'delayMs of a nack': (delayMs) => queue.nack([], { delayMs }),
    'deadTtlMs of a nack': (deadTtlMs) => queue.nack([], { dead: true, deadTtlMs }),
    'delayMs of a reschedule': (delayMs) => queue.reschedule([{ id: '1', delayMs }]),
    'byMs of a reschedule': (byMs) => queue.reschedule([{ id: '1', byMs }]),
    'ttlMs of an edit': (ttlMs) => queue.edit({ id: '1', ttlMs }),
    'delayMs of a requeue': (delayMs) => queue.requeue([], { delayMs }),
    'forMs of a pause': (forMs) => queue.pause('t', { forMs }),
  })) {
    it(`${what} is refused as a usage error when it is beyond the bounds`, async () => {
      for (const value of [Number.MAX_SAFE_INTEGER, 1e300, NaN])
        expect(await failureOf(call(value)), String(value)).to.include({ code: 'usage', exitCode: 2 });
    });
  }
});

import { expect } from 'chai';
import fc from 'fast-check';
import { DelayerError } from '../../../src/core/errors.js';
import type { Queue } from '../../../src/core/queue.js';
import { OriginalClient } from '../../interop/original.js';
import { LONG_MS, must, reserve, SECOND_MS, textOf } from '../../support/jobs.js';
import { freshPrefix, useRedis } from '../../support/redis.js';

const RUNS = 25;

/** Any double as text, mostly those that are not a time. */
const score = fc.oneof(
  fc.constantFrom('inf', '-inf', '1e300', '-1e300', '1e17', '-5', '0', '1e-300', '8640000000001', '1e15'),
  fc
    .double({ noNaN: true })
    .filter((at) => at < 1e9 || at > 1e10)
    .map(String),
);
/** Ready lifetimes (ms from now) that another client can set; undefined for a key that never expires. */
const lifetime = fc.option(
  fc.oneof(
    fc.constantFrom(1e16, 9e15, 1e15, 253_402_300_800_000, 9_007_199_254_740_991),
    fc.integer({ min: 60_000 }),
  ),
  { nil: undefined },
);
const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((array) => Buffer.from(array));
const bucket = fc.oneof(
  { weight: 4, arbitrary: fc.constant('job' as const) },
  fc.constantFrom('without body', 'without topic', 'string', 'list', 'zset', 'none'),
);
const place = fc.constantFrom('pool', 'ready', 'ready twice', 'pool and ready', 'nowhere');
const oddJob = fc.record({
  bucket,
  place,
  score,
  lifetime,
  memo: fc.option(fc.oneof(bytes, fc.constantFrom(Buffer.from([0x91, 0x02]), Buffer.from([0x90]))), {
    nil: undefined,
  }),
  attempts: fc.option(fc.constantFrom('5', '-1', 'nan', '1e308', 'x', '0x7f'), { nil: undefined }),
  note: fc.option(fc.oneof(bytes, fc.constantFrom('3 . 5 topic', '3   topic', '. 1 x', '3 1e9  x', '')), {
    nil: undefined,
  }),
});
type OddJob = typeof oddJob extends fc.Arbitrary<infer T> ? T : never;

describe('invalid values in the keys of Redis', () => {
  const ground = useRedis({ movableClock: true });
  let prefix = '';
  const key = (rest: string | Buffer) => Buffer.concat([Buffer.from(`${prefix}:`), Buffer.from(rest)]);

  /** Opens a queue with a fresh prefix for each run of a property. */
  async function withQueue(use: (queue: Queue) => Promise<void>): Promise<void> {
    prefix = freshPrefix();
    const queue = ground.queueOf(prefix);
    try {
      await use(queue);
    } finally {
      await queue.close();
    }
  }

  /** Asks all views; they may fail only because of a record of a later version. */
  async function looksAt(queue: Queue, ids: readonly string[]): Promise<void> {
    const looks = [
      () => queue.stats(),
      () => queue.stats({ exact: false }),
      () => queue.list('topic', { limit: 100 }),
      () => queue.health(),
      ...ids.map((id) => () => queue.find(id)),
    ];
    for (const look of looks) JSON.stringify(await look().catch(onlyTooNew));
  }
  function onlyTooNew(error: unknown): undefined {
    if (error instanceof DelayerError && error.code === 'store_too_new') return undefined;
    throw error;
  }

  async function write(id: string, job: OddJob): Promise<void> {
    const { raw } = ground;
    const name = key(`job_bucket:${id}`);
    if (job.bucket === 'string') await raw.set(name, 'a string');
    else if (job.bucket === 'list') await raw.rpush(name, 'a list');
    else if (job.bucket === 'zset') await raw.zadd(name, 1, 'a zset');
    else if (job.bucket !== 'none') {
      if (job.bucket !== 'without topic') await raw.hset(name, 'topic', 'topic');
      if (job.bucket !== 'without body') await raw.hset(name, 'body', id);
      if (job.memo) await raw.hset(name, 'delayer', job.memo);
      if (job.attempts !== undefined) await raw.hset(name, 'attempts', job.attempts);
    }
    if (job.lifetime !== undefined) await raw.pexpire(name, String(job.lifetime));
    if (job.note !== undefined) await raw.hset(key('ready_due'), id, job.note);
    const ready = key('ready_queue:topic');
    if (job.place.startsWith('pool')) await raw.zadd(key('job_pool'), job.score, id);
    if (job.place !== 'pool' && job.place !== 'nowhere') await raw.lpush(ready, id);
    if (job.place === 'ready twice') await raw.lpush(ready, id);
  }

  /** Complete jobs that are ready or due are delivered. */
  const isDeliverable = ({ bucket: found, place: where, score: due }: OddJob): boolean =>
    found === 'job' &&
    (where.startsWith('ready') || (where.startsWith('pool') && (due === '-inf' || Number(due) < 1e9)));

  it('of jobs block and lose no other job, and views answer', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(oddJob, { minLength: 1, maxLength: 6 }), async (jobs) => {
        await withQueue(async (queue) => {
          for (const [i, job] of jobs.entries()) await write(`odd-${i}`, job);
          await queue.push({ id: 'witness', topic: 'topic', body: 'witness', ttlMs: LONG_MS });
          const ids = [...jobs.keys()].map((i) => `odd-${i}`);
          await looksAt(queue, ids);
          await queue.maintain();
          await looksAt(queue, ids);
          const got: string[] = [];
          for (let job; (job = await queue.pop('topic'));) {
            JSON.stringify(job);
            got.push(textOf(job) ?? '');
          }
          const wanted = [...ids.filter((_, i) => isDeliverable(must(jobs[i]))), 'witness'];
          expect(got.sort()).to.deep.equal(wanted.sort());
          await looksAt(queue, ids);
        });
      }),
      { numRuns: RUNS },
    );
  });

  it('of a job do not keep it from coming back after a lease, a release and a retry', async () => {
    const whole = oddJob.map((job) => ({
      ...job,
      bucket: 'job' as const,
      place: 'pool' as const,
      score: '-5',
    }));
    await fc.assert(
      fc.asyncProperty(whole, fc.constantFrom('lease end', 'release', 'retry'), async (job, how) => {
        await withQueue(async (queue) => {
          await write('odd', job);
          const jobs = await reserve(queue, 'topic', 1, SECOND_MS);
          expect(jobs).to.have.length(1);
          if (how === 'release') await queue.release(jobs);
          if (how === 'retry') await queue.nack(jobs, { delayMs: 0 });
          ground.clock.advance(2 * SECOND_MS);
          await looksAt(queue, ['odd']);
          expect(textOf(await queue.pop('topic'))).to.equal('odd');
        });
      }),
      { numRuns: RUNS },
    );
  });

  it('such as a ready lifetime of 10^13 s are limited to the year 9999, and the job comes back after its lease', async () => {
    await withQueue(async (queue) => {
      await new OriginalClient(ground.raw, prefix).push('32', 'topic', 'b', 0, 1e13);
      await looksAt(queue, ['32']);
      const [job] = await reserve(queue, 'topic', 1, SECOND_MS);
      expect(job?.expiresAt?.toISOString()).to.equal('9999-12-31T23:59:59.999Z');
      ground.clock.advance(2 * SECOND_MS);
      const again = must(await queue.pop('topic'));
      expect([textOf(again), again.expiresAt?.toISOString()]).to.deep.equal([
        'b',
        '9999-12-31T23:59:59.999Z',
      ]);
    });
  });

  /** Any bytes, or bytes for one value of a record that delayer packed. */
  const packed = fc.oneof(
    bytes,
    fc
      .constantFrom(
        '',
        'text',
        '\x90',
        '\x93\x02\xa1t\x00',
        '\x80',
        '\xc0',
        '\xdd\xff\xff\xff\xff',
        '\x91\xcb',
      )
      .map((text) => Buffer.from(text, 'latin1')),
    fc.tuple(fc.nat(12), bytes),
  );

  it('of records block no other job, and are left as they are', async () => {
    const keys = fc.constantFrom('inflight:token', 'waiting:odd', 'dead_letter:odd');
    await fc.assert(
      fc.asyncProperty(keys, packed, async (name, value) => {
        await withQueue(async (queue) => {
          const { raw } = ground;
          const record = await spoil(queue, value);
          await raw.zadd(key('reserved'), 1, name.startsWith('waiting') ? ':odd' : 'token');
          await raw.zadd(key('dead'), 1, 'odd');
          if (name.startsWith('inflight')) await raw.set(key(name), record);
          else await raw.rpush(key(name), record);
          const before = await raw.dumpBuffer(key(name));
          await looksAt(queue, ['odd']);
          const done = await queue.maintain().catch(onlyTooNew);
          await queue.push({ id: 'witness', topic: 'topic', body: 'b' });
          const job = await queue.pop('topic').catch(onlyTooNew);
          if (!done) return;
          expect(textOf(job)).to.equal('b');
          await looksAt(queue, ['odd']);
          expect(await raw.dumpBuffer(key(name))).to.deep.equal(before);
        });
      }),
      { numRuns: RUNS },
    );
  });

  /** The bytes themselves, or a record that delayer packed with the bytes in place of one of its values. */
  async function spoil(queue: Queue, value: Buffer | [number, Buffer]): Promise<Buffer> {
    if (Buffer.isBuffer(value)) return value;
    const [at, bytesThere] = value;
    await queue.push({ id: 'spoilt', topic: 'topic', body: 'spoilt' });
    await reserve(queue, 'topic');
    const [name] = await ground.raw.keys(key('inflight:*').toString());
    const record = (await ground.raw.eval(
      `local r = cmsgpack.unpack(redis.call('GET', KEYS[1])) redis.call('DEL', KEYS[1]) ` +
        `r[tonumber(ARGV[1]) + 2] = ARGV[2] return cmsgpack.pack(r)`,
      1,
      name ?? '',
      at,
      bytesThere,
    )) as string;
    return Buffer.from(record);
  }

  it('of the other keys of delayer block no job', async () => {
    const fields = fc.record({
      paused: fc.constantFrom('nan', 'x', '-1', '1e5', '', '\0'),
      known: bytes,
      aside: bytes,
      note: bytes,
      member: fc.constantFrom(':', ':x', 'x.1', '', '\0', 'a:b'),
      weird: score,
    });
    await fc.assert(
      fc.asyncProperty(fields, async ({ paused, known, aside, note, member, weird }) => {
        await withQueue(async (queue) => {
          const { raw } = ground;
          await raw.hset(key('paused'), 'topic', paused);
          await raw.hset(key('ready_known'), 'topic', known);
          await raw.hset(key('set_aside'), 'odd', aside);
          await raw.hset(key('ready_due'), 'odd', note);
          for (const name of ['reserved', 'dead', 'daemons']) await raw.zadd(key(name), weird, member);
          await looksAt(queue, ['odd', 'x']);
          const done = await queue.maintain().catch(onlyTooNew);
          await queue.push({ id: 'witness', topic: 'topic', body: 'b' });
          if (done) expect(textOf(await queue.pop('topic'))).to.equal('b');
          await queue.pop('topic').catch(onlyTooNew);
          await looksAt(queue, ['odd', 'x']);
        });
      }),
      { numRuns: RUNS },
    );
  });
});

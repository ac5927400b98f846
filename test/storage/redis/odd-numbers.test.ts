import { expect } from 'chai';
import fc from 'fast-check';
import { explain } from '../../../src/output/explain.js';
import { explainedJobToJson, jobToJson, overviewToJson, toJsonLine } from '../../../src/output/json.js';
import { jobCard } from '../../../src/output/job-card.js';
import { JOB_COLUMNS, jobsTable } from '../../../src/output/job-table.js';
import { overviewTable } from '../../../src/output/overview-table.js';
import { useRedis } from '../../support/redis.js';

const SCORES = [
  'inf',
  '-inf',
  '0',
  '-0.5',
  '1e13',
  '1e17',
  '1.7976931348623157e308',
  '5e-324',
  '253402300800',
];
const TTL_MS = [1, 999, 1e10, 1e13, 1e16, 9e18];
const TYPES = [
  'hash',
  'none',
  'string',
  'list',
  'zset',
  'set',
  'hash without a topic',
  'empty topic',
] as const;

const score = fc.oneof(fc.constantFrom(...SCORES), fc.double({ noNaN: true }).map(String));
const job = fc.record({
  id: fc.uint8Array({ minLength: 1, maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
  score: fc.option(score, { nil: undefined }),
  entries: fc.nat({ max: 2 }),
  ttlMs: fc.option(fc.oneof(fc.constantFrom(...TTL_MS), fc.nat()), { nil: undefined }),
  body: fc.constantFrom(...TYPES),
  note: fc.option(
    fc.oneof(
      fc.constantFrom('3 inf  topic', '3 1e300 99999999999999999999 topic', '', '3 1 1 '),
      fc.string(),
    ),
    {
      nil: undefined,
    },
  ),
  // Not an array, because one that begins with a later version is refused with store_too_new.
  memo: fc.option(
    fc.uint8Array({ maxLength: 8 }).filter(([first = 0]) => first >> 4 !== 9),
    { nil: undefined },
  ),
});

/** Other clients are untrusted: a view shows or skips whatever they wrote to any key. */
describe('views of keys that other clients may have written to Redis', () => {
  const ground = useRedis({ movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;
  const bucketOf = (id: Buffer) => Buffer.concat([Buffer.from(key('job_bucket:')), id]);

  type OddJob = typeof job extends fc.Arbitrary<infer T> ? T : never;

  async function write({ id, score, entries, ttlMs, body, note, memo }: OddJob): Promise<void> {
    const { raw } = ground;
    const bucket = bucketOf(id);
    await raw.del(bucket);
    if (body === 'hash') await raw.hset(bucket, { topic: 'topic', body: Buffer.from([0xff, 0x1b]) });
    if (body === 'hash' && memo) await raw.hset(bucket, 'delayer', Buffer.from(memo));
    if (body === 'string') await raw.set(bucket, 'text');
    if (body === 'list') await raw.lpush(bucket, 'text');
    if (body === 'zset') await raw.zadd(bucket, 1, 'text');
    if (body === 'set') await raw.sadd(bucket, 'text');
    if (body === 'hash without a topic') await raw.hset(bucket, 'body', 'b');
    if (body === 'empty topic') await raw.hset(bucket, { topic: '', body: '' });
    if (score !== undefined) await raw.zadd(key('job_pool'), score, id);
    for (let i = 0; i < entries; i += 1) await raw.lpush(key('ready_queue:topic'), id);
    if (ttlMs !== undefined && body !== 'none')
      await raw.call('PEXPIRE', bucket, BigInt(ttlMs).toString()).catch(() => 0);
    if (note !== undefined) await raw.hset(key('ready_due'), id, note);
  }

  it('agree on jobs with any score, lifetime, type, note and memo', async () => {
    ground.clock.stop();
    await fc.assert(
      fc.asyncProperty(fc.array(job, { maxLength: 8 }), async (jobs) => {
        const stale = await ground.raw.keysBuffer(key('*'));
        if (stale.length > 0) await ground.raw.del(...stale);
        for (const one of jobs) await write(one);
        const queue = ground.queue();
        const [stats, health, now] = await Promise.all([queue.stats(), queue.health(), queue.now()]);
        await queue.stats({ exact: false });
        const { jobs: flawed } = await queue.findFlawed({ limit: 100 });
        const found = (await Promise.all(jobs.map(({ id }) => queue.find(id)))).flat();
        const page = await queue.list('topic', { limit: 100 });
        for (const one of [...found, ...flawed, ...page.jobs]) {
          const sentences = explain(one, now);
          expect(sentences).to.not.be.empty;
          toJsonLine(explainedJobToJson(one, sentences));
          jobCard(one, sentences, now, 80);
        }
        jobsTable(page.jobs, JOB_COLUMNS, { now, width: 80 });
        toJsonLine(page.jobs.map(jobToJson));
        overviewTable(stats, [...(stats.problems ?? []), ...health], { now, width: 80 });
        toJsonLine(overviewToJson('store', stats, health));
        if ((stats.totals.due ?? 0) > 0) expect(stats.overdueSince?.getTime()).to.be.within(0, now.getTime());
        const counts = stats.topics.find(({ topic }) => topic.toString() === 'topic');
        const listed = (state: string) => page.jobs.filter((one) => one.state === state).length;
        for (const state of ['delayed', 'due', 'ready', 'expired'] as const)
          expect(listed(state), state).to.equal(counts?.[state] ?? 0);
        await queue.close();
      }),
      { numRuns: Number(process.env.FC_RUNS ?? 30) },
    );
  });

  it('a promote of many jobs, some with an infinite score, keeps the order of due time', async () => {
    const ids = Array.from({ length: 3000 }, (_, i) => `${i}`.padStart(4, '0'));
    const isOdd = (id: string) => Number(id) % 2 === 1;
    for (const id of ids) {
      const one = { score: isOdd(id) ? 'inf' : `${2e9 + Number(id)}`, entries: 0, body: 'hash' } as const;
      await write({ ...one, id: Buffer.from(id), ttlMs: undefined, note: undefined, memo: undefined });
    }
    const queue = ground.queue();
    await queue.promote(ids);
    const inOrder = [...ids.filter((id) => !isOdd(id)), ...ids.filter(isOdd)];
    const entries = await ground.raw.lrange(key('ready_queue:topic'), 0, -1);
    expect(entries.reverse()).to.deep.equal(inOrder);
  });
});

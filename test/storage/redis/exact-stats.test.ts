import { expect } from 'chai';
import { HOUR_MS, maintainAll } from '../../support/jobs.js';
import { useRedis } from '../../support/redis.js';

/** Above this number, jobs are counted by their topics, without reading each body. */
const COUNTED_ONE_BY_ONE = 10_000;
const SOME = 500;
/** Adds 50,000 delayed jobs: with fewer keys, stats always scan the names of all keys. */
const DELAYED_50000 = `for i = 1, 50000 do
  redis.call('HSET', KEYS[1] .. i, 'topic', 'seen', 'body', 'b')
  redis.call('ZADD', KEYS[2], 1e10, i)
end`;

describe('exact stats of many jobs of Redis', function () {
  this.timeout(60_000);
  const ground = useRedis();
  const key = (rest: string) => `${ground.prefix}:${rest}`;

  const push = (stem: string, count: number, topic: (n: number) => string, delayMs: number) =>
    ground
      .queue()
      .pushMany(
        Array.from({ length: count }, (_, n) => ({ id: `${stem}${n}`, topic: topic(n), body: 'b', delayMs })),
      );
  const rows = async () => {
    const {
      topics,
      totals,
      problems = [],
      beyond,
    } = await ground.queue().stats({ exact: true, beyond: later });
    const counted = topics.map((row) => [
      row.topic.toString(),
      ...[row.delayed, row.beyond, row.ready, row.expired],
    ]);
    return { counted, totals, problems: problems.map(({ code, message }) => `${code} ${message}`), beyond };
  };
  let later: Date;

  it('count each state of each topic over many calls, and find what is wrong with jobs', async () => {
    await push('r', COUNTED_ONE_BY_ONE, () => 'ready', 0);
    await push('q', SOME, (n) => `ready-${n % 2}`, 0);
    await maintainAll(ground.queue());
    later = new Date((await ground.queue().now()).getTime() + 1.5 * HOUR_MS);
    await push('d', SOME, (n) => `delayed-${n % 2}`, HOUR_MS);
    await push('e', 3 * SOME, () => 'ready', 2 * HOUR_MS);
    const whole = [
      ['delayed-0', SOME / 2, 0, 0, 0],
      ['delayed-1', SOME / 2, 0, 0, 0],
      ['ready', 3 * SOME, 3 * SOME, COUNTED_ONE_BY_ONE, 0],
      ['ready-0', 0, 0, SOME / 2, 0],
      ['ready-1', 0, 0, SOME / 2, 0],
    ];
    expect((await rows()).counted).to.deep.equal(whole);

    const { raw } = ground;
    // Of the ready jobs two expire, one gets a key of a wrong type, and two get a second entry. The entries d0 and q0 are of
    // a delayed job and of a job of another topic.
    await raw.del(key('job_bucket:r1'), key('job_bucket:r9999'));
    await raw.del(key('job_bucket:r5'));
    await raw.set(key('job_bucket:r5'), 'text');
    await raw.lpush(key('ready_queue:ready'), 'r7', 'r8', 'r8');
    await raw.lpush(key('ready_queue:ready'), 'd0', 'q0');
    // One delayed job loses its body.
    await raw.del(key('job_bucket:e700'));
    const { counted, totals, problems, beyond } = await rows();
    expect(counted.find(([topic]) => topic === 'ready')).to.deep.equal([
      ...['ready', 3 * SOME - 1, 3 * SOME - 1, COUNTED_ONE_BY_ONE - 3, 3],
    ]);
    expect(totals).to.include({ delayed: 4 * SOME - 1, due: 0, expired: 3 });
    expect(totals.ready).to.equal(COUNTED_ONE_BY_ONE + SOME - 3);
    expect(beyond).to.equal(3 * SOME - 1);
    expect(problems).to.deep.equal([
      'bodies_gone 1 job has lost the body and will never be delivered',
      'wrong_type 1 job has a key of the wrong type in place of the body',
      'old_entries 2 entries of ready lists are of a job that is not ready, or of another topic: original clients would get it early',
      'doubled_entries 2 ready jobs are in the ready list more than once, as two original daemons leave them',
    ]);
  });

  describe('when each key is accounted for', () => {
    const ready = async () => {
      const { topics } = await ground.queue().stats({ exact: true });
      return topics.map(({ topic, ready }) => [topic.toString(), ready]);
    };
    /** Adds a list that only original clients have used: two keys that delayer has not seen. */
    const pushUnseen = async () => {
      await ground.raw.hset(key('job_bucket:unseen'), { topic: 'unseen', body: 'b' });
      await ground.raw.lpush(key('ready_queue:unseen'), 'unseen');
    };

    beforeEach(async () => {
      await ground.raw.flushdb();
      await push('k', COUNTED_ONE_BY_ONE + 1, () => 'seen', 0);
      await maintainAll(ground.queue());
      await ground.raw.eval(DELAYED_50000, 2, key('job_bucket:'), key('job_pool'));
      await ground.raw.zadd(key('topics'), 1, 'seen');
    });

    it('do not scan the names of keys', async () => {
      await ground.raw.config('RESETSTAT');
      expect(await ready()).to.deep.equal([['seen', COUNTED_ONE_BY_ONE + 1]]);
      expect(await ground.raw.info('commandstats')).not.to.include('cmdstat_scan:');
    });

    it('count the ready list of a topic that delayer has not seen', async () => {
      await pushUnseen();
      expect(await ready()).to.deep.equal([
        ['seen', COUNTED_ONE_BY_ONE + 1],
        ['unseen', 1],
      ]);
    });

    for (const [what, hide] of [
      ['ready jobs that have expired', () => ground.raw.del(key('job_bucket:k1'), key('job_bucket:k2'))],
      ['entries that stand twice', () => ground.raw.rpush(key('ready_queue:seen'), 'k1', 'k2')],
      ['delayed jobs without a body', () => ground.raw.zadd(key('job_pool'), 1e10, 'x', 1e10, 'y')],
    ] as const)
      it(`count the ready list of an unseen topic where ${what} make up for its keys`, async () => {
        await hide();
        await pushUnseen();
        expect((await ready()).find(([topic]) => topic === 'unseen')).to.deep.equal(['unseen', 1]);
      });
  });
});

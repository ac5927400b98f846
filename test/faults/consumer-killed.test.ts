import { expect } from 'chai';
import { join } from 'node:path';
import { DELIVERY_LEASE_MS } from '../../src/core/lease.js';
import { Queue } from '../../src/core/queue.js';
import { SqliteStore } from '../../src/storage/sqlite/store.js';
import { expectQuiet, forEachStore, idsIn, linesOf, useCli } from '../support/cli.js';
import { MovableClock, type TestClock } from '../support/clock.js';
import { eventually } from '../support/eventually.js';
import { drain as drainQueue, idsOf } from '../support/jobs.js';
import { useRedis } from '../support/redis.js';
import { expectAllAccountedFor, idsInQueue, numbered, pushAll } from './accounting.js';

const TOPIC = 'topic';
/** The most jobs that a drain has leased: a batch that it prints, and the next one. */
const IN_HAND = 500;

describe('a consumer that is killed:', () => {
  const redis = useRedis({ movableClock: true });
  const cli = useCli();

  async function expectNoneLost(url: string, clock: TestClock, queue: Queue): Promise<void> {
    const env = { DELAYER_STORE: url, DELAYER_PREFIX: redis.prefix };
    const ids = numbered(4000);
    await pushAll(queue, TOPIC, ids);
    const drain = cli.start(['drain', TOPIC], { env });
    await drain.printed(400);
    // The last line may be cut off: its job was not delivered.
    const delivered = idsIn(linesOf(await drain.end('SIGKILL')));
    const rest = idsIn(linesOf(expectQuiet(await cli.run(['drain', TOPIC], { env }))));
    clock.advance(DELIVERY_LEASE_MS);
    rest.push(...idsOf(await drainQueue(queue, TOPIC)));
    expect(await idsInQueue(queue, TOPIC)).to.be.empty;
    expect(new Set([...delivered, ...rest])).to.deep.equal(new Set(ids));
    expect(rest).to.have.length(new Set(rest).size);
    expect(delivered.length + rest.length - ids.length).to.be.within(0, IN_HAND);
  }

  it('a drain on Redis that is killed with -9 loses no job: its leased jobs come back when their leases end', async () => {
    await expectNoneLost(redis.server.url, redis.clock, redis.queue());
  });

  it('a drain on SQLite that is killed with -9 loses no job: its leased jobs come back when their leases end', async () => {
    const path = join(cli.home, 'queue.db');
    const clock = new MovableClock();
    const queue = new Queue(await SqliteStore.open(path, { now: () => clock.now() }));
    try {
      await expectNoneLost(`sqlite:${path}`, clock, queue);
    } finally {
      await queue.close();
    }
  });
});

describe('a consumer that is stopped:', () => {
  forEachStore((cli) => {
    it('a drain that is stopped for less than its lease continues, and each job is delivered once', async () => {
      const queue = await cli.queue();
      const ids = numbered(3000);
      await queue.pushMany(ids.map((id) => ({ id, topic: TOPIC, body: 'x'.repeat(2000) })));
      const drain = cli.start(['drain', TOPIC]);
      // Nothing reads its output, so it blocks in a write with two batches leased, and without an open transaction,
      // which would lock the file.
      drain.child.stdout?.pause();
      await eventually(async () => (await queue.stats()).topics[0]?.leased === IN_HAND);
      // This push waits until that transaction has ended.
      await queue.push({ topic: 'another', body: 'b' });
      drain.child.kill('SIGSTOP');
      const other = idsIn(linesOf(expectQuiet(await cli.run(['drain', TOPIC]))));
      expect(other).to.have.length(ids.length - IN_HAND);
      drain.child.kill('SIGCONT');
      drain.child.stdout?.resume();
      const own = idsIn(linesOf(expectQuiet(await drain.ended)));
      await expectAllAccountedFor(queue, TOPIC, { pushed: ids, delivered: [...own, ...other] });
    });
  });
});

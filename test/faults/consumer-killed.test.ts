import { expect } from 'chai';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DELIVERY_LEASE_MS } from '../../src/core/lease.js';
import { openQueue } from '../../src/storage/open.js';
import { expectQuiet, forEachStore, idsIn, linesOf, useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { useRedis } from '../support/redis.js';
import { expectAllAccountedFor, idsInQueue, numbered, pushAll } from './accounting.js';

const TOPIC = 'topic';
/** Jobs that a drain may have in hand: one batch that is printed, and the next. */
const IN_HAND = 500;

describe('a consumer that is killed or stopped:', function () {
  this.timeout(60_000);
  const redis = useRedis();
  const cli = useCli();

  it('a drain that is killed with -9 costs no job: what it had in hand comes back when its leases end', async () => {
    const stores = [redis.server.url, `sqlite:${join(cli.home, 'queue.db')}`];
    await Promise.all(
      stores.map(async (url) => {
        const env = { DELAYER_STORE: url, DELAYER_PREFIX: redis.prefix };
        const queue = await openQueue(url, { prefix: redis.prefix });
        try {
          const ids = numbered(4000);
          await pushAll(queue, TOPIC, ids);
          const drain = cli.start(['drain', TOPIC], { env });
          await drain.printed(400);
          const killed = await drain.end('SIGKILL');
          // The last line may be cut off: its job was not delivered.
          const delivered = idsIn(linesOf(killed));
          const rest = idsIn(linesOf(expectQuiet(await cli.run(['drain', TOPIC], { env }))));
          await eventually(
            async () => {
              rest.push(...(await queue.popMany(TOPIC, 500)).map(({ id }) => id.toString()));
              return (await idsInQueue(queue, TOPIC)).length === 0;
            },
            { withinMs: DELIVERY_LEASE_MS + 10_000, everyMs: 200 },
          );
          expect(new Set([...delivered, ...rest]), url).to.deep.equal(new Set(ids));
          expect(rest).to.have.length(new Set(rest).size);
          expect(delivered.length + rest.length - ids.length).to.be.within(0, IN_HAND);
        } finally {
          await queue.close();
        }
      }),
    );
  });
});

describe('a consumer that is stopped:', () => {
  forEachStore((cli) => {
    it('a drain that is stopped for less than its lease goes on where it was: each job is delivered once', async () => {
      const queue = await cli.queue();
      const ids = numbered(3000);
      await queue.pushMany(ids.map((id) => ({ id, topic: TOPIC, body: 'x'.repeat(2000) })));
      const drain = cli.start(['drain', TOPIC]);
      // A reader that takes nothing: it stands still in a write, with two batches in hand, and with no
      // transaction open, which would rightly keep the others from a file.
      drain.child.stdout?.pause();
      await eventually(async () => (await queue.stats()).topics?.[0]?.leased === IN_HAND);
      await sleep(100); // Lets that transaction end.
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

import { expect } from 'chai';
import type { Target } from '../../../src/storage/redis/scripts/run.js';
import { stats } from '../../../src/storage/redis/inspect/stats.js';
import { Keys } from '../../../src/storage/redis/keys.js';
import { useRedis } from '../../support/redis.js';

describe('exact stats while a job is promoted', () => {
  const ground = useRedis({ movableClock: true });

  it('count the job, whichever of their calls the promotion precedes', async () => {
    const queue = ground.queue();
    const target: Target = { redis: ground.raw, keys: new Keys(ground.prefix) };
    for (let step = 0, calls = Infinity; step < calls; step++) {
      await queue.push({ topic: `topic-${step}`, body: 'b', delayMs: 1000 });
      ground.clock.advance(1000);
      calls = 0;
      const read = async <T>(ask: (target: Target) => Promise<T>): Promise<T> => {
        if (calls++ === step) await queue.maintain();
        return ask(target);
      };
      const { totals } = await stats(read, target.keys, { exact: true });
      expect(
        (totals.delayed ?? 0) + (totals.due ?? 0) + (totals.ready ?? 0),
        `before call ${step}`,
      ).to.be.at.least(1);
      await queue.maintain();
      expect(await queue.pop(`topic-${step}`)).to.not.equal(undefined);
    }
  });
});

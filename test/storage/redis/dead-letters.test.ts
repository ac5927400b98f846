import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import { HOUR_MS, LONG_MS, maintainAll, only, reserve, SECOND_MS } from '../../support/jobs.js';
import { useRedis } from '../../support/redis.js';

describe('hundreds of dead letters of one id in Redis', () => {
  const ground = useRedis({ movableClock: true });
  const LETTERS = 450;
  const key = (rest: string) => `${ground.prefix}:${rest}`;
  const left = () => ground.raw.llen(key('dead_letter:32'));

  /** As if a job had failed so many times, a second apart; each letter is kept for an hour. */
  async function fail(queue: Queue): Promise<void> {
    await queue.push({ id: '32', topic: 'topic', body: 'b' });
    await queue.nack([only(await reserve(queue, 'topic', 1, LONG_MS))], { dead: true });
    const repeat = `
      local letter = cmsgpack.unpack(redis.call('LINDEX', KEYS[1], 0))
      redis.call('DEL', KEYS[1])
      for i = 0, ARGV[1] - 1 do
        letter[8], letter[9] = ARGV[2] + 1000 * i, ARGV[2] + 3600000 + 1000 * i
        redis.call('RPUSH', KEYS[1], cmsgpack.pack(letter))
      end
      redis.call('ZADD', KEYS[2], string.format('%.3f', ARGV[2] / 1000 + 3600), '32')`;
    const failedAt = (await queue.now()).getTime();
    await ground.raw.eval(repeat, 2, key('dead_letter:32'), key('dead'), LETTERS, failedAt);
  }

  it('are deleted in steps of 200 when their time is over', async () => {
    const queue = ground.queue();
    await fail(queue);
    ground.clock.advance(2 * HOUR_MS);
    expect(await queue.maintain()).to.include({ deleted: 200, more: true });
    expect(await left()).to.equal(LETTERS - 200);
    await maintainAll(queue);
    expect(await ground.raw.exists(key('dead_letter:32'), key('dead'))).to.equal(0);
  });

  it('are deleted one by one as their times come', async () => {
    const queue = ground.queue();
    await fail(queue);
    ground.clock.advance(HOUR_MS + SECOND_MS / 2);
    for (let gone = 1; gone <= 3; gone += 1) {
      expect(await queue.maintain()).to.include({ deleted: 1, more: false });
      expect(await left()).to.equal(LETTERS - gone);
      ground.clock.advance(SECOND_MS);
    }
  });

  it('are deleted behind letters that are kept for longer', async () => {
    const queue = ground.queue();
    await fail(queue);
    // The first 200 letters are kept for ever.
    const keep = `
      for i = 0, 199 do
        local letter = cmsgpack.unpack(redis.call('LINDEX', KEYS[1], i))
        letter[9] = ''
        redis.call('LSET', KEYS[1], i, cmsgpack.pack(letter))
      end`;
    await ground.raw.eval(keep, 1, key('dead_letter:32'));
    ground.clock.advance(2 * HOUR_MS);
    await maintainAll(queue);
    expect(await left()).to.equal(200);
    expect(await ground.raw.zscore(key('dead'), '32')).to.equal('inf');
  });
});

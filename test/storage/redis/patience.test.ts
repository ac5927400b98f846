import { expect } from 'chai';
import { MAX_TIMER_MS, monotonicMs, sleep } from '../../../src/core/timer.js';
import { Patience } from '../../../src/storage/redis/patience.js';

describe('how long an answer of Redis is waited for', () => {
  it('a time beyond the longest timer is as good as any', async () => {
    for (const ms of [MAX_TIMER_MS, 1e15]) {
      const patience = Patience.of({ untilMs: monotonicMs() + ms }, undefined, 500);
      const answer = patience?.bound(
        sleep(30).then(() => 'answer'),
        () => new Error('given up'),
      );
      expect(await answer).to.equal('answer');
    }
  });
});

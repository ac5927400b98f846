import { expect } from 'chai';
import {
  DEFAULT_RETRY,
  hasRetryLeft,
  MAX_RETRIES,
  pauseAfter,
  toRetryPolicy,
} from '../../src/core/retry-policy.js';
import { DAY_MS } from '../support/jobs.js';
import { usageError } from './usage-error.js';

describe('retry policy', () => {
  const backoff = { firstMs: 1000, lastMs: 10_000 };

  it('each pause is twice as long as the one before, up to the last', () => {
    const pauses = [1, 2, 3, 4, 5, 1000, MAX_RETRIES].map((attempt) => pauseAfter(attempt, backoff, 0));
    expect(pauses).to.deep.equal([1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
  });

  it('the jitter makes a pause up to a quarter shorter or longer', () => {
    expect([-1, 0, 0.5, 1].map((jitter) => pauseAfter(1, backoff, jitter))).to.deep.equal([
      750, 1000, 1125, 1250,
    ]);
    expect(pauseAfter(9, backoff, 1)).to.equal(12_500);
    expect(pauseAfter(1, { firstMs: 0, lastMs: 0 }, 1)).to.equal(0);
  });

  it('a job is tried once more than it has retries', () => {
    const tries = (retries: number) => [1, 2, 3].filter((attempt) => hasRetryLeft(attempt, retries));
    expect([0, 1, 2].map(tries)).to.deep.equal([[], [1], [1, 2]]);
  });

  it('the defaults are 3 retries, pauses from 1 s to 10 minutes, and dead letters for 30 days', () => {
    expect(toRetryPolicy({})).to.deep.equal({
      retries: 3,
      backoff: { firstMs: 1000, lastMs: 600_000 },
      deadTtlMs: 30 * DAY_MS,
    });
    expect(toRetryPolicy({ retries: 0, backoff, deadTtlMs: 0 })).to.deep.equal({
      retries: 0,
      backoff,
      deadTtlMs: 0,
    });
    expect(toRetryPolicy({ retries: 5 }).backoff).to.deep.equal(DEFAULT_RETRY.backoff);
  });

  for (const [what, retry, says] of [
    ['a negative number of retries', { retries: -1 }, 'negative'],
    ['a part of a retry', { retries: 1.5 }, 'whole number'],
    ['too many retries', { retries: MAX_RETRIES + 1 }, `${MAX_RETRIES}`],
    ['a backoff that gets shorter', { backoff: { firstMs: 2, lastMs: 1 } }, 'longer than the last'],
    ['a backoff with a negative pause', { backoff: { firstMs: -1, lastMs: 1 } }, 'negative'],
    ['half a backoff', { backoff: { firstMs: 1 } }, 'last pause'],
    ['a backoff that is text', { backoff: '1s..2s' }, 'not an object'],
    ['a dead ttl that would be rounded to 0, for ever', { deadTtlMs: 0.4 }, 'shorter than 1 ms'],
    ['an unknown option', { retry: 3 }, 'unknown retry option'],
  ] as const) {
    it(`${what} is a usage error`, () => {
      expect(usageError(() => toRetryPolicy(retry as never)).message).to.contain(says);
    });
  }
});

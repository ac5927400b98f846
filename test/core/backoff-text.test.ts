import { expect } from 'chai';
import fc from 'fast-check';
import { formatBackoff, parseBackoff } from '../../src/core/backoff-text.js';
import { exactDuration, MAX_DURATION_MS, parseDuration } from '../../src/core/duration.js';
import { usageError } from './usage-error.js';

describe('a backoff as text', () => {
  for (const [text, firstMs, lastMs] of [
    ['1s..10m', 1000, 600_000],
    ['1..600', 1000, 600_000],
    ['0.5..0.5', 500, 500],
    ['250ms..1h30m', 250, 5_400_000],
    ['0..0', 0, 0],
  ] as const) {
    it(`the backoff ${text} starts with ${firstMs} ms and grows up to ${lastMs} ms`, () => {
      expect(parseBackoff(text, '--backoff')).to.deep.equal({ firstMs, lastMs });
    });
  }

  for (const text of [
    '',
    '10m',
    '..',
    '1s..',
    '..10m',
    '1s...10m',
    '1s..10m..1h',
    '1s-10m',
    '-1..5',
    'a..b',
  ]) {
    it(`${JSON.stringify(text)} is an invalid backoff, and the error names the flag`, () => {
      expect(usageError(() => parseBackoff(text, '--backoff')).message).to.contain('--backoff');
    });
  }

  it('a backoff that starts with the longer pause is refused', () => {
    expect(usageError(() => parseBackoff('10m..1s', '--backoff')).message).to.match(/longer than the last/);
  });

  it('a backoff that is written as text is read back unchanged', () => {
    expect(formatBackoff({ firstMs: 1000, lastMs: 600_000 })).to.equal('1s..10m');
    const times = fc.tuple(fc.nat(MAX_DURATION_MS), fc.nat(MAX_DURATION_MS));
    fc.assert(
      fc.property(times, ([a, b]) => {
        const backoff = { firstMs: Math.min(a, b), lastMs: Math.max(a, b) };
        expect(parseBackoff(formatBackoff(backoff), '--backoff')).to.deep.equal(backoff);
      }),
    );
  });

  it('an exact duration is written in the largest units and read back unchanged', () => {
    expect([0, 250, 60_000, 5_400_000, 1_209_600_001].map(exactDuration)).to.deep.equal([
      ...['0s', '250ms', '1m', '1h30m', '2w1ms'],
    ]);
    fc.assert(
      fc.property(fc.nat(MAX_DURATION_MS), (ms) => {
        expect(parseDuration(exactDuration(ms), '--delay')).to.equal(ms);
      }),
    );
  });
});

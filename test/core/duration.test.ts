import { expect } from 'chai';
import fc from 'fast-check';
import { checkDuration, formatDuration, MAX_DURATION_MS, parseDuration } from '../../src/core/duration.js';
import { usageError } from './usage-error.js';

describe('durations', () => {
  for (const [text, ms] of [
    ['10', 10_000],
    ['10s', 10_000],
    ['0', 0],
    ['0.25', 250],
    ['250ms', 250],
    ['30m', 1_800_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['7d', 604_800_000],
    ['2w', 1_209_600_000],
    ['1m1m', 120_000],
    ['1.1', 1100],
    ['0.007', 7],
    ['1d2h3m4s5ms', 93_784_005],
    ['36525d', MAX_DURATION_MS],
    ['007', 7000],
  ] as const) {
    it(`the duration ${text} is ${ms} ms`, () => {
      expect(parseDuration(text, '--delay')).to.equal(ms);
    });
  }

  for (const text of [
    '',
    ' ',
    'soon',
    '-1',
    '-5m',
    '+5',
    '1e3',
    '0x10',
    '10 s',
    '1h 30m',
    '10S',
    '5min',
    '.5',
    '5.',
    '1,5',
    'NaN',
    'Infinity',
    '١',
    '10s\n',
    '1..5s',
    'ms',
  ]) {
    it(`${JSON.stringify(text)} is an invalid duration, and the error names the flag`, () => {
      const error = usageError(() => parseDuration(text, '--delay'));
      expect(error.message).to.contain('--delay');
    });
  }

  it('an invalid duration is quoted in the error', () => {
    expect(usageError(() => parseDuration('so"on', '--delay')).message).to.contain('"so\\"on"');
  });

  it('a duration that is too long is refused', () => {
    for (const text of ['36526d', '9999999999w', '1'.repeat(400)]) {
      expect(usageError(() => parseDuration(text, '--ttl')).message).to.equal('--ttl is too long');
    }
  });

  it('a duration is rounded to the millisecond, whatever its length and fraction', () => {
    for (const [text, ms] of [
      ['12.345678', 12_346],
      ['3121726.695538', 3_121_726_696],
      ['0.5ms', 1],
      ['0.0001', 0],
      ['1.2345s', 1235],
      ['1.00001h', 3_600_036],
      ['0.333333333333333333333', 333],
    ] as const) {
      expect(parseDuration(text, '--delay'), text).to.equal(ms);
    }
  });

  it('a duration given as a number must be from 0 to a hundred years, and is rounded to whole milliseconds', () => {
    expect(checkDuration(0, 'it')).to.equal(0);
    expect(checkDuration(MAX_DURATION_MS, 'it')).to.equal(MAX_DURATION_MS);
    expect(checkDuration(1000.4, 'it')).to.equal(1000);
    for (const wrong of [-1, -0.001, NaN, Infinity, -Infinity, MAX_DURATION_MS + 1]) {
      usageError(() => checkDuration(wrong, 'it'));
    }
  });

  it('any number of milliseconds is read from ms and from seconds with a fraction', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX_DURATION_MS }), (ms) => {
        expect(parseDuration(`${ms}ms`, 'it')).to.equal(ms);
        expect(parseDuration((ms / 1000).toFixed(3), 'it')).to.equal(ms);
      }),
    );
  });

  it('a duration is shown in at most two units', () => {
    const written = [
      0, 1, 850, 999, 1000, 12_000, 59_499, 60_000, 90_000, 5_400_000, 86_400_000, 601_200_000,
    ];
    expect(written.map(formatDuration)).to.deep.equal([
      '0 ms',
      '1 ms',
      '850 ms',
      '999 ms',
      '1 s',
      '12 s',
      '59 s',
      '1m',
      '1m30s',
      '1h30m',
      '1d',
      '6d23h',
    ]);
  });

  it('a duration is shown without a smaller unit that is not next to the larger one', () => {
    expect(formatDuration(86_400_000 + 5000)).to.equal('1d');
    expect(formatDuration(3_600_000 + 59_000)).to.equal('1h');
  });

  it('a duration just below a unit is shown in that unit', () => {
    expect(formatDuration(999.6)).to.equal('1 s');
    expect(formatDuration(59_600)).to.equal('1m');
  });
});

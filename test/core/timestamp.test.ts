import { expect } from 'chai';
import { parseTimestamp } from '../../src/core/timestamp.js';
import { usageError } from './usage-error.js';

describe('parseTimestamp', () => {
  const zone = process.env.TZ;
  before(() => {
    process.env.TZ = 'America/New_York';
  });
  after(() => {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  });

  for (const [text, iso] of [
    ['2026-03-01T12:00:00Z', '2026-03-01T12:00:00.000Z'],
    ['2026-03-01T12:00:00.25Z', '2026-03-01T12:00:00.250Z'],
    ['2026-03-01T12:00:00,25Z', '2026-03-01T12:00:00.250Z'],
    ['2026-03-01T12:00Z', '2026-03-01T12:00:00.000Z'],
    ['2026-03-01 12:00:00Z', '2026-03-01T12:00:00.000Z'],
    ['2026-03-01T12:00:00+02:00', '2026-03-01T10:00:00.000Z'],
    ['2026-03-01T12:00:00-0530', '2026-03-01T17:30:00.000Z'],
    ['2026-03-01T12:00:00', '2026-03-01T17:00:00.000Z'],
    ['2026-03-01', '2026-03-01T05:00:00.000Z'],
    ['2026-03-01T12', '2026-03-01T17:00:00.000Z'],
    ['2026-03-01T12+00:00', '2026-03-01T12:00:00.000Z'],
    ['2026-03-01T12:00+02', '2026-03-01T10:00:00.000Z'],
    ['20260301T120000Z', '2026-03-01T12:00:00.000Z'],
    ['20260301', '2026-03-01T05:00:00.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00.000Z'],
    ['@1795343220', '2026-11-22T10:27:00.000Z'],
    ['@1795343220.25', '2026-11-22T10:27:00.250Z'],
    ['@1795343220.2504999999999', '2026-11-22T10:27:00.250Z'],
    ['2026-03-01T12:00:00.2499999999999Z', '2026-03-01T12:00:00.250Z'],
    ['2026-03-01T11:59:59.9999Z', '2026-03-01T12:00:00.000Z'],
    // Daylight saving time skips the first of these hours, and repeats the second.
    ['2026-03-08T02:30', '2026-03-08T07:30:00.000Z'],
    ['2026-11-01T01:30', '2026-11-01T05:30:00.000Z'],
    ['@0', '1970-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ] as const) {
    it(`the timestamp ${text} is ${iso} (in New York)`, () => {
      expect(new Date(parseTimestamp(text, '--at')).toISOString()).to.equal(iso);
    });
  }

  for (const text of [
    '',
    'tomorrow',
    '@',
    '@-5',
    '@1e9',
    '@soon',
    '1795343220',
    '2026-3-1',
    '2026-13-01',
    '2026-02-30',
    '2025-02-29T00:00:00Z',
    '2026-03-01T25:00:00Z',
    '2026-03-01T12:60:00Z',
    '2026-0301',
    '2026-03-01T1',
    '2026-03-01T12:00:00Z ',
    '03/01/2026',
    'Sun Mar 01 2026',
    '2026-00-10',
    '2026-01-00',
    '2026-03-01T12:00:00+99:00',
  ]) {
    it(`${JSON.stringify(text)} is an invalid timestamp, and the error names the flag and the text`, () => {
      const error = usageError(() => parseTimestamp(text, '--at'));
      expect(error.message).to.contain('--at').and.contain(JSON.stringify(text));
    });
  }

  it('a timestamp after the year 9999 is refused', () => {
    for (const text of ['@253402300800', `@${'9'.repeat(300)}`]) {
      expect(usageError(() => parseTimestamp(text, '--at')).message).to.equal('--at is too far away');
    }
  });
});

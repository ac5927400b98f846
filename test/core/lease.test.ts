import { expect } from 'chai';
import fc from 'fast-check';
import type { LeasedJob } from '../../src/core/job.js';
import { formatLease, newToken, parseLease, withoutLease } from '../../src/core/lease.js';
import { usageError } from './usage-error.js';

describe('lease strings', () => {
  it('a lease string is parsed into the parts that it was made of', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 999_999_999 }),
        fc.integer({ min: 1, max: 999_999_999 }),
        fc.integer({ min: 0, max: 8.64e15 }),
        (number, count, deadlineMs) => {
          const parts = { token: newToken(), number, count, deadlineMs };
          expect(parseLease(formatLease(parts))).to.deep.equal(parts);
        },
      ),
    );
  });

  it('tokens are unique', () => {
    const tokens = Array.from({ length: 1000 }, newToken);
    for (const token of tokens) expect(token).to.match(/^[0-9a-f]{32}-[0-9a-f]{8}$/);
    expect(new Set(tokens)).to.have.length(1000);
  });

  const good = formatLease({ token: newToken(), number: 1, count: 1, deadlineMs: 1000 });
  for (const [what, text] of Object.entries({
    'the empty text': '',
    'a token alone': newToken(),
    'a lease with a part missing': good.split('.').slice(0, 3).join('.'),
    'a lease with a part too many': `${good}.1`,
    'a lease with the number 0': good.replace('.1.1.', '.0.1.'),
    'a lease with a negative number': good.replace('.1.1.', '.-1.1.'),
    'a lease with a space behind it': `${good} `,
    'a lease with a line end behind it': `${good}\n`,
    'a lease in capitals': good.toUpperCase(),
    'a number of many digits': good.replace('.1.1.', `.${'1'.repeat(10)}.1.`),
  })) {
    it(`${what} is refused as a lease and quoted in the error`, () => {
      expect(usageError(() => parseLease(text)).message).to.equal(`${JSON.stringify(text)} is not a lease`);
    });
  }

  it('no random text is accepted as a lease', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        usageError(() => parseLease(text));
      }),
    );
  });
});

describe('withoutLease', () => {
  it('a leased job becomes a ready one without lease and key', () => {
    const leased: LeasedJob = {
      id: Buffer.from('id'),
      topic: Buffer.from('topic'),
      body: Buffer.from('body'),
      state: 'leased',
      attempts: 2,
      dueAt: new Date(1),
      expiresAt: undefined,
      lease: 'lease',
      leaseUntil: new Date(2),
      key: 'key',
    };
    const job = withoutLease(leased);
    expect(job).to.include({ state: 'ready', attempts: 2, dueAt: leased.dueAt });
    expect(job).to.not.have.any.keys('lease', 'leaseUntil', 'key');
  });
});

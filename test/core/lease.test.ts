import { expect } from 'chai';
import fc from 'fast-check';
import type { LeasedJob } from '../../src/core/job.js';
import {
  formatLease,
  groupLeases,
  inOrderGiven,
  isWholeReservation,
  newToken,
  parseLease,
  withoutLease,
} from '../../src/core/lease.js';
import { usageError } from './usage-error.js';

/** The leases of a reservation, in order. */
const reservation = (count: number, token = newToken()): string[] =>
  Array.from({ length: count }, (_, i) => formatLease({ token, number: i + 1, count, deadlineMs: 1000 }));

describe('lease strings', () => {
  it('a lease string is read as it was written', () => {
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

  it('each token is another one', () => {
    const tokens = Array.from({ length: 1000 }, newToken);
    for (const token of tokens) expect(token).to.match(/^[0-9a-f]{32}-[0-9a-f]{8}$/);
    expect(new Set(tokens)).to.have.length(1000);
  });

  const [good = ''] = reservation(1);
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

  it('no arbitrary text is taken for a lease', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        usageError(() => parseLease(text));
      }),
    );
  });
});

describe('groups of leases', () => {
  it('leases are grouped by reservation, in the order of the first of each', () => {
    const [a, b] = [reservation(3), reservation(2)];
    const groups = groupLeases([a[1], b[0], a[0], b[1]] as string[]);
    expect(groups.map(({ numbers }) => numbers)).to.deep.equal([
      [2, 1],
      [1, 2],
    ]);
    expect(groups.map(({ places }) => places)).to.deep.equal([
      [0, 2],
      [1, 3],
    ]);
    expect(groups.map(({ count, deadlineMs }) => ({ count, deadlineMs }))).to.deep.equal([
      { count: 3, deadlineMs: 1000 },
      { count: 2, deadlineMs: 1000 },
    ]);
  });

  it('a reservation is whole when all its leases are given, in order', () => {
    const leases = reservation(3);
    const isWhole = (given: readonly (string | undefined)[]) =>
      groupLeases(given as string[]).map(isWholeReservation);
    expect(isWhole(leases)).to.deep.equal([true]);
    expect(isWhole(leases.slice(0, 2))).to.deep.equal([false]);
    expect(isWhole(leases.slice(1))).to.deep.equal([false]);
    expect(isWhole([leases[1], leases[0], leases[2]])).to.deep.equal([false]);
    expect(isWhole([leases[0], leases[0], leases[2]])).to.deep.equal([false]);
    expect(isWhole([...leases, leases[0]])).to.deep.equal([false]);
  });

  it('no lease is grouped when one of them is wrong', () => {
    usageError(() => groupLeases([...reservation(2), 'wrong']));
  });

  it('answers for groups come back in the order in which the leases were given', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(4), fc.nat(4)), { maxLength: 40 }), (picks) => {
        const reservations = Array.from({ length: 5 }, () => reservation(5));
        const leases = picks.map(([r, n]) => reservations[r]?.[n] ?? '');
        const groups = groupLeases(leases);
        const answers = groups.map(({ token, numbers }) =>
          numbers.map((number) => formatLease({ token, number, count: 5, deadlineMs: 1000 })),
        );
        expect(inOrderGiven(groups, answers)).to.deep.equal(leases);
      }),
    );
  });
});

describe('withoutLease', () => {
  it('a job that is given for good is ready and has no lease', () => {
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

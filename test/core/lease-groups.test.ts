import { expect } from 'chai';
import fc from 'fast-check';
import { formatLeases, groupLeases, inOrderGiven, isWholeReservation } from '../../src/core/lease-groups.js';
import { formatLease, newToken, parseLease } from '../../src/core/lease.js';
import { usageError } from './usage-error.js';

/** The leases of a reservation of another process, in order. */
const reservation = (count: number, token = newToken()): string[] =>
  Array.from({ length: count }, (_, i) => formatLease({ token, number: i + 1, count, deadlineMs: 1000 }));

/** The leases of a reservation that this process has made. */
const made = (count: number): string[] => formatLeases({ token: newToken(), count, deadlineMs: 1000 });

describe('groupLeases', () => {
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

  it('a group is a whole reservation if all its leases are given, in order', () => {
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

  it('one invalid lease makes the call fail', () => {
    usageError(() => groupLeases([...reservation(2), 'wrong']));
  });

  it('the answers for the groups are returned in the order in which the leases were given', () => {
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

  it('the leases of a reservation are formatted in the order of their numbers', () => {
    const token = newToken();
    expect(formatLeases({ token, count: 3, deadlineMs: 1000 })).to.deep.equal(reservation(3, token));
    expect(formatLeases({ token, count: 0, deadlineMs: 1000 })).to.deep.equal([]);
  });

  it('leases that this process made are grouped like those of other processes', () => {
    const given = fc.array(fc.tuple(fc.nat(6), fc.nat(3), fc.nat(3)), { maxLength: 12 });
    fc.assert(
      fc.property(given, (runs) => {
        // More reservations than the process remembers.
        const reservations = Array.from({ length: 7 }, () => made(3));
        const leases = runs.flatMap(([r, from, to]) => reservations[r]?.slice(from, to) ?? []);
        const groups = groupLeases(leases);
        const read = leases.map(parseLease);
        const tokens = [...new Set(read.map(({ token }) => token))];
        expect(groups.map(({ token }) => token)).to.deep.equal(tokens);
        for (const { token, numbers, places, ...rest } of groups) {
          const own = [...read.keys()].filter((place) => read[place]?.token === token);
          expect(rest).to.deep.equal({ count: 3, deadlineMs: 1000 });
          expect(places).to.deep.equal(own);
          expect(numbers).to.deep.equal(own.map((place) => read[place]?.number));
        }
      }),
    );
  });

  it('an invalid lease among those that this process made is refused', () => {
    const leases = made(3);
    for (const place of leases.keys()) usageError(() => groupLeases(leases.with(place, 'wrong')));
    usageError(() => groupLeases([...leases, 'wrong']));
    usageError(() => groupLeases(['wrong', ...leases]));
  });
});

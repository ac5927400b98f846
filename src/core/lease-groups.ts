import { formatLease, type LeaseParts, parseLease } from './lease.js';

/** Leases of one reservation, in the order given. */
export interface LeaseGroup {
  readonly token: string;
  readonly count: number;
  readonly deadlineMs: number;
  readonly numbers: readonly number[];
  /** Where each of them stands among the leases given. */
  readonly places: readonly number[];
}

/** Are these all leases of their reservation? Then a store may end it without reading it. */
export function isWholeReservation({ numbers, count }: LeaseGroup): boolean {
  return numbers.length === count && numbers.every((number, i) => number === i + 1);
}

/** All leases of a reservation that this process has made. */
interface MadeLeases extends Omit<LeaseParts, 'number'> {
  /** In the order of their numbers. */
  readonly leases: readonly string[];
}

/** The latest reservations, by their first lease; a worker never has more of them in hand. */
const made = new Map<string, MadeLeases>();
const MADE_KEPT = 4;

/**
 * All leases of a reservation, in the order of their numbers. They are remembered for a while, because recognising
 * the same strings takes a tenth of the time of parsing them.
 */
export function formatLeases({ token, count, deadlineMs }: Omit<LeaseParts, 'number'>): string[] {
  const leases: string[] = [];
  for (let number = 1; number <= count; number += 1)
    leases.push(formatLease({ token, number, count, deadlineMs }));
  const [first] = leases;
  if (first === undefined || count === 1) return leases;
  made.set(first, { token, count, deadlineMs, leases });
  for (const oldest of made.keys()) {
    if (made.size <= MADE_KEPT) break;
    made.delete(oldest);
  }
  return leases;
}

type Group = LeaseGroup & { numbers: number[]; places: number[] };

/**
 * Groups leases by their reservation, in the order of the first of each.
 * @throws DelayerError `usage` when one of them is not a lease; then none was looked at
 */
export function groupLeases(leases: readonly string[]): LeaseGroup[] {
  const groups = new Map<string, Group>();
  let last: { group: Group; prefix: string; suffix: string } | undefined;
  for (let place = 0; place < leases.length; place += 1) {
    const lease = leases[place] ?? '';
    // The lease before is mostly of the same reservation, and parsing every lease would take a tenth of an ack.
    let number = last && numberBetween(lease, last.prefix, last.suffix);
    if (!last || number === undefined) {
      const whole = wholeFrom(leases, place);
      if (whole && !groups.has(whole.token)) {
        groups.set(whole.token, groupOf(whole, place));
        place += whole.count - 1;
        continue;
      }
      const { token, count, deadlineMs, ...parts } = parseLease(lease);
      let group = groups.get(token);
      if (!group) groups.set(token, (group = { token, count, deadlineMs, numbers: [], places: [] }));
      number = parts.number;
      const prefix = `${token}.`;
      last = { group, prefix, suffix: lease.slice(prefix.length + String(number).length) };
    }
    last.group.numbers.push(number);
    last.group.places.push(place);
  }
  return [...groups.values()];
}

/** The remembered reservation whose leases all stand here, from this place on. */
function wholeFrom(leases: readonly string[], place: number): MadeLeases | undefined {
  const known = made.get(leases[place] ?? '');
  return known?.leases.every((lease, i) => lease === leases[place + i]) === true ? known : undefined;
}

function groupOf({ token, count, deadlineMs }: MadeLeases, place: number): Group {
  const group: Group = { token, count, deadlineMs, numbers: [], places: [] };
  for (let i = 0; i < count; i += 1) {
    group.numbers.push(i + 1);
    group.places.push(place + i);
  }
  return group;
}

/**
 * The number in a lease string whose beginning and end equal those of one that was parsed; undefined when they do
 * not.
 */
function numberBetween(lease: string, prefix: string, suffix: string): number | undefined {
  if (!lease.startsWith(prefix) || !lease.endsWith(suffix)) return undefined;
  const end = lease.length - suffix.length;
  if (end - prefix.length > 9 || lease.charCodeAt(prefix.length) === ZERO) return undefined;
  let number = 0;
  for (let at = prefix.length; at < end; at += 1) {
    const digit = lease.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    number = number * 10 + digit;
  }
  return number === 0 ? undefined : number;
}

const ZERO = '0'.charCodeAt(0);

/** Puts the answers for groups of leases into the order in which the leases were given. */
export function inOrderGiven<T>(groups: readonly LeaseGroup[], answers: readonly T[][]): T[] {
  // The answers for one reservation are in that order already.
  if (groups.length === 1) return answers[0] ?? [];
  const ordered: T[] = [];
  for (const [g, { places }] of groups.entries()) {
    for (const [i, place] of places.entries()) ordered[place] = answers[g]?.[i] as T;
  }
  return ordered;
}

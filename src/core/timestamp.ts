import { DelayerError } from './errors.js';

/** A date, perhaps a time of day, perhaps an offset; extended (`2026-03-01T12:00`) or basic (`20260301T1200`). */
const ISO_8601 =
  /^(\d{4})(-?)(\d{2})\2(\d{2})(?:[T ](\d{2})(?::?(\d{2})(?::?(\d{2})(?:[.,](\d+))?)?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/;
const OWN_LENGTH = '2026-03-01T12:00:00.000Z'.length;
const UNIX_SECONDS = /^@(\d+)(?:\.(\d+))?$/;

/** Does it name no offset, so that its meaning depends on the local time zone? */
export function isLocalTime(text: string): boolean {
  const parts = ISO_8601.exec(text);
  return parts !== null && parts[9] === undefined;
}

/** Does it have a form that {@link parseTimestamp} reads? */
export const isTimestamp = (text: string): boolean => ISO_8601.test(text) || UNIX_SECONDS.test(text);

/** The last time that can be named: the end of the year 9999, as ISO 8601 writes it. */
export const MAX_TIMESTAMP_MS = Date.UTC(10_000, 0, 1) - 1;

/**
 * Reads a point in time: ISO 8601 (`2026-03-01T12:00:00Z`; without an offset in the local time zone, a bare
 * date at its local midnight) or `@unixseconds` (`@1795343220.25`). A local time that the clocks skip is read
 * as much later as they skip (02:30 is 03:30); of one that they show twice it is the first.
 * @returns milliseconds since 1970; fractions of them are rounded
 * @throws DelayerError `usage` when it is neither
 */
export function parseTimestamp(text: string, what: string): number {
  const ms = ownToMs(text) ?? unixToMs(text) ?? isoToMs(text);
  if (ms === undefined || Number.isNaN(ms)) {
    throw new DelayerError('usage', `invalid time for ${what}: ${JSON.stringify(text)}`, {
      hint: 'Write ISO 8601 (2026-03-01T12:00:00Z) or @unixseconds (@1795343220).',
    });
  }
  if (ms > MAX_TIMESTAMP_MS) {
    throw new DelayerError('usage', `${what} is too far away`, { hint: 'The year 9999 is the last.' });
  }
  return ms;
}

/** A time as delayer prints it; written to be fast, because a file of exported jobs has millions of them. */
function ownToMs(text: string): number | undefined {
  if (text.length !== OWN_LENGTH || !text.endsWith('Z')) return undefined;
  const date = new Date(text);
  return !Number.isNaN(date.getTime()) && date.toISOString() === text ? date.getTime() : undefined;
}

function unixToMs(text: string): number | undefined {
  const [, seconds, fraction] = UNIX_SECONDS.exec(text) ?? [];
  return seconds === undefined ? undefined : Number(seconds) * 1000 + fractionToMs(fraction);
}

/** Separate from the seconds: together they have more digits than a number can hold. */
function fractionToMs(digits = '0'): number {
  return Math.round(Number(`0.${digits}`) * 1000);
}

function isoToMs(text: string): number | undefined {
  const parts = ISO_8601.exec(text);
  if (!parts) return undefined;
  const [, year, , month, day, hour = '00', minute = '00', second = '00', fraction, offset = ''] = parts;
  const zone = /^[+-]\d{2}$/.test(offset) ? `${offset}:00` : offset.replace(/(\d{2})(\d{2})$/, '$1:$2');
  // Date.parse turns 30 February into 2 March; a day that does not exist is an error here.
  const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  if (Number(day) > lastDay) return undefined;
  // Date.parse ignores digits after the third.
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${zone}`) + fractionToMs(fraction);
}

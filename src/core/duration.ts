import { DelayerError } from './errors.js';

const UNIT_MS: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** 100 years: longer than any job waits, short enough that every sum of times stays exact. */
export const MAX_DURATION_MS = 36_525 * 86_400_000;

const PARTS = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g;
const PLAIN_SECONDS = /^\d+(?:\.\d+)?$/;

/**
 * Reads a duration: `10` and `10s` are ten seconds, `250ms`, `30m`, `1h30m`, `7d`, `0.25` is 250 ms.
 * @returns milliseconds, rounded to whole ones, 0 to {@link MAX_DURATION_MS}
 * @throws DelayerError `usage` for anything else, negative or too long
 */
export function parseDuration(text: string, what: string): number {
  const ms = PLAIN_SECONDS.test(text) ? Number(text) * 1000 : sumOfParts(text);
  if (ms === undefined && text.startsWith('-')) throw negative(what);
  if (ms === undefined) {
    throw new DelayerError('usage', `invalid duration for ${what}: ${JSON.stringify(text)}`, {
      hint: 'Write seconds (10), or a number with a unit: 250ms, 10s, 30m, 1h30m, 7d.',
    });
  }
  return checkDuration(ms, what);
}

/**
 * Checks a duration given as a number of milliseconds.
 * @returns it, rounded to whole milliseconds: a fraction is what a division or floating point left
 * @throws DelayerError `usage` unless it is from 0 to {@link MAX_DURATION_MS}
 */
export function checkDuration(ms: number, what: string): number {
  if (typeof ms !== 'number' || Number.isNaN(ms))
    throw new DelayerError('usage', `${what} is not a number of milliseconds`);
  if (!(ms >= 0)) throw negative(what);
  if (ms > MAX_DURATION_MS) {
    throw new DelayerError('usage', `${what} is too long`, { hint: 'At most 36525d (100 years).' });
  }
  return Math.round(ms);
}

function negative(what: string): DelayerError {
  return new DelayerError('usage', `${what} must not be negative`, { hint: 'Write it without the minus.' });
}

function sumOfParts(text: string): number | undefined {
  if (!PARTS.test(text)) return undefined;
  let ms = 0;
  for (const [, count, unit] of text.matchAll(PART)) ms += Number(count) * (UNIT_MS[unit ?? ''] ?? NaN);
  return ms;
}

/** Writes a duration for people: `850 ms`, `12 s`, `1h30m`, `6d23h`; at most two units. */
export function formatDuration(ms: number): string {
  if (Math.round(ms) < 1000) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const parts: string[] = [];
  let rest = seconds;
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
    else if (parts.length > 0) break;
  }
  return parts.slice(0, 2).join('');
}

/** Writes a duration so that `parseDuration` reads it back: `250ms`, `1h30m`, `0s`. */
export function exactDuration(ms: number): string {
  let rest = ms;
  let text = '';
  for (const [unit, size] of [...Object.entries(UNIT_MS)].reverse()) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return text === '' ? '0s' : text;
}

import { DelayerError } from './errors.js';
import type { AbortSignalLike } from './timer.js';

/**
 * Checks of arguments. Callers in JavaScript have no compiler, and a mistyped option must not be taken for the
 * default.
 */

export function usageError(message: string, hint?: string): DelayerError {
  return new DelayerError('usage', message, { hint });
}

/** Shows a value in a message. It never throws, unlike `String`, which fails for some values. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'symbol' || typeof value === 'function') return typeof value;
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

export function assertObject(given: unknown, what: string): asserts given is object {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw usageError(`The ${what} is not an object: ${shown(given)}`);
}

/** @throws DelayerError `usage` when it is not an object, or has a field that is not among `names` */
export function assertFields(given: unknown, names: readonly string[], what: string): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw usageError(`Not an object with every ${what}: ${shown(given)}`);
  for (const name of Object.keys(given)) {
    if (!names.includes(name)) throw usageError(`unknown ${what}: ${JSON.stringify(name)}`);
  }
}

export function assertList(given: unknown, what: string): void {
  if (!Array.isArray(given)) throw usageError(`The ${what} are not an array: ${shown(given)}`);
}

export function assertText(given: unknown, what: string): void {
  if (given !== undefined && typeof given !== 'string')
    throw usageError(`The ${what} is not a string: ${shown(given)}`);
}

export function assertFlag(given: unknown, what: string): void {
  if (given !== undefined && typeof given !== 'boolean')
    throw usageError(`${what} is neither true nor false: ${shown(given)}`);
}

export function assertChoice(given: unknown, choices: readonly string[], what: string): void {
  if (!choices.includes(given as string))
    throw usageError(`unknown ${what}: ${shown(given)}`, `It is one of: ${choices.join(', ')}.`);
}

export function assertDate(given: unknown, what: string): void {
  if (given === undefined) return;
  if (!(given instanceof Date)) throw usageError(`${what} is not a Date: ${shown(given)}`);
  if (Number.isNaN(given.getTime())) throw usageError(`${what} is an invalid Date`);
}

export function assertFunction(given: unknown, what: string): void {
  if (typeof given !== 'function') throw usageError(`${what} is not a function: ${shown(given)}`);
}

export function assertSignal(given: unknown): void {
  if (given === undefined) return;
  const { aborted, addEventListener, removeEventListener } = (given ?? {}) as Partial<AbortSignalLike>;
  const hasListeners = typeof addEventListener === 'function' && typeof removeEventListener === 'function';
  if (typeof aborted !== 'boolean' || !hasListeners)
    throw usageError(`The signal is not an AbortSignal: ${shown(given)}`);
}

/** @throws DelayerError `usage` unless the value is a whole number from 1 to `most` */
export function toCount(value: number, what: string, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? 'of at least 1' : `from 1 to ${most}`;
  throw usageError(`The ${what} is not a whole number ${range}: ${shown(value)}`);
}

/** A time (ms), however long, or none. */
export function assertMs(given: unknown, what: string): void {
  if (given !== undefined && !(typeof given === 'number' && given >= 0))
    throw usageError(`The ${what} is not a number of milliseconds of at least 0: ${shown(given)}`);
}

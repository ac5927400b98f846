/**
 * Makes flags as oclif does, as far as the commands use them. A flag is a plain object; oclif would load its help,
 * parser and errors to make one, so it is loaded only by those who ask for help.
 */
import type * as Oclif from '@oclif/core/flags';

const asGiven = <T>(value: T): Promise<T> => Promise.resolve(value);

/** A flag with a value: first what several flags share, then what is its own. */
const makeOption =
  (defaults: { multiple?: boolean } = {}) =>
  (options: { multiple?: boolean } = {}) => ({
    parse: asGiven,
    ...defaults,
    ...options,
    input: [],
    multiple: options.multiple ?? defaults.multiple ?? false,
    type: 'option',
  });

const makeBoolean = (options: { allowNo?: boolean } = {}) => ({
  parse: asGiven,
  ...options,
  allowNo: options.allowNo ?? false,
  type: 'boolean',
});

/** A flag whose value is read by `parse`. */
export const custom = makeOption as unknown as typeof Oclif.custom;

/** A flag that takes one of several values. */
export const option = makeOption as unknown as typeof Oclif.option;

export const string = makeOption() as unknown as typeof Oclif.string;

/** A flag without a value. */
export const boolean = makeBoolean as unknown as typeof Oclif.boolean;

import type * as Oclif from '@oclif/core/args';

const makeText = (options: object = {}) => ({
  parse: (text: string) => Promise.resolve(text),
  ...options,
  input: [],
  type: 'option',
});

/** An argument, as oclif makes it (flags.ts says why it is made here). */
export const string = makeText as unknown as typeof Oclif.string;

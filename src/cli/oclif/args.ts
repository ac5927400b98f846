import type * as Oclif from '@oclif/core/args';

const makeText = (options: object = {}) => ({
  parse: (text: string) => Promise.resolve(text),
  ...options,
  input: [],
  type: 'option',
});

/** Makes an argument as oclif does (flags.ts says why oclif itself is not used). */
export const string = makeText as unknown as typeof Oclif.string;

import * as OclifArgs from '@oclif/core/args';
import * as OclifFlags from '@oclif/core/flags';
import { expect } from 'chai';
import * as Args from '../../src/cli/oclif/args.js';
import * as Flags from '../../src/cli/oclif/flags.js';

describe('flags and arguments are what oclif makes of the same words', () => {
  const text = { description: 'a text', helpValue: 'TEXT', dependsOn: ['other'] };
  const parse = (given: string) => Promise.resolve(given.length);
  const choices = { options: ['one', 'two'] as const, description: 'a choice' };

  it('with a value', () => {
    expectSame(Flags.string(text), OclifFlags.string(text));
    expectSame(Flags.string({ multiple: true }), OclifFlags.string({ multiple: true }));
  });

  it('with a value that is parsed, its own words before those of its kind', () => {
    const kind = { ...text, parse };
    const own = { description: 'a length', default: 3 };
    expectSame(Flags.custom<number>(kind)(own), OclifFlags.custom<number>(kind)(own));
    const several = { ...kind, multiple: true } as const;
    expectSame(Flags.custom<number>(several)(text), OclifFlags.custom<number>(several)(text));
  });

  it('with one value of several', () => {
    expectSame(Flags.option(choices)(), OclifFlags.option(choices)());
    expectSame(
      Flags.option({ ...choices, multiple: true })(),
      OclifFlags.option({ ...choices, multiple: true })(),
    );
  });

  it('without a value', () => {
    expectSame(Flags.boolean(text), OclifFlags.boolean(text));
    expectSame(Flags.boolean({ allowNo: true }), OclifFlags.boolean({ allowNo: true }));
  });

  it('of arguments', () => {
    expectSame(Args.string({ required: true, ...text }), OclifArgs.string({ required: true, ...text }));
  });

  it('and what is not parsed is the text that was given', async () => {
    for (const { parse: read } of [Flags.string(), Flags.option(choices)(), Args.string()] as {
      parse: unknown;
    }[])
      expect(await (read as typeof parse)('text')).to.equal('text');
  });
});

/** A parser of its own is the same function; that of a kind that parses nothing is told by the test above. */
function expectSame(made: object, wanted: object): void {
  const withoutOwn = ({ parse, ...rest }: { parse?: unknown }) => ({
    ...rest,
    parses: String(parse).includes('length'),
  });
  expect(withoutOwn(made)).to.deep.equal(withoutOwn(wanted));
}

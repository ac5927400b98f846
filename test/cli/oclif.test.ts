import * as OclifArgs from '@oclif/core/args';
import * as OclifFlags from '@oclif/core/flags';
import { expect } from 'chai';
import * as Args from '../../src/cli/oclif/args.js';
import * as Flags from '../../src/cli/oclif/flags.js';

describe('flags and arguments of delayer equal those that oclif makes', () => {
  const text = { description: 'a text', helpValue: 'TEXT', dependsOn: ['other'] };
  const parse = (given: string) => Promise.resolve(given.length);
  const choices = { options: ['one', 'two'] as const, description: 'a choice' };

  it('for a flag with a value', () => {
    expectSame(Flags.string(text), OclifFlags.string(text));
    expectSame(Flags.string({ multiple: true }), OclifFlags.string({ multiple: true }));
  });

  it('for a flag with a parser, whose own definition overrides that of its kind', () => {
    const kind = { ...text, parse };
    const own = { description: 'a length', default: 3 };
    expectSame(Flags.custom<number>(kind)(own), OclifFlags.custom<number>(kind)(own));
    const several = { ...kind, multiple: true } as const;
    expectSame(Flags.custom<number>(several)(text), OclifFlags.custom<number>(several)(text));
  });

  it('for a flag with a choice of values', () => {
    expectSame(Flags.option(choices)(), OclifFlags.option(choices)());
    expectSame(
      Flags.option({ ...choices, multiple: true })(),
      OclifFlags.option({ ...choices, multiple: true })(),
    );
  });

  it('for a flag without a value', () => {
    expectSame(Flags.boolean(text), OclifFlags.boolean(text));
    expectSame(Flags.boolean({ allowNo: true }), OclifFlags.boolean({ allowNo: true }));
  });

  it('for arguments', () => {
    expectSame(Args.string({ required: true, ...text }), OclifArgs.string({ required: true, ...text }));
  });

  it('and return the given text when they have no parser', async () => {
    for (const { parse: read } of [Flags.string(), Flags.option(choices)(), Args.string()] as {
      parse: unknown;
    }[])
      expect(await (read as typeof parse)('text')).to.equal('text');
  });
});

/** Compares all but the parsers, of which only those of this test are recognised; the last test above runs the others. */
function expectSame(made: object, wanted: object): void {
  const withoutOwn = ({ parse, ...rest }: { parse?: unknown }) => ({
    ...rest,
    parses: String(parse).includes('length'),
  });
  expect(withoutOwn(made)).to.deep.equal(withoutOwn(wanted));
}

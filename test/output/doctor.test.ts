import { expect } from 'chai';
import { titleOf } from '../../src/output/doctor.js';

describe('the title of a finding', () => {
  it('lists each type that was found once', () => {
    const examples = ['string', 'stream', 'string'].map((found) => ({
      kind: 'body_wrong_type' as const,
      found,
    }));
    expect(titleOf({ kind: 'body_wrong_type', severity: 'error', count: 3, examples })).to.equal(
      '3 jobs have a key of another type (string, stream) in the place of their body',
    );
  });
});

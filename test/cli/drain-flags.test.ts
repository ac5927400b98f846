import { expect } from 'chai';
import { toLockName } from '../../src/cli/drain-flags.js';

const nameOf = (...topics: string[]) =>
  toLockName(
    undefined,
    topics.map((topic) => Buffer.from(topic)),
  ).toString();

describe('the name of a lock', () => {
  it('is made of the topics in any order', () => {
    expect(nameOf('a', 'b')).to.equal('a,b');
    expect(nameOf('b', 'a')).to.equal('a,b');
  });

  it('differs for different topics, also when they contain commas and backslashes', () => {
    const names = [nameOf('a', 'b'), nameOf('a,b'), nameOf('a\\', 'b'), nameOf('a\\,b'), nameOf('a\\\\,b')];
    expect(new Set(names).size).to.equal(names.length);
  });
});

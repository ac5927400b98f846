import { expect } from 'chai';
import { backoffMs } from '../../src/core/backoff.js';

describe('backoffMs', () => {
  it('the pause before a retry grows from 50 ms to at most 2 s, and is random between half and all of that', () => {
    for (let failures = 0; failures < 40; failures += 1) {
      const ceiling = Math.min(2000, 50 * 2 ** failures);
      for (let i = 0; i < 50; i += 1) expect(backoffMs(failures)).to.be.within(ceiling / 2, ceiling);
    }
    expect(backoffMs(1e6)).to.be.within(1000, 2000);
    expect(new Set(Array.from({ length: 20 }, () => backoffMs(5))).size).to.be.greaterThan(1);
  });
});

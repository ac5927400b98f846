import { expect } from 'chai';
import { takeOrWait } from '../../src/core/take-or-wait.js';
import { useMonotonic } from '../support/monotonic.js';

describe('the wait of a bpop', () => {
  let readings = 0;
  useMonotonic(() => 3 * readings++);

  it('is at least 1 ms if its timeout has not ended before it begins, and else 0', async () => {
    const waits: number[] = [];
    const taking = {
      label: 'the store',
      take: () => Promise.resolve({ jobs: [] }),
      wait: (maxMs: number) => Promise.resolve(void waits.push(maxMs)),
    };
    readings = 0;
    expect(await takeOrWait(taking, { untilMs: 10 })).to.deep.equal({ jobs: [] });
    expect(waits).to.deep.equal([7, 1]);
    readings = 0;
    expect(await takeOrWait(taking, { untilMs: 8 })).to.deep.equal({ jobs: [] });
    expect(waits.slice(2)).to.deep.equal([5, 0]);
  });
});

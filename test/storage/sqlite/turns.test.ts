import { expect } from 'chai';
import { Turns } from '../../../src/storage/sqlite/turns.js';
import { useMonotonic } from '../../support/monotonic.js';

describe('turns of processes that write to an SQLite file', () => {
  let atMs = 1000;
  useMonotonic(() => atMs);

  /** Writes for 1 ms at a time until a pause is due; returns how long (ms) that took. */
  const spellOf = (turns: Turns): number => {
    const sinceMs = atMs;
    while (turns.pause() === undefined) {
      if (atMs - sinceMs > 1000) return Infinity;
      atMs += 1;
      turns.end();
    }
    return atMs - sinceMs;
  };

  it('a process that writes without a pause lets others in after 200 ms', () => {
    expect(spellOf(new Turns())).to.equal(200);
  });

  it('a process that writes now and then does not pause', () => {
    const turns = new Turns();
    for (let i = 0; i < 1000; i += 1) {
      expect(turns.pause()).to.be.undefined;
      atMs += 1;
      turns.end();
      atMs += 2;
    }
  });

  it('a process that has met others lets them in after 20 ms, and a second later after 200 ms again', async () => {
    const turns = new Turns();
    await turns.waitForOthers(atMs);
    expect(spellOf(turns)).to.equal(20);
    atMs += 1000;
    expect(spellOf(turns)).to.equal(200);
  });
});

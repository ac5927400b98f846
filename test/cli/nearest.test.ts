import { expect } from 'chai';
import { nearest } from '../../src/cli/nearest.js';

const COMMANDS = ['bpop', 'drain', 'inspect', 'pop', 'push', 'remove', 'serve'];

describe('the nearest word', () => {
  it('the nearest word is found for a swapped, missing, added or wrong letter', () => {
    for (const [typed, meant] of [
      ['psuh', 'push'],
      ['pus', 'push'],
      ['ppush', 'push'],
      ['posh', 'push'],
      ['inpsect', 'inspect'],
      ['insp', 'inspect'],
      ['remoove', 'remove'],
      ['drian', 'drain'],
    ] as const) {
      expect(nearest(typed, COMMANDS), typed).to.equal(meant);
    }
  });

  it('no nearest word is returned when none is similar', () => {
    for (const typed of ['', 'x', 'xy', 'list', 'quit', 'acknowledge'])
      expect(nearest(typed, COMMANDS), typed).to.equal(undefined);
    expect(nearest('push', [])).to.equal(undefined);
  });
});

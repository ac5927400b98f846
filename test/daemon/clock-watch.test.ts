import { expect } from 'chai';
import { monotonicMs, sleep } from '../../src/core/timer.js';
import { ClockWatch } from '../../src/daemon/clock-watch.js';

const HOUR_MS = 3_600_000;

describe('the watch over the clock of a store', () => {
  /** A store whose clock is so far ahead of this machine's running one. */
  const storeAhead = (ms: number) => () => Promise.resolve(new Date(Math.round(monotonicMs() + ms)));

  it('tells nothing of a clock that runs on', async () => {
    const watch = new ClockWatch();
    for (let look = 0; look < 3; look += 1) expect(await watch.look(storeAhead(HOUR_MS))).to.be.undefined;
  });

  it('tells by how much a clock was set, ahead and back, and once', async () => {
    const watch = new ClockWatch();
    await watch.look(storeAhead(0));
    expect(await watch.look(storeAhead(HOUR_MS))).to.be.closeTo(HOUR_MS, 1000);
    expect(await watch.look(storeAhead(HOUR_MS))).to.be.undefined;
    expect(await watch.look(storeAhead(-HOUR_MS))).to.be.closeTo(-2 * HOUR_MS, 1000);
  });

  it('does not take a store that answers late for one whose clock was set', async () => {
    const watch = new ClockWatch();
    await watch.look(storeAhead(0));
    const late = async () => {
      const now = await storeAhead(0)();
      await sleep(1200);
      return now;
    };
    expect(await watch.look(late)).to.be.undefined;
  });
});

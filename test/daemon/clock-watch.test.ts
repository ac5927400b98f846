import { expect } from 'chai';
import { ClockWatch } from '../../src/daemon/clock-watch.js';

const HOUR_MS = 3_600_000;

describe('the watch over the clock of a store', () => {
  let runningMs = 0;
  const watchAnew = () => new ClockWatch(() => runningMs);
  /** A store whose clock is `ms` ahead of this machine's monotonic clock, and which answers after `takesMs`. */
  const storeAhead =
    (ms: number, takesMs = 0) =>
    () => {
      const now = new Date(runningMs + ms);
      runningMs += takesMs;
      return Promise.resolve(now);
    };

  it('reports nothing while the clock of the store runs on', async () => {
    const watch = watchAnew();
    for (let look = 0; look < 3; look += 1) {
      expect(await watch.look(storeAhead(HOUR_MS))).to.be.undefined;
      runningMs += HOUR_MS;
    }
  });

  it('reports once by how much the clock was set ahead or back', async () => {
    const watch = watchAnew();
    await watch.look(storeAhead(0));
    runningMs += 5000;
    expect(await watch.look(storeAhead(HOUR_MS))).to.equal(HOUR_MS);
    expect(await watch.look(storeAhead(HOUR_MS))).to.be.undefined;
    expect(await watch.look(storeAhead(-HOUR_MS))).to.equal(-2 * HOUR_MS);
  });

  it('does not report a store that answers late as one whose clock was set', async () => {
    const watch = watchAnew();
    await watch.look(storeAhead(0));
    expect(await watch.look(storeAhead(0, 10_000))).to.be.undefined;
    expect(await watch.look(storeAhead(0))).to.be.undefined;
  });
});

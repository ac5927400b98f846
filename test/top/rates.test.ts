import { expect } from 'chai';
import type { Stats, TopicStats } from '../../src/core/views.js';
import { RateMeter, type Rates } from '../../src/top/rates.js';

type Counts = Partial<Pick<TopicStats, 'delayed' | 'beyond' | 'due' | 'ready' | 'leased' | 'errors'>>;

const NONE = { delayed: 0, due: 0, ready: 0, leased: 0, expired: 0, dead: 0 };

function stats(counts: Counts | undefined, estimate?: Stats['estimate']): Stats {
  const { errors, beyond, ...totals } = counts ?? {};
  const topics = counts ? [{ topic: Buffer.from('orders'), ...NONE, ...totals, beyond, errors }] : [];
  return { totals: { ...NONE, ...totals }, topics, beyond, estimate };
}

/** The store's clock at a second of the test. */
const at = (second: number): Date => new Date(1_000_000_000_000 + second * 1000);

/** The rates after counts that were taken a second apart. */
function ratesOf(...counts: (Counts | undefined)[]): Rates | undefined {
  const meter = new RateMeter(1000, at(0), 0);
  for (const [i, one] of counts.entries()) meter.add(stats(one), at(i), i * 1000);
  expect(meter.total).to.deep.equal(meter.of('orders'));
  return meter.of('orders');
}

describe('rates of topics', () => {
  it('one count gives no rate', () => {
    expect(ratesOf({ delayed: 7 })).to.equal(undefined);
  });

  it('pushed jobs count as in, delayed or ready, also in a new topic', () => {
    expect(ratesOf({ delayed: 1, ready: 1 }, { delayed: 5, ready: 3 })).to.deep.equal({ in: 6, out: 0 });
    expect(ratesOf(undefined, { ready: 4 })).to.deep.equal({ in: 4, out: 0 });
  });

  it('jobs that become due, ready or leased count as neither in nor out', () => {
    expect(
      ratesOf({ delayed: 4 }, { delayed: 2, due: 2 }, { delayed: 2, ready: 2 }, { delayed: 2, leased: 2 }),
    ).to.deep.equal({ in: 0, out: 0 });
    expect(ratesOf({ delayed: 4 }, { delayed: 1, ready: 2, leased: 1 })).to.deep.equal({ in: 0, out: 0 });
  });

  it('jobs that are done count as out, also while others come in', () => {
    expect(ratesOf({ ready: 9, leased: 2 }, { ready: 4, leased: 1 })).to.deep.equal({ in: 0, out: 6 });
    expect(ratesOf({ delayed: 9, ready: 9 }, { delayed: 12, ready: 4 })).to.deep.equal({ in: 3, out: 5 });
  });

  it('jobs that are pushed while as many are done count as in and out, though no count changes', () => {
    const meter = new RateMeter(1000, at(0), 0);
    // In each of the next hundred seconds ten jobs are due, and ten are pushed that are due in a hundred seconds.
    const times = new Set<number>();
    for (let second = 0; second < 40; second += 1) {
      const beyond = meter.beyond(second * 1000);
      times.add(beyond.getTime());
      const nearJobs = (10 * (beyond.getTime() - at(second).getTime())) / 1000;
      meter.add(stats({ delayed: 1000, beyond: 1000 - nearJobs }), at(second), second * 1000, beyond);
      if (second === 0) continue;
      for (const rates of [meter.total, meter.of('orders')]) {
        expect(rates?.in, `${second}`).to.be.closeTo(10, 1e-9);
        expect(rates?.out, `${second}`).to.be.closeTo(10, 1e-9);
      }
    }
    // The time beyond which jobs are counted must stay the same for some samples, which could not be compared otherwise.
    expect(times.size).to.be.within(2, 10);
  });

  it('a job that is retried or released counts as both in and out', () => {
    expect(ratesOf({ leased: 2 }, { leased: 1, delayed: 1 })).to.deep.equal({ in: 1, out: 1 });
    expect(ratesOf({ leased: 2 }, { leased: 1, ready: 1 })).to.deep.equal({ in: 1, out: 1 });
  });

  it('rates cover the last ten seconds', () => {
    const meter = new RateMeter(1000, at(0), 0);
    meter.add(stats({ ready: 0 }), at(0), 0);
    meter.add(stats({ ready: 1000 }), at(1), 1000);
    for (const second of [5, 11]) meter.add(stats({ ready: 1000 }), at(second), second * 1000);
    expect(meter.of('orders')).to.deep.equal({ in: 0, out: 0 });
  });

  it('estimates give a rate only when the change exceeds their errors', () => {
    const estimate = { sampled: 10_000, missingBelow: 300, errors: {} };
    const rates = (first: Counts, second: Counts) => {
      const meter = new RateMeter(1000, at(0), 0);
      meter.add(stats(first, estimate), at(0), 0);
      meter.add(stats(second, estimate), at(1), 1000);
      return meter.of('orders');
    };
    const errors = { delayed: 300 };
    expect(rates({ delayed: 5000, errors }, { delayed: 5400, errors })).to.deep.equal({
      in: undefined,
      out: undefined,
    });
    expect(rates({ delayed: 5000, errors }, { delayed: 6000, errors })).to.deep.equal({ in: 1000, out: 0 });
    // The ready list is counted exactly, even when the rest is sampled.
    expect(rates({ delayed: 5000, ready: 50, errors }, { delayed: 5100, ready: 20, errors })).to.deep.equal({
      in: undefined,
      out: 30,
    });
  });

  it('a topic that an earlier sample missed gives no rate', () => {
    const meter = new RateMeter(1000, at(0), 0);
    meter.add(stats(undefined, { sampled: 1, missingBelow: 9, errors: {} }), at(0), 0);
    const sampled = { sampled: 1, missingBelow: 9, errors: {} };
    meter.add(stats({ delayed: 50, errors: { delayed: 9 } }, sampled), at(1), 1000);
    expect(meter.of('orders')).to.equal(undefined);
  });
});

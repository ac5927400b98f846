import { expect } from 'chai';
import fc from 'fast-check';
import { simulate, spreadOut } from '../../src/core/forecast.js';

const STEP_MS = 1000;

describe('forecast', () => {
  it('workers that are fast enough leave no backlog', () => {
    const { steps, breachMs } = simulate({ due: [10, 10], stepMs: STEP_MS, backlog: 0 }, 10, 1);
    expect(steps.map(({ backlog, lateMs }) => ({ backlog, lateMs }))).to.deep.equal([
      { backlog: 0, lateMs: 0 },
      { backlog: 0, lateMs: 0 },
    ]);
    expect(breachMs).to.equal(undefined);
  });

  it('jobs that are due faster than they are done pile up, and are worked off later', () => {
    const { steps } = simulate({ due: [30, 0, 0, 5], stepMs: STEP_MS, backlog: 0 }, 10);
    expect(steps.map(({ backlog }) => backlog)).to.deep.equal([20, 10, 0, 0]);
    expect(steps.map(({ done }) => done)).to.deep.equal([10, 10, 10, 5]);
    expect(steps.map(({ lateMs }) => lateMs)).to.deep.equal([2000, 2000, 1000, 0]);
  });

  it('the first breach is given to the millisecond within its step', () => {
    // After t seconds 20 t jobs wait, which take 2 t seconds.
    const load = { due: [30, 30], stepMs: STEP_MS, backlog: 0 };
    expect(simulate(load, 10, 1000).breachMs).to.equal(500);
    expect(simulate(load, 10, 3000).breachMs).to.equal(1500);
    expect(simulate(load, 10, 4000).breachMs).to.equal(undefined);
    expect(simulate({ ...load, backlog: 50 }, 10, 1000).breachMs).to.equal(0);
  });

  it('a backlog that is late already is a breach from the beginning, and counts in the first step', () => {
    const load = { due: [5, 5], stepMs: STEP_MS, backlog: 5, backlogLateMs: 60_000 };
    const { steps, breachMs } = simulate(load, 10, 30_000);
    expect(breachMs).to.equal(0);
    expect(steps.map(({ lateMs }) => lateMs)).to.deep.equal([60_000, 0]);
    expect(simulate(load, 10, 60_000).breachMs).to.equal(undefined);
    expect(simulate({ ...load, backlog: 0 }, 10, 30_000).breachMs).to.equal(undefined);
  });

  const LOAD = fc.record({
    due: fc.array(fc.nat(1000), { minLength: 1, maxLength: 50 }),
    stepMs: fc.integer({ min: 1, max: 3_600_000 }),
    backlog: fc.nat(1000),
  });

  it('each job of the backlog and of each step is done or in the backlog at the end', () => {
    fc.assert(
      fc.property(LOAD, fc.integer({ min: 1, max: 500 }), (load, perSecond) => {
        const { steps } = simulate(load, perSecond);
        const came = load.backlog + load.due.reduce((sum, jobs) => sum + jobs, 0);
        const done = steps.reduce((sum, step) => sum + step.done, 0);
        expect(done + (steps.at(-1)?.backlog ?? 0)).to.be.closeTo(came, 1e-6 * (came + 1));
        for (const step of steps)
          expect(step.done).to.be.at.most((perSecond * load.stepMs) / 1000 + 1e-6 * came + 1e-6);
      }),
    );
  });

  it('jobs are spread evenly over the time after their step, and none is lost', () => {
    expect(spreadOut([12, 0, 0, 0], STEP_MS, 0)).to.deep.equal([12, 0, 0, 0]);
    const [first = 0, second = 0, third = 0, fourth = 0] = spreadOut([12, 0, 0, 0], STEP_MS, 2 * STEP_MS);
    expect(first).to.be.closeTo(3, 1e-9);
    expect(second).to.be.closeTo(6, 1e-9);
    expect(third).to.be.closeTo(3, 1e-9);
    expect(fourth).to.be.closeTo(0, 1e-9);
    fc.assert(
      fc.property(
        fc.array(fc.nat(1000), { minLength: 1, maxLength: 20 }),
        fc.nat(10_000),
        (due, spreadMs) => {
          const padded = [...due, ...Array<number>(12).fill(0)];
          const spread = spreadOut(padded, STEP_MS, spreadMs);
          const sum = (jobs: readonly number[]) => jobs.reduce((total, one) => total + one, 0);
          expect(sum(spread)).to.be.closeTo(sum(due), 1e-6 * (sum(due) + 1));
          for (const jobs of spread) expect(jobs).to.be.at.least(-1e-6);
        },
      ),
    );
  });
});

import { expect } from 'chai';
import { StepSize } from '../../../src/storage/redis/step-size.js';
import { useMonotonic } from '../../support/monotonic.js';

describe('size of the next step of a script', () => {
  let nowMs = 1000;
  useMonotonic(() => nowMs);

  const passes = (ms: number): Promise<void> => {
    nowMs += ms;
    return Promise.resolve();
  };

  const size = () => new StepSize({ least: 100, most: 500, aimMs: 4 });

  /** Makes full steps that take the given time (ms) per job. */
  async function make(steps: StepSize, count: number, msPerJob: number): Promise<void> {
    for (let i = 0; i < count; i += 1)
      await steps.step(
        (limit) => passes(limit * msPerJob),
        () => true,
      );
  }

  it('begins with the least', () => {
    expect(size().limit).to.equal(100);
  });

  it('grows until a step takes the time aimed at', async () => {
    const steps = size();
    await make(steps, 30, 0.01);
    expect(steps.limit).to.be.within(390, 400);
  });

  it('shrinks when jobs take longer, within its bounds', async () => {
    const steps = size();
    await make(steps, 30, 0.001);
    expect(steps.limit).to.equal(500);
    await make(steps, 30, 0.02);
    expect(steps.limit).to.be.within(195, 205);
    await make(steps, 30, 1);
    expect(steps.limit).to.equal(100);
  });

  it('is not changed by a step that was not full', async () => {
    const steps = size();
    await steps.step(
      () => passes(5000),
      () => false,
    );
    await make(steps, 30, 0.01);
    expect(steps.limit).to.be.within(390, 400);
  });

  it('takes the time since the reply before when two steps are under way', async () => {
    const steps = size();
    const answers: (() => void)[] = [];
    const send = () =>
      steps.step(
        () => new Promise<void>((resolve) => answers.push(resolve)),
        () => true,
      );
    let under = [send(), send()];
    for (let i = 0; i < 60; i += 1) {
      nowMs += steps.limit * 0.01;
      answers.shift()?.();
      await under[0];
      under = [...under.slice(1), send()];
    }
    expect(steps.limit).to.be.within(380, 410);
    for (const answer of answers) answer();
    await Promise.all(under);
  });
});

import { expect } from 'chai';
import { DelayerError } from '../../../src/core/errors.js';
import { toNewJob } from '../../../src/core/validate.js';
import { pushChunk, type PushSteps } from '../../../src/storage/redis/push.js';

describe('a push in several steps to Redis', () => {
  const jobs = ['a', 'b', 'c'].map((id) => toNewJob({ id, topic: 'topic', body: 'body' }));
  const refused = new DelayerError('store_full', 'Redis is out of memory');

  const rejection = (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(
      () => undefined,
      (error: unknown) => error,
    );

  /** The first script stops before the second job; then the given step fails. */
  const failing = (step: 'push' | 'clear'): PushSteps => {
    let pushes = 0;
    return {
      push: () => {
        pushes += 1;
        if (pushes > 1 && step === 'push') return Promise.reject(refused);
        return Promise.resolve({
          results: [{ outcome: 'pushed', dueAt: undefined }],
          unclear: Buffer.from('topic'),
        });
      },
      clear: () =>
        step === 'clear'
          ? Promise.reject(refused)
          : Promise.resolve({ left: [], standings: [], next: { index: -1, before: Buffer.alloc(0) } }),
    };
  };

  for (const step of ['push', 'clear'] as const) {
    it(`has an unknown outcome if a later ${step} is refused, and reports how many jobs were done`, async () => {
      const error = await rejection(pushChunk(failing(step), { jobs, onExisting: 'refuse' }));
      expect(error).to.include({
        code: 'outcome_unknown',
        message: 'Redis is out of memory; 1 of 3 jobs had been processed by then',
        cause: refused,
      });
    });
  }

  it('is refused as a whole if its first step is refused', async () => {
    const steps: PushSteps = { ...failing('clear'), push: () => Promise.reject(refused) };
    expect(await rejection(pushChunk(steps, { jobs, onExisting: 'refuse' }))).to.equal(refused);
  });
});

import { expect } from 'chai';
import { DelayerError } from '../../src/core/errors.js';

/** Returns the usage error that a call throws; anything else fails the test. */
export function usageError(call: () => unknown): DelayerError {
  let answer: unknown;
  try {
    answer = call();
  } catch (error) {
    expect(error).to.be.instanceOf(DelayerError);
    expect(error).to.include({ code: 'usage', exitCode: 2 });
    return error as DelayerError;
  }
  throw new Error(`expected a usage error, and the call returned ${JSON.stringify(answer)}`);
}

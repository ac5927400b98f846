import { expect } from 'chai';
import { DelayerError, ERRORS, type ErrorCode, isTransient } from '../../src/core/errors.js';

describe('DelayerError', () => {
  it('an error has the exit code and the hint of its code', () => {
    for (const [code, { exitCode, hint }] of Object.entries(ERRORS)) {
      const error = new DelayerError(code as ErrorCode, 'what happened');
      expect(error).to.be.instanceOf(Error).and.include({ code, exitCode, hint, name: 'DelayerError' });
      expect(error.message).to.equal('what happened');
    }
  });

  it('an error may have its own hint and cause', () => {
    const cause = new Error('below');
    const error = new DelayerError('usage', 'what happened', { hint: 'do that', cause });
    expect(error).to.include({ hint: 'do that', cause });
    expect(new DelayerError('usage', 'what happened')).to.not.have.property('cause');
  });

  it('each code has the exit code that docs/errors.md promises', () => {
    const exitCodes = Object.fromEntries(
      Object.entries(ERRORS).map(([code, { exitCode }]) => [code, exitCode]),
    );
    expect(exitCodes).to.include({
      usage: 2,
      job_exists: 65,
      store_unreachable: 69,
      store_auth: 69,
      store_too_old: 69,
      store_too_new: 69,
      store_replica: 69,
      store_loading: 69,
      store_busy: 69,
      store_full: 69,
      store_wrong_type: 69,
      store_refused: 69,
      internal: 70,
      outcome_unknown: 75,
      config_invalid: 78,
    });
    for (const [code, exitCode] of Object.entries(exitCodes)) {
      if (code.startsWith('store_')) expect(exitCode, code).to.equal(69);
    }
  });

  it('the hint of each code is one line', () => {
    for (const { hint } of Object.values(ERRORS)) expect(hint).to.match(/^[^\n]+$/);
  });

  it('an error is transient if the store may recover by itself', () => {
    const transient = (Object.keys(ERRORS) as ErrorCode[]).filter((code) =>
      isTransient(new DelayerError(code, 'what happened')),
    );
    expect(transient).to.include.members([
      'store_unreachable',
      'store_loading',
      'store_busy',
      'store_replica',
    ]);
    expect(transient).to.not.include.members(['usage']);
    expect(transient).to.not.include.members(['job_exists']);
    expect(transient).to.not.include.members(['store_auth']);
    expect(transient).to.not.include.members(['config_invalid']);
    expect(isTransient(new Error('of somebody else'))).to.be.false;
    expect(isTransient(undefined)).to.be.false;
  });
});

import { expect } from 'chai';
import { hintFor, withCliHint } from '../../src/cli/hints.js';
import { DelayerError, ERRORS, type ErrorCode } from '../../src/core/errors.js';

describe('the hint of an error on the command line', () => {
  it('an error without a hint of its own gets a hint that names flags and commands', () => {
    expect(hintFor(new DelayerError('job_exists', 'x'), 'push')).to.include('--replace');
    expect(hintFor(new DelayerError('store_auth', 'x'), 'pop')).to.include('DELAYER_REDIS_PASSWORD');
    expect(hintFor(new DelayerError('usage', 'x'), 'pop')).to.equal('See `delayer pop --help`.');
    expect(hintFor(new DelayerError('usage', 'x'), '')).to.equal('See `delayer --help`.');
  });

  it("an error's own hint is shown instead of the hint of its code", () => {
    expect(hintFor(new DelayerError('usage', 'x', { hint: 'Do y.' }), 'pop')).to.equal('Do y.');
  });

  it('the hint of a command is shown instead of the hint that an error carries', () => {
    const error = new DelayerError('outcome_unknown', 'x', { hint: 'Look for it.' });
    expect(hintFor(error, 'push')).to.include('delayer inspect --id ID');
    expect(hintFor(error, 'remove')).to.include('still in the queue');
    expect(hintFor(error, 'drain')).to.equal('Look for it.');
  });

  it('every error code has a hint, and the hints in core name no flag or command', () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      expect(hintFor(new DelayerError(code, 'x'), 'pop'), code).to.match(/\.$/);
      expect(ERRORS[code].hint, code).to.not.match(/--\w|`delayer/);
    }
  });

  it('the hint of a problem names the command that solves it', () => {
    const problem = { message: 'x', hint: 'Run a daemon.' };
    expect(withCliHint({ code: 'no_daemon', ...problem }).hint).to.include('`delayer serve`');
    expect(withCliHint({ code: 'evicting', ...problem }).hint).to.equal('Run a daemon.');
  });
});

import { expect } from 'chai';
import { describeEvent } from '../../src/cli/events.js';
import { DelayerError } from '../../src/core/errors.js';

const error = new DelayerError('store_unreachable', 'redis://host cannot be reached');

describe('the message of an event', () => {
  it('the message of an event says what happened and what happens next', () => {
    expect(describeEvent({ type: 'store_lost', store: 'redis://host', error })).to.equal(
      'redis://host cannot be reached; retrying until it works',
    );
    expect(describeEvent({ type: 'store_back', store: 'redis://host' })).to.equal('redis://host is back');
    expect(describeEvent({ type: 'pass_failed', error })).to.include('the next pass retries');
    expect(describeEvent({ type: 'jobs_stuck', jobs: 1 })).to.match(/^1 due job cannot be moved/);
    expect(describeEvent({ type: 'jobs_stuck', jobs: 2 })).to.match(/^2 due jobs cannot be moved/);
    expect(describeEvent({ type: 'jobs_unstuck' })).to.include('have been moved');
    expect(describeEvent({ type: 'doubled_entries', entries: 1 })).to.match(
      /^removed 1 duplicate entry .* original daemon/,
    );
    const at = ['10.0.0.1:50123', '10.0.0.2:50124'];
    expect(describeEvent({ type: 'original_daemon', addresses: at.slice(0, 1) })).to.match(
      /^a client polls like an original daemon \(10\.0\.0\.1:50123\): .*duplicates.*loses jobs.*stop it/,
    );
    expect(describeEvent({ type: 'original_daemon', addresses: at })).to.match(
      /^2 clients poll like an original daemon \(10\.0\.0\.1:50123, 10\.0\.0\.2:50124\): /,
    );
    expect(describeEvent({ type: 'original_daemon_gone' })).to.match(/^no client polls /);
    expect(describeEvent({ type: 'announce_failed', error })).to.include('will not show this daemon');
  });

  it('an event of ordinary work has no message', () => {
    const counts = { promoted: 1, reclaimed: 0, expired: 0, deleted: 0 };
    expect(describeEvent({ type: 'maintained', ...counts })).to.equal(undefined);
  });
});

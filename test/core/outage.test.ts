import { expect } from 'chai';
import { DelayerError } from '../../src/core/errors.js';
import type { DelayerEvent } from '../../src/core/events.js';
import type { Job } from '../../src/core/job.js';
import { Queue } from '../../src/core/queue.js';
import type { Popped } from '../../src/core/results.js';
import type { Store } from '../../src/core/store.js';
import { failureOf } from '../support/eventually.js';
import { warningsOf } from '../support/warnings.js';

const JOB = { id: 'id' } as unknown as Job;
const gone = new DelayerError('store_unreachable', 'the store is gone');

/** A queue whose pops return these answers in turn, and then the last one each time. */
function queueOf(...answers: (Popped | Error)[]): Queue {
  const store: Partial<Store> = {
    label: 'the store',
    pop: () => {
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer ?? { jobs: [] });
    },
    waitForReady: () => Promise.resolve(),
  };
  return new Queue(store as Store);
}

describe('a bpop across an outage of its store', () => {
  it('waits until the store is back, and reports the outage once', async () => {
    const events: DelayerEvent[] = [];
    const queue = queueOf({ jobs: [] }, gone, gone, { jobs: [] }, { jobs: [JOB] });
    expect(await queue.bpop('topic', { onEvent: (event) => events.push(event) })).to.equal(JOB);
    expect(events.map(({ type }) => type)).to.deep.equal(['store_lost', 'store_back']);
  });

  it('returns its job if its listener throws', async () => {
    const onEvent = () => {
      throw new Error('the log is full');
    };
    const queue = queueOf({ jobs: [] }, gone, { jobs: [JOB] });
    const warnings = await warningsOf(async () => {
      expect(await queue.bpop('topic', { onEvent })).to.equal(JOB);
    });
    const failed = (event: string) => `DelayerWarning: onEvent failed at the event ${event}: the log is full`;
    expect(warnings).to.deep.equal([failed('store_lost'), failed('store_back')]);
  });

  it('fails at once if the store never answered', async () => {
    expect(await failureOf(queueOf(gone).bpop('topic'))).to.equal(gone);
  });

  it('fails with the error of the store if its timeout ends before the store is back', async () => {
    const queue = queueOf({ jobs: [] }, gone);
    expect(await failureOf(queue.bpop('topic', { timeoutMs: 60 }))).to.equal(gone);
  });

  it('returns nothing if it is aborted before the store is back', async () => {
    const abort = new AbortController();
    const onEvent = () => {
      abort.abort();
    };
    expect(await queueOf({ jobs: [] }, gone).bpop('topic', { signal: abort.signal, onEvent })).to.be
      .undefined;
  });

  it('fails at once with an error that is not transient, or that has jobs', async () => {
    const lasting = new DelayerError('internal', 'a defect');
    const withJobs = new DelayerError('outcome_unknown', 'the ack was lost', { jobs: [JOB] });
    for (const error of [lasting, withJobs, new TypeError('no DelayerError')]) {
      expect(await failureOf(queueOf({ jobs: [] }, error).bpop('topic'))).to.equal(error);
    }
  });
});

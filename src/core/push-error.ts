import { DelayerError } from './errors.js';
import type { PushReceipt } from './requests.js';

/** The error for the push of one job; undefined when the job is in. */
export function pushError({ id, outcome }: PushReceipt): DelayerError | undefined {
  const name = () => JSON.stringify(id.toString());
  switch (outcome) {
    case 'conflict':
      return new DelayerError('job_exists', `The job ${name()} exists with other content`);
    case 'blocked':
      return new DelayerError(
        'store_wrong_type',
        `The key of the job ${name()} holds something that is not a job`,
      );
    case 'unknown':
      return new DelayerError(
        'outcome_unknown',
        `The connection broke before the answer came, so it is unknown whether the job ${name()} was pushed`,
        { hint: 'Check whether it is there; pushing it again with the same id is safe while it is not due.' },
      );
    default:
      return undefined;
  }
}

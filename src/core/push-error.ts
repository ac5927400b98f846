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
        `A key that is no job stands in the place of the job ${name()}`,
      );
    case 'unknown':
      return new DelayerError(
        'outcome_unknown',
        `The connection broke before the answer came, so the job ${name()} may be pushed or not`,
        { hint: 'Look for it; pushing it again under the same id is safe while it is not due.' },
      );
    default:
      return undefined;
  }
}

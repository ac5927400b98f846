import { assertFields, assertText, shown, usageError } from '../core/check.js';
import { checkDuration } from '../core/duration.js';
import { DelayerError } from '../core/errors.js';
import { textOfThrown } from '../core/thrown.js';
import type { Failed, Outcome } from './handler.js';

/**
 * What a value that a function returned says of its job: it is done, unless the value is an object with `dead` or
 * `retryInMs`, or with a `reason` and nothing else.
 * @returns where such an object is no valid outcome, a failure with what is wrong with it as the reason
 */
export function toOutcome(returned: unknown): Outcome {
  if (!isMeantAsOutcome(returned)) return 'done';
  try {
    return checked(returned);
  } catch (error) {
    if (!(error instanceof DelayerError)) throw error;
    return { reason: `the function returned an invalid outcome: ${error.message}` };
  }
}

/** What was thrown, as the reason of a failure. */
export function toFailed(thrown: unknown): Failed {
  return { reason: textOfThrown(thrown) };
}

function isMeantAsOutcome(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return (
    Object.hasOwn(value, 'dead') ||
    Object.hasOwn(value, 'retryInMs') ||
    Object.keys(value).join() === 'reason'
  );
}

function checked(outcome: object): Outcome {
  const { dead, retryInMs, reason } = outcome as Record<string, unknown>;
  assertFields(
    outcome,
    dead === undefined ? ['dead', 'retryInMs', 'reason'] : ['dead', 'reason'],
    'field of an outcome',
  );
  assertText(reason, 'reason');
  const said = typeof reason === 'string' ? reason : undefined;
  if (dead !== undefined && dead !== true) throw usageError(`dead is not true: ${shown(dead)}`);
  if (dead === true) return { dead, reason: said };
  if (retryInMs === undefined) return { reason: said };
  return { retryInMs: checkDuration(retryInMs as number, 'retryInMs'), reason: said };
}

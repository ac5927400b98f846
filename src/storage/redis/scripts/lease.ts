import { isWholeReservation, type LeaseGroup } from '../../../core/lease-groups.js';
import { BACKOFF_JITTER, DEFAULT_RETRY } from '../../../core/retry-policy.js';
import type { NackResult } from '../../../core/results.js';
import type { NackParams } from '../../../core/store.js';
import { SCRIPTS } from '../scripts.generated.js';
import { packPolicy } from './extras.js';
import { runScript, type Target, toDate, type Value } from './run.js';

const toHeldIfKnown = (answer: readonly Value[]): (boolean | undefined)[] =>
  answer.map((one) => (one === -1 ? undefined : one === 1));

/**
 * lua/ack_all.lua, and lua/ack.lua if that does not do.
 * @param again has this been asked before, without an answer?
 * @returns undefined when it is unknown whether the request before has done it, or the lease was lost
 */
export async function ack(
  target: Target,
  group: LeaseGroup,
  again: boolean,
): Promise<(boolean | undefined)[]> {
  const { token, count, numbers, deadlineMs } = group;
  if (isWholeReservation(group)) {
    const ended = (await runScript(target, SCRIPTS.ackAll, token, count)) as unknown;
    if (ended === 1) return numbers.map(() => true);
  }
  const held = await runScript(target, SCRIPTS.ack, again ? 1 : 0, token, deadlineMs, ...numbers);
  return toHeldIfKnown(held);
}

/** lua/nack.lua */
export async function nack(
  target: Target,
  { token, numbers }: LeaseGroup,
  { failure, jitter }: Pick<NackParams, 'failure' | 'jitter'>,
): Promise<NackResult[]> {
  const answer = await runScript(
    target,
    SCRIPTS.nack,
    failure.isDead ? 1 : 0,
    failure.delayMs ?? '',
    failure.deadTtlMs ?? '',
    jitter,
    BACKOFF_JITTER,
    packPolicy(DEFAULT_RETRY),
    failure.exitCode ?? '',
    failure.signalName ?? '',
    failure.reason ?? '',
    target.keys.wakeChannel,
    token,
    ...numbers,
  );
  return answer.map((one): NackResult => {
    if (one === -2) return { outcome: 'not_held' };
    return one === -1 ? { outcome: 'dead' } : { outcome: 'retried', dueAt: toDate(one) };
  });
}

/** lua/release.lua; as `ack` */
export async function release(
  target: Target,
  { token, deadlineMs, numbers }: LeaseGroup,
  again: boolean,
): Promise<(boolean | undefined)[]> {
  return toHeldIfKnown(
    await runScript(
      target,
      SCRIPTS.release,
      again ? 1 : 0,
      target.keys.wakeChannel,
      token,
      deadlineMs,
      ...numbers,
    ),
  );
}

/** lua/extend.lua */
export async function extend(
  target: Target,
  { token, numbers }: LeaseGroup,
  leaseMs: number,
): Promise<(Date | undefined)[]> {
  return (await runScript(target, SCRIPTS.extend, leaseMs, token, ...numbers)).map(toDate);
}

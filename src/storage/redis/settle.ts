import { groupLeases, inOrderGiven, type LeaseGroup } from '../../core/lease-groups.js';
import type { NackResult } from '../../core/results.js';
import type { ExtendParams, LeaseParams, NackParams } from '../../core/store.js';
import type { Caller } from './caller.js';
import type { RetryMode } from './connection.js';
import { outcomeUnknownError } from './errors.js';
import * as scripts from './scripts/lease.js';
import type { Target } from './scripts/run.js';

export async function ack(caller: Caller, params: LeaseParams): Promise<boolean[]> {
  return byReservation(caller, params, 'idempotent', async (target, group, again) =>
    known(caller, await scripts.ack(target, group, again)),
  );
}

export async function nack(
  caller: Caller,
  { failure, jitter, ...params }: NackParams,
): Promise<NackResult[]> {
  return byReservation(caller, params, 'never', (target, group) =>
    scripts.nack(target, group, { failure, jitter }),
  );
}

export async function release(caller: Caller, params: LeaseParams): Promise<boolean[]> {
  return byReservation(caller, params, 'idempotent', async (target, group, again) =>
    known(caller, await scripts.release(target, group, again)),
  );
}

export async function extend(
  caller: Caller,
  { leaseMs, ...params }: ExtendParams,
): Promise<(Date | undefined)[]> {
  return byReservation(caller, params, 'idempotent', (target, group) =>
    scripts.extend(target, group, leaseMs),
  );
}

/**
 * Makes one request for the leases of each reservation, and more where a run of the script has no time for all of them.
 * Answers in the order in which they were given.
 */
async function byReservation<T>(
  caller: Caller,
  { leases, untilMs, signal }: LeaseParams,
  mode: RetryMode,
  ask: (target: Target, group: LeaseGroup, again: boolean) => Promise<T[]>,
): Promise<T[]> {
  const limits = { untilMs, signal };
  const groups = groupLeases(leases);
  const answers = groups.map(async (group) => {
    const request = (some: LeaseGroup) =>
      caller.run(mode, (target, again) => ask(target, some, again), limits);
    const results = await request(group);
    while (results.length < group.numbers.length)
      results.push(...(await request({ ...group, numbers: group.numbers.slice(results.length) })));
    return results;
  });
  return inOrderGiven(groups, await Promise.all(answers));
}

function known({ label }: Caller, held: readonly (boolean | undefined)[]): boolean[] {
  return held.map((one) => {
    if (one !== undefined) return one;
    throw outcomeUnknownError(
      label,
      'the answer was lost, and the request was repeated after the first deadline of the lease',
    );
  });
}

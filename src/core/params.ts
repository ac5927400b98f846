import {
  assertChoice,
  assertFields,
  assertFlag,
  assertList,
  assertMs,
  assertSignal,
  assertText,
  shown,
  toCount,
  usageError,
} from './check.js';
import { checkDuration } from './duration.js';
import { JOB_STATES, type JobState, MAX_LEASE_MS, POP_BATCH } from './job.js';
import { newToken } from './lease.js';
import type {
  BpopOptions,
  CallOptions,
  LeaseLike,
  Lock,
  NackOptions,
  PopOptions,
  PushWaitOptions,
  ReadyWaitOptions,
  ReserveRequest,
  Topics,
  WaitOptions,
} from './requests.js';
import type { DaemonReport } from './views.js';
import type { OnExisting } from './results.js';
import { toRetryPolicy } from './retry-policy.js';
import type {
  AnnounceParams,
  CallLimits,
  ExtendParams,
  LeaseParams,
  LockParams,
  NackParams,
  PopParams,
  PushWaitParams,
  ReadyWaitParams,
  ReserveParams,
  WaitParams,
} from './store.js';
import type { MaintainParams } from './store/maintainer.js';
import { monotonicMs } from './timer.js';
import { toFailure, toLeases, toName, toTopics } from './validate.js';

/** The arguments of what pushes, takes, settles, waits and maintains, checked and as a store takes them. All throw a DelayerError `usage`. */

const ON_EXISTING: readonly OnExisting[] = ['refuse', 'replace', 'keep'];
const CALL: readonly string[] = ['timeoutMs', 'signal'] satisfies (keyof CallOptions)[];
const POP_FIELDS: readonly string[] = [...CALL, 'onEvent' satisfies keyof PopOptions];
const RESERVE_FIELDS: readonly string[] = [
  ...(['topics', 'limit', 'leaseMs', 'retry', 'holder', 'lock'] satisfies (keyof ReserveRequest)[]),
  ...CALL,
];
const READY_WAIT_FIELDS: readonly string[] = [...CALL, 'since' satisfies keyof ReadyWaitOptions];
const PUSH_WAIT_FIELDS: readonly string[] = [...CALL, 'pollMs' satisfies keyof PushWaitOptions];
const NACK_FIELDS: readonly string[] = [
  ...(['delayMs', 'dead', 'deadTtlMs', 'reason', 'exitCode', 'signalName'] satisfies (keyof NackOptions)[]),
  ...CALL,
];
/** The time limit and the signal of a call. */
function toLimits({ timeoutMs, signal }: CallOptions): CallLimits {
  assertMs(timeoutMs, 'timeout');
  assertSignal(signal);
  return { untilMs: timeoutMs === undefined ? undefined : monotonicMs() + timeoutMs, signal };
}

export function toCallLimits(options: CallOptions): CallLimits {
  assertFields(options, CALL, 'option of a call');
  return toLimits(options);
}

export function toOnExisting(options: { onExisting?: OnExisting | undefined }): OnExisting {
  assertFields(options, ['onExisting'], 'option of a push');
  const { onExisting = 'refuse' } = options;
  assertChoice(onExisting, ON_EXISTING, 'onExisting');
  return onExisting;
}

/** For pop and bpop. */
export function toPopParams(topics: Topics, count: number, options: PopOptions | BpopOptions): PopParams {
  assertFields(options, POP_FIELDS, 'option of a pop');
  const limit = Math.min(toCount(count, 'count'), POP_BATCH);
  const { untilMs, signal } = toLimits(options);
  return { topics: toTopics(topics), limit, untilMs, signal };
}

export function toReserveParams(request: ReserveRequest): ReserveParams {
  assertFields(request, RESERVE_FIELDS, 'field of a reserve');
  const { retry = {}, holder, lock } = request;
  const topics = toTopics(request.topics);
  const limit = toCount(request.limit, 'limit');
  const leaseMs = toLeaseMs(request.leaseMs);
  assertText(holder, 'holder');
  return {
    ...{ topics, limit, leaseMs, token: newToken(), holder },
    policy: retry === false ? undefined : toRetryPolicy(retry),
    lock: lock === undefined ? undefined : toLockParams(lock),
    ...toLimits(request),
  };
}

export function toLockParams(lock: Lock): LockParams {
  assertFields(lock, ['name', 'owner'], 'field of a lock');
  return {
    name: toName(lock.name, 'name of the lock'),
    owner: toName(lock.owner, 'owner of the lock').toString(),
  };
}

export function toLeaseParams(leases: readonly LeaseLike[], options: CallOptions): LeaseParams {
  assertFields(options, CALL, 'option of a call with leases');
  return { leases: toLeases(leases), ...toLimits(options) };
}

export function toNackParams(leases: readonly LeaseLike[], options: NackOptions): NackParams {
  assertFields(options, NACK_FIELDS, 'option of a nack');
  const failure = toFailure(options);
  return { leases: toLeases(leases), failure, jitter: 2 * Math.random() - 1, ...toLimits(options) };
}

export function toExtendParams(
  leases: readonly LeaseLike[],
  leaseMs: number,
  options: CallOptions,
): ExtendParams {
  return { ...toLeaseParams(leases, options), leaseMs: toLeaseMs(leaseMs) };
}

export function toDaemonParams(daemon: string): { daemon: string } {
  assertText(daemon, 'name');
  return { daemon: toName(daemon, 'name').toString() };
}

export function toAnnounceParams(daemon: string, report: DaemonReport): AnnounceParams {
  assertFields(report, ['promoted', 'latestMs'], 'field of a report');
  const { promoted = 0, latestMs } = report;
  assertMs(latestMs, 'lateness');
  return {
    ...toDaemonParams(daemon),
    promoted: promoted === 0 ? 0 : toCount(promoted, 'number of promoted jobs'),
    latestMs,
  };
}

export function toMaintainParams(given: MaintainParams): MaintainParams {
  assertFields(given, ['isThorough', 'repairs', 'graceMs', 'signal'], 'option of maintain');
  const { isThorough, repairs, graceMs, signal } = given;
  assertSignal(signal);
  assertFlag(isThorough, 'isThorough');
  assertFlag(repairs, 'repairs');
  return {
    isThorough,
    repairs,
    graceMs: graceMs === undefined ? undefined : checkDuration(graceMs, 'the grace time'),
    signal,
  };
}

export function toReadyWaitParams(topics: Topics, options: ReadyWaitOptions): ReadyWaitParams {
  const { maxMs, signal } = toWaitParams(options, READY_WAIT_FIELDS);
  const { since } = options;
  if (since !== undefined && !(typeof since === 'number' && since >= 0))
    throw usageError(`since is not a revision: ${shown(since)}`);
  return { topics: toTopics(topics), since, maxMs, signal };
}

export function toPushWaitParams(options: PushWaitOptions): PushWaitParams {
  const { maxMs, signal } = toWaitParams(options, PUSH_WAIT_FIELDS);
  const { pollMs } = options;
  return {
    ...{ maxMs, signal },
    pollMs: pollMs === undefined ? undefined : checkDuration(pollMs, 'pollMs'),
  };
}

function toWaitParams(options: WaitOptions, names: readonly string[]): WaitParams {
  assertFields(options, names, 'option of a wait');
  const { signal } = toLimits(options);
  return { maxMs: options.timeoutMs ?? Infinity, signal };
}

export function toLeaseMs(given: number): number {
  return toCount(given, 'lease in ms', MAX_LEASE_MS);
}

export function assertStates(states: readonly JobState[] | undefined): void {
  if (states === undefined) return;
  assertList(states, 'states');
  for (const state of states) assertChoice(state, JOB_STATES, 'state');
}

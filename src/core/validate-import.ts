import {
  assertChoice,
  assertDate,
  assertFields,
  assertFlag,
  assertList,
  assertText,
  shown,
} from './check.js';
import { toCount, usageError } from './check.js';
import { checkDuration, MAX_DURATION_MS } from './duration.js';
import { type Attempt, JOB_STATES, MAX_HISTORY } from './job.js';
import type { ImportedJob } from './imported-job.js';
import type { ImportParams } from './store.js';
import type { ImportProgress } from './transfer.js';
import type { ImportOptions, ImportRequest } from './requests.js';
import { toOwnRetry } from './retry-policy.js';
import { toOnExisting } from './params.js';
import { MAX_TIMESTAMP_MS } from './timestamp.js';
import { toBody, toName, toReason } from './validate.js';

/** What is imported, checked. All throw a DelayerError `usage`. */

const FIELDS = [
  ...([
    'id',
    'topic',
    'body',
    'state',
    'dueAt',
    'expiresAt',
    'ttlMs',
    'attempts',
    'retries',
    'backoff',
  ] as const),
  ...(['key', 'history', 'leasedAt', 'isWaiting', 'reason', 'failedAt', 'deadUntil', 'line'] as const),
] satisfies (keyof ImportRequest)[];
/** Fields that views show and that only a store decides. */
const PASSED_OVER: readonly string[] = [
  ...['lease', 'leaseUntil', 'leasedBy', 'readyAhead', 'readyAheadAtMost'],
  ...['pausedUntilMs', 'isDaemonSeen', 'blockedBy', 'flaw'],
];
const ALL_FIELDS: readonly string[] = [...FIELDS, ...PASSED_OVER];
const ATTEMPT_FIELDS: readonly string[] = [
  ...(['attempt', 'startedAt', 'endedAt', 'outcome', 'exitCode', 'signal', 'reason'] as const),
] satisfies (keyof Attempt)[];
const ATTEMPT_OUTCOMES: readonly string[] = ['retried', 'dead', 'lease_ended'] satisfies Attempt['outcome'][];

/** More than any job is tried. */
const MOST_ATTEMPTS = 1e9;
const MAX_KEY_BYTES = 1024;

/** @throws DelayerError `usage` */
export function toImportedJob(request: ImportRequest): ImportedJob {
  assertFields(request, ALL_FIELDS, 'field of a job');
  const { state, attempts = 0, history, isWaiting = false, line } = request;
  if (state !== undefined) assertChoice(state, JOB_STATES, 'state');
  assertFlag(isWaiting, 'isWaiting');
  const [dueAtMs, expiresAtMs] = [toTime(request.dueAt, 'dueAt'), toExpiry(request.expiresAt)];
  return {
    id: toName(request.id, 'id'),
    topic: toName(request.topic, 'topic'),
    body: toBody(request.body),
    dueAtMs,
    expiresAtMs,
    ttlMs: toTtl(request.ttlMs) ?? between(dueAtMs, expiresAtMs),
    attempts: attempts === 0 ? 0 : toCount(attempts, 'number of attempts', MOST_ATTEMPTS),
    ...(request.retries === undefined && request.backoff === undefined ? {} : toOwnRetry(request)),
    ...(request.key === undefined ? {} : { key: toKey(request.key) }),
    ...(history === undefined ? {} : { history: toHistory(history) }),
    ...(state === 'leased' && { leasedAtMs: toTime(request.leasedAt, 'leasedAt') }),
    ...((isWaiting || state === 'leased') && { was: isWaiting ? 'waiting' : 'leased' }),
    ...(state === 'dead' && { death: toDeath(request) }),
    ...(line === undefined ? {} : { line: toCount(line, 'line') }),
  };
}

/** @throws DelayerError `usage` */
export function toImportParams(jobs: readonly ImportedJob[], options: ImportOptions): ImportParams {
  assertFields(options, ['onExisting', 'progress', 'retryOf'], 'option of an import');
  const { onExisting } = options;
  const progress = options.progress === undefined ? undefined : toProgress(options.progress, jobs);
  const retryOf = options.retryOf === undefined ? undefined : toRetried(options.retryOf, jobs);
  if (progress && retryOf !== undefined) throw usageError('An import has either progress or retryOf');
  return { jobs, onExisting: toOnExisting({ onExisting }), progress, retryOf };
}

/** @throws DelayerError `usage` */
export function toFileName(given: string): string {
  assertText(given, 'file');
  return toName(given, 'file').toString();
}

function toRetried(given: string, jobs: readonly ImportedJob[]): string {
  if (jobs.some(({ line }) => line === undefined)) throw usageError('A job of a file has no line');
  return toFileName(given);
}

function toProgress(given: ImportProgress, jobs: readonly ImportedJob[]): ImportProgress {
  assertFields(given, ['file', 'from', 'to'], 'field of the progress');
  const [file, from] = [toFileName(given.file), given.from === 0 ? 0 : toCount(given.from, 'line')];
  const to = given.to === 0 ? 0 : toCount(given.to, 'line');
  let last = from;
  for (const { line } of jobs) {
    if (line === undefined || line <= last || line > to)
      throw usageError(
        'The line numbers of the jobs do not ascend from the start to the end of the progress',
      );
    last = line;
  }
  return { file, from, to };
}

function toDeath({ failedAt, deadUntil, reason }: ImportRequest): ImportedJob['death'] {
  return {
    failedAtMs: toTime(failedAt, 'failedAt'),
    deadUntilMs: toTime(deadUntil, 'deadUntil'),
    reason: toReason(reason),
  };
}

function toHistory(history: readonly Attempt[]): readonly Attempt[] {
  assertList(history, 'attempts');
  return history.slice(-MAX_HISTORY).map((given) => {
    assertFields(given, ATTEMPT_FIELDS, 'field of an attempt');
    const { exitCode, signal } = given;
    assertChoice(given.outcome, ATTEMPT_OUTCOMES, 'outcome of an attempt');
    assertText(signal, 'signal');
    if (exitCode !== undefined && !Number.isSafeInteger(exitCode))
      throw usageError(`The exit code is not a whole number: ${shown(exitCode)}`);
    if (toTime(given.endedAt, 'endedAt') === undefined) throw usageError('The end of an attempt is missing');
    toTime(given.startedAt, 'startedAt');
    const reason = toReason(given.reason);
    return { ...given, attempt: toCount(given.attempt, 'number of an attempt', MOST_ATTEMPTS), reason };
  });
}

function toKey(key: string): string {
  assertText(key, 'key');
  const bytes = toName(key, 'key').length;
  if (bytes > MAX_KEY_BYTES) throw usageError(`The key is too long: ${bytes} bytes`);
  if (key.includes('\0')) throw usageError('The key has a NUL character');
  return key;
}

/** Undefined for an expiry before the due time, or later than can be written, as other clients push it. */
function toTtl(ttlMs: number | undefined): number | undefined {
  if (ttlMs === undefined) return undefined;
  if (Number.isFinite(ttlMs) && (ttlMs <= 0 || ttlMs > MAX_DURATION_MS)) return undefined;
  return checkDuration(ttlMs, 'the ttl');
}

function between(dueAtMs: number | undefined, expiresAtMs: number | undefined): number | undefined {
  if (dueAtMs === undefined || expiresAtMs === undefined || expiresAtMs <= dueAtMs) return undefined;
  return expiresAtMs - dueAtMs;
}

function toTime(given: Date | undefined, what: string): number | undefined {
  if (given === undefined) return undefined;
  assertDate(given, what);
  const ms = given.getTime();
  if (ms < 0 || ms > MAX_TIMESTAMP_MS)
    throw usageError(`${what} is out of range`, 'Times are from 1970 to the end of the year 9999.');
  return Math.round(ms);
}

/** A time beyond the last one that can be written becomes undefined. */
function toExpiry(given: Date | undefined): number | undefined {
  assertDate(given, 'expiresAt');
  return given && given.getTime() > MAX_TIMESTAMP_MS ? undefined : toTime(given, 'expiresAt');
}

import { isUtf8 } from 'node:buffer';
import { formatBackoff } from '../core/backoff-text.js';
import type { Attempt, Blocker, Bytes, Flaw, Job, JobRecord, JobState, LeasedJob } from '../core/job.js';
import { MAX_TIMESTAMP_MS } from '../core/timestamp.js';
import type { Daemon, Problem, Stats, TopicStats } from '../core/views.js';

/**
 * Characters that JSON allows and a terminal may obey: DEL, the C1 controls, and marks that reorder or hide text.
 */
const UNPRINTABLE = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

type Json = Record<string, unknown>;

/** JSON on one line; control characters are escaped, in a pipe as on a terminal. */
export function toJsonLine(value: unknown): string {
  const json = JSON.stringify(value);
  return json.replace(UNPRINTABLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * A job as docs/commands.md describes it, wherever it is printed. Bytes that are not valid UTF-8 appear as
 * `bodyBase64`, `idBase64`, `topicBase64`. The first seven fields are always there, null when unknown; the others
 * only when they have a value.
 */
export function jobToJson(job: Job | LeasedJob | JobRecord): Json {
  const json = plainToJson(job, job.state);
  const { lease, reason, failedAt, deadUntil, readyAhead, blockedBy, flaw, history } = job as JobRecord;
  const ttlMs = knownTtlMs(job);
  if (ttlMs !== undefined) json.ttlMs = ttlMs;
  if (job.retries !== undefined) json.retries = job.retries;
  if (job.backoff !== undefined) json.backoff = formatBackoff(job.backoff);
  if (lease !== undefined) setLease(json, job as Lease);
  if (job.state === 'dead') {
    if (reason !== undefined) json.reason = reason;
    json.failedAt = iso(failedAt);
    json.deadUntil = iso(deadUntil);
  }
  if (readyAhead !== undefined) json.readyAhead = readyAhead;
  if (blockedBy !== undefined) json.blockedBy = blockerToJson(blockedBy);
  if (flaw !== undefined) json.flaw = flawToJson(flaw);
  if (history !== undefined) json.history = history.map(attemptToJson);
  return json;
}

/** A job that was taken for good: without the lease by which it was delivered, which is of no use to a reader. */
export function takenToJson(job: Job): Json {
  const json = plainToJson(job, 'ready');
  if (job.retries !== undefined) json.retries = job.retries;
  if (job.backoff !== undefined) json.backoff = formatBackoff(job.backoff);
  return json;
}

/**
 * The first seven fields. Mostly all bytes are text; then the object is made with a single literal, because V8
 * stores such fields inside the object, and bulk verbs make tens of thousands of these a second.
 */
function plainToJson(
  { id, topic, body, dueAt, expiresAt, attempts }: Job | JobRecord,
  state: JobState,
): Json {
  const times = { dueAt: iso(dueAt), expiresAt: iso(expiresAt) };
  if (topic && body && isUtf8(id) && isUtf8(topic) && isUtf8(body)) {
    return {
      id: id.toString(),
      topic: topic.toString(),
      body: body.toString(),
      state,
      dueAt: times.dueAt,
      expiresAt: times.expiresAt,
      attempts,
    };
  }
  const json: Json = {};
  setBytes(json, 'id', id);
  setBytes(json, 'topic', topic);
  setBytes(json, 'body', body);
  return Object.assign(json, { state }, times, { attempts });
}

/** A line of an export: everything that is needed to restore the job. */
export function exportedToJson(job: JobRecord): Json {
  const json = jobToJson(job);
  // Fields of the moment are omitted by copying: V8 is slow with an object from which a field was deleted.
  if (job.readyAhead !== undefined) delete json.readyAhead;
  // Another client may have pushed it with an expiry before its due time: then it has no ready lifetime. At the last
  // possible time both are the same.
  const { dueAt, expiresAt, ttlMs = 0 } = job;
  const isPast = dueAt && expiresAt && expiresAt <= dueAt && expiresAt.getTime() < MAX_TIMESTAMP_MS;
  if (ttlMs > 0 && isPast !== true) json.ttlMs = ttlMs;
  if (job.key !== undefined) json.key = job.key;
  return json;
}

/** Fields of a lease, for its holder and for views. */
type Lease = Pick<JobRecord, 'lease' | 'leaseUntil' | 'leasedBy' | 'leasedAt'> &
  Partial<Pick<LeasedJob, 'key'>>;

function setLease(json: Json, { lease, leaseUntil, leasedBy, leasedAt, key }: Lease): void {
  json.lease = lease;
  json.leaseUntil = iso(leaseUntil);
  if (leasedBy !== undefined) json.leasedBy = leasedBy;
  if (leasedAt !== undefined) json.leasedAt = iso(leasedAt);
  if (key !== undefined) json.key = key;
}

/** Without the fields that are not known. */
function attemptToJson({ attempt, startedAt, endedAt, outcome, exitCode, signal, reason }: Attempt): Json {
  return {
    attempt,
    ...(startedAt === undefined ? {} : { startedAt: startedAt.toISOString() }),
    endedAt: endedAt.toISOString(),
    outcome,
    ...{ exitCode, signal, reason },
  };
}

/**
 * The ready lifetime, in ms. After `delayed`, the expiry includes the time in which the lifetime stood still; so it
 * does while the job waits for another one of its id.
 */
function knownTtlMs(job: Job | JobRecord): number | undefined {
  const { state, dueAt, expiresAt, blockedBy } = job as JobRecord;
  const isUntouched = (state === 'delayed' || state === 'due') && blockedBy === undefined;
  // Another client may have pushed it with an expiry before its due time: then it has none.
  return isUntouched && dueAt && expiresAt && expiresAt > dueAt
    ? expiresAt.getTime() - dueAt.getTime()
    : undefined;
}

function blockerToJson(blocker: Blocker): Json {
  return { ...blocker };
}

function flawToJson(flaw: Flaw): Json {
  if (!('listedIn' in flaw)) return { ...flaw };
  return { type: flaw.type, ...bytesToJson('listedIn', flaw.listedIn) };
}

/** A line of `inspect --id ID --json`: the job, and why it is where it is. */
export function explainedJobToJson(job: JobRecord, explanation: readonly string[]): Json {
  return { ...jobToJson(job), explanation };
}

/** `inspect TOPIC --group-by reason --json`; null for no reason. */
export function reasonsToJson(
  topic: Bytes,
  reasons: readonly { readonly reason?: string | undefined; readonly count: number }[],
  others: number,
): Json {
  const counts = reasons.map(({ reason, count }) => ({ reason: reason ?? null, count }));
  return { ...bytesToJson('topic', topic), reasons: counts, others };
}

/** With the changes since the look before, if there was one. */
export interface OverviewStats extends Stats {
  readonly topics: readonly (TopicStats & Change)[];
  readonly change?: Change['change'];
}

interface Change {
  readonly change?: Partial<Readonly<Record<JobState, number>>> | undefined;
}

/** `inspect --json` */
export function overviewToJson(store: string, stats: OverviewStats, problems: readonly Problem[]): Json {
  const { totals, change, estimate, overdueSince, endedLeases, daemons, consumers } = stats;
  return {
    ...{ store, totals },
    ...(change === undefined ? {} : { change }),
    ...(estimate === undefined ? {} : { estimate }),
    overdueSince: iso(overdueSince),
    endedLeases,
    ...(daemons === undefined ? {} : { daemons: daemons.map(daemonToJson) }),
    consumers,
    topics: stats.topics.map(topicToJson),
    problems,
  };
}

/** A daemon of the first release reports its name only. */
function daemonToJson({ name, seenAt, since, promoted, latestMs }: Daemon): Json {
  return {
    ...{ name, seenAt: iso(seenAt) },
    ...(since === undefined ? {} : { since: iso(since) }),
    ...{ promoted, latestMs },
  };
}

/** A topic of the overview. */
export function topicToJson({
  topic,
  nextDueAt,
  oldestReadyAt,
  pausedUntilMs,
  ...row
}: OverviewStats['topics'][number]): Json {
  const { delayed, due, ready, leased, expired, dead, errors, change, isOldestAtLeast } = row;
  return {
    ...bytesToJson('topic', topic),
    ...{ delayed, due, ready, leased, expired: expired ?? null, dead },
    ...(errors === undefined ? {} : { errors }),
    ...(change === undefined ? {} : { change }),
    nextDueAt: iso(nextDueAt),
    oldestReadyAt: iso(oldestReadyAt),
    ...(isOldestAtLeast === true ? { isOldestAtLeast } : {}),
    // Null when it is paused until it is resumed; absent when it is not paused.
    ...(pausedUntilMs === undefined
      ? {}
      : { pausedUntil: pausedUntilMs === Infinity ? null : iso(new Date(pausedUntilMs)) }),
  };
}

/** `{"id": "32"}`, or `{"idBase64": "…"}` where the bytes are not valid UTF-8; null when there are none. */
export function bytesToJson(name: string, bytes: Bytes | undefined): Json {
  const json: Json = {};
  setBytes(json, name, bytes);
  return json;
}

function setBytes(json: Json, name: string, bytes: Bytes | undefined): void {
  if (bytes === undefined) json[name] = null;
  else if (isUtf8(bytes)) json[name] = bytes.toString();
  else json[`${name}Base64`] = bytes.toString('base64');
}

/**
 * The text of a second, without its milliseconds, is cached: bulk verbs print thousands of times in each.
 */
const SECONDS = 64;
const secondsSeen = new Float64Array(SECONDS).fill(NaN);
const secondTexts: string[] = [];

/** ISO 8601 in UTC, or null. */
export function iso(date: Date | undefined): string | null {
  if (date === undefined) return null;
  const ms = date.getTime();
  const second = Math.floor(ms / 1000);
  const slot = Math.abs(second % SECONDS);
  if (secondsSeen[slot] !== second) {
    secondTexts[slot] = date.toISOString().slice(0, -4);
    secondsSeen[slot] = second;
  }
  const rest = ms - second * 1000;
  const zeros = rest < 10 ? '00' : rest < 100 ? '0' : '';
  return `${secondTexts[slot] ?? ''}${zeros}${rest}Z`;
}

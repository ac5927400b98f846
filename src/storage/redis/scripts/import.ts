import type { Attempt } from '../../../core/job.js';
import type { ImportedJob } from '../../../core/imported-job.js';
import type { ImportParams } from '../../../core/store.js';
import { IMPORT_MEMORY_MS, IMPORT_OUTCOMES, type ImportOutcome } from '../../../core/transfer.js';
import { packArray } from '../msgpack.js';
import { SCRIPTS } from '../scripts.generated.js';
import { type ClearedEntry, LARGE_BODY_BYTES, packCleared } from './push.js';
import { type Part, runScript, type Target, toBuffer } from './run.js';

/** Where import.lua finds the first large body in ARGV. */
const FIRST_LARGE = 10;

const NOTHING = Buffer.alloc(0);

export interface ImportedPart extends Part<ImportOutcome> {
  /** The file is imported up to this line, and nothing was done. */
  readonly reached?: number | undefined;
}

/** lua/import.lua */
export async function importJobs(
  target: Target,
  { jobs, onExisting, progress, retryOf }: ImportParams,
  cleared: readonly ClearedEntry[],
): Promise<ImportedPart> {
  const { packed, large } = packJobs(jobs);
  const answer = await runScript(
    target,
    SCRIPTS.import,
    ...[onExisting, target.keys.wakeChannel, packCleared(cleared)],
    ...[progress?.from ?? 0, progress?.to ?? '', IMPORT_MEMORY_MS],
    progress || retryOf !== undefined ? packArray(jobs.map(({ line }) => line ?? 0)) : '',
    progress?.file ?? retryOf ?? '',
    packArray(packed),
    ...large,
  );
  const [reached, unclear] = [Number(answer[0]), toBuffer(answer[1])];
  if (reached >= 0) return { results: [], reached };
  const results = answer.slice(2).map((code) => IMPORT_OUTCOMES[Number(code)] ?? 'blocked');
  return unclear.length === 0 ? { results } : { results, unclear };
}

function packJobs(jobs: readonly ImportedJob[]) {
  const packed: (Buffer | string | number)[] = [];
  const large: Buffer[] = [];
  for (const job of jobs) {
    const { id, topic, body, dueAtMs = '', expiresAtMs, ttlMs } = job;
    const isLarge = body.length > LARGE_BODY_BYTES;
    if (isLarge) large.push(body);
    packed.push(id, topic, isLarge ? FIRST_LARGE + large.length - 1 : body, dueAtMs);
    packed.push(expiresAtMs ?? (ttlMs === undefined ? '' : -1), packMore(job));
  }
  return { packed, large };
}

/** What due time and expiry do not show of a job. */
function packMore(job: ImportedJob): Buffer {
  const { attempts, dueAtMs, expiresAtMs, ttlMs, leasedAtMs, was, death } = job;
  const isInTimes = ttlMs === undefined || (dueAtMs !== undefined && expiresAtMs === dueAtMs + ttlMs);
  const isPlain = !death && !was && attempts === 0;
  const extras = packExtras(job);
  if (isPlain && isInTimes && extras.length === 0) return NOTHING;
  return packArray([
    death ? 'dead' : (was ?? ''),
    ttlMs ?? '',
    attempts,
    extras,
    leasedAtMs ?? '',
    Buffer.from(death?.reason ?? ''),
    death?.failedAtMs ?? '',
    death?.deadUntilMs ?? '',
  ]);
}

/** lua/lib/extras.lua */
function packExtras({ key, retries, backoff, history = [] }: ImportedJob): Buffer {
  if (key === undefined && retries === undefined && !backoff && history.length === 0) return NOTHING;
  return packArray([
    Buffer.from(key ?? ''),
    retries ?? '',
    backoff?.firstMs ?? '',
    backoff?.lastMs ?? '',
    history.length === 0 ? '' : packArray(history.flatMap(packAttempt)),
  ]);
}

function packAttempt({ attempt, startedAt, endedAt, outcome, exitCode, signal, reason }: Attempt) {
  return [
    ...[attempt, startedAt?.getTime() ?? '', endedAt.getTime(), outcome, exitCode ?? ''],
    ...[Buffer.from(signal ?? ''), Buffer.from(reason ?? '')],
  ];
}

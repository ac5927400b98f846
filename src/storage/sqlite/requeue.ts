import type { RequeueJob, RequeueParams } from '../../core/store.js';
import type { RequeueResult } from '../../core/results.js';
import { chunks } from '../../core/chunks.js';
import type { Connection } from './connection.js';
import { exhume, makeWay } from './dead.js';
import { DEAD, IN_LINE, LAST_TIME_MS, TTL_MS } from './rows.js';

/** Dead letters that one transaction makes jobs again. */
const CHUNK_IDS = 500;

const LATEST = `
SELECT seq FROM job LEFT JOIN dead USING (seq) WHERE id = ?1 AND state > 1 AND state = ${DEAD}
  AND (?2 IS NULL OR topic = ?2) AND (?3 IS NULL OR failed_at = ?3)
ORDER BY failed_at DESC, seq DESC LIMIT 1`;
const IN_LINE_NOW = `SELECT seq, topic, expires_at AS expiresAt FROM job WHERE id = ? AND state = ${IN_LINE}`;
const REQUEUE = `
UPDATE job SET state = ${IN_LINE}, attempts = iif(?3, attempts, 0), place = ?1, due_at = NULL,
  expires_at = min(?1 + ${TTL_MS}, ${LAST_TIME_MS})
WHERE seq = ?2`;

interface InLine {
  readonly seq: number;
  readonly topic: Uint8Array;
  readonly expiresAt: number;
}

/**
 * Makes of each id the latest dead letter that is meant a job again; then an expired job of the id makes room. Where
 * there is no dead letter, it is the expired job itself.
 */
export async function requeue(
  connection: Connection,
  { jobs, keepAttempts }: RequeueParams,
): Promise<RequeueResult[]> {
  const results: RequeueResult[] = [];
  for (const chunk of chunks(jobs, CHUNK_IDS)) {
    const done = await connection.write((now) =>
      chunk.map((job) => requeueOne(connection, job, keepAttempts, now)),
    );
    results.push(...done);
  }
  return results;
}

function requeueOne(
  connection: Connection,
  { id, topic, failedAt, state, delayMs }: RequeueJob,
  keepAttempts: boolean,
  now: number,
): RequeueResult {
  const dead =
    state === 'expired'
      ? undefined
      : (connection.get(LATEST, id, topic ?? null, failedAt?.getTime() ?? null) as
          { seq: number } | undefined);
  const inLine = connection.get(IN_LINE_NOW, id) as InLine | undefined;
  const isExpired = inLine !== undefined && inLine.expiresAt <= now;
  if (dead) {
    if (inLine && !isExpired) return 'duplicate_id';
    if (inLine) makeWay(connection, [inLine], now);
    exhume(connection, [dead.seq]);
  } else if (!isExpired || state === 'dead' || failedAt || topic?.equals(inLine.topic) === false)
    return 'none';
  const seq = dead?.seq ?? inLine?.seq ?? null;
  connection.run(REQUEUE, Math.min(now + delayMs, LAST_TIME_MS), seq, keepAttempts ? 1 : 0);
  return 'requeued';
}

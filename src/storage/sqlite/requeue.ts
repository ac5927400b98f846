import type { RequeueJob, RequeueParams } from '../../core/store.js';
import type { RequeueResult } from '../../core/results.js';
import { chunks } from '../../core/chunks.js';
import type { Connection } from './connection.js';
import { exhume, makeWay } from './dead.js';
import { DEAD, IN_LINE, LAST_TIME_MS, TTL_MS } from './rows.js';

/** Dead letters that one transaction makes jobs again. */
const CHUNK_IDS = 500;

const latest = (condition: string) => `
SELECT seq FROM job LEFT JOIN dead USING (seq) WHERE id = ?1 AND state > 1 AND state = ${DEAD}${condition}
ORDER BY failed_at DESC, seq DESC LIMIT 1`;
const LATEST = latest('');
const LATEST_IN_TOPIC = latest(' AND +topic = ?2');
const IN_LINE_NOW = `SELECT seq, expires_at AS expiresAt FROM job WHERE id = ? AND state = ${IN_LINE}`;
const REQUEUE = `
UPDATE job SET state = ${IN_LINE}, attempts = iif(?3, attempts, 0), place = ?1, due_at = NULL,
  expires_at = min(?1 + ${TTL_MS}, ${LAST_TIME_MS})
WHERE seq = ?2`;

/** Makes the latest dead letter of each id, in its topic where one is named, a job again. A job in line that has expired makes room. */
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
  { id, topic, delayMs }: RequeueJob,
  keepAttempts: boolean,
  now: number,
): RequeueResult {
  const found = topic ? connection.get(LATEST_IN_TOPIC, id, topic) : connection.get(LATEST, id);
  const dead = found as { seq: number } | undefined;
  if (!dead) return 'none';
  const living = connection.get(IN_LINE_NOW, id) as { seq: number; expiresAt: number } | undefined;
  if (living && living.expiresAt > now) return 'duplicate_id';
  if (living) makeWay(connection, [living], now);
  exhume(connection, [dead.seq]);
  connection.run(REQUEUE, Math.min(now + delayMs, LAST_TIME_MS), dead.seq, keepAttempts ? 1 : 0);
  return 'requeued';
}

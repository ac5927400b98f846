import { chunks } from '../../core/chunks.js';
import type { RescheduleResult } from '../../core/results.js';
import { MAX_TIMESTAMP_MS } from '../../core/timestamp.js';
import type { RescheduleJob, RescheduleParams } from '../../core/store.js';
import type { Connection } from './connection.js';
import { isMeantRow, leasedFinder, rowsOf } from './lookup.js';
import { LAST_SEQ } from './bound-numbers.js';
import { moveExtras } from './extras.js';
import { dateOf, IN_LINE, LAST_TIME_MS, TTL_MS } from './rows.js';

/** Jobs that one transaction reschedules. */
const CHUNK_IDS = 500;

const RESCHEDULE = `
UPDATE job SET place = ?1, due_at = NULL, expires_at = min(?1 + ${TTL_MS}, ${LAST_TIME_MS}) WHERE seq = ?2`;
/** A job of the same topic and place that would be delivered after this one. */
const LATER = `SELECT 1 FROM job WHERE topic = ? AND state = ${IN_LINE} AND place = ? AND seq > ? LIMIT 1`;
const NUMBER_ANEW = `
UPDATE job SET seq = (SELECT max(seq) + 1 FROM job WHERE seq < ${LAST_SEQ}) WHERE seq = ? RETURNING seq`;

/** Gives delayed jobs another due time, and the whole ready lifetime from there. */
export async function reschedule(
  connection: Connection,
  { jobs }: RescheduleParams,
): Promise<RescheduleResult[]> {
  const results: RescheduleResult[] = [];
  for (const chunk of chunks(jobs, CHUNK_IDS)) {
    const done = await connection.write((now) => {
      const leasedOf = leasedFinder(
        connection,
        chunk.map(({ id }) => id),
      );
      return chunk.map((job) => rescheduleOne(connection, job, (id) => leasedOf(id).length > 0, now));
    });
    results.push(...done);
  }
  return results;
}

function rescheduleOne(
  connection: Connection,
  { due, ...guard }: RescheduleJob,
  isLeased: (id: Buffer) => boolean,
  now: number,
): RescheduleResult {
  const { id } = guard;
  const [row] = rowsOf(connection, id, now);
  if (row?.state !== IN_LINE || row.is !== 'delayed' || !isMeantRow(connection, guard, row))
    return { rescheduled: false, state: row?.is ?? (isLeased(id) ? 'leased' : undefined) };
  const asked = 'delayMs' in due ? now + due.delayMs : 'atMs' in due ? due.atMs : row.dueAt + due.byMs;
  const dueAt = Math.min(Math.max(now, asked), MAX_TIMESTAMP_MS);
  connection.run(RESCHEDULE, dueAt, row.seq);
  // Jobs that are due together come in the order of their numbers, and this one comes last of them.
  if (connection.get(LATER, row.topic, dueAt, row.seq)) {
    const { seq } = connection.get(NUMBER_ANEW, row.seq) as { seq: number };
    if (row.hasExtras === 1) moveExtras(connection, row.seq, seq);
  }
  return { rescheduled: true, state: 'delayed', dueAt: dateOf(dueAt) };
}

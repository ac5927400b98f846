import { DEFAULT_TTL_MS } from '../../core/job.js';
import type { EditResult } from '../../core/results.js';
import type { EditParams } from '../../core/store.js';
import type { Connection } from './connection.js';
import type { Value } from './driver.js';
import { isMeantRow, leasedFinder, rowsOf } from './lookup.js';
import { IN_LINE, LAST_TIME_MS, TTL_MS } from './rows.js';

const LIFETIME = `SELECT ${TTL_MS} AS ttlMs FROM job WHERE seq = ?`;
const SET_BODY = 'UPDATE job SET body = ? WHERE seq = ?';
const SET_LIFETIME = 'UPDATE job SET ttl_ms = ?, expires_at = ? WHERE seq = ?';

/** Gives a job in line another body or ready lifetime; it keeps its place. */
export async function edit(connection: Connection, params: EditParams): Promise<EditResult> {
  return connection.write((now) => editNow(connection, params, now));
}

function editNow(connection: Connection, params: EditParams, now: number): EditResult {
  const { id, ifBody, body, ttlMs } = params;
  const [row] = rowsOf(connection, id, now);
  if (row === undefined) {
    const isLeased = leasedFinder(connection, [id])(id).length > 0;
    return { edited: false, state: isLeased ? 'leased' : undefined };
  }
  const { seq, is: state } = row;
  const guard = { ...params, body: ifBody };
  if (row.state !== IN_LINE || !isMeantRow(connection, guard, row)) return { edited: false, state };
  if (ttlMs !== undefined) {
    // The time for which its lifetime stood still, while it was leased, is kept. The lifetime of a job without an
    // expiry begins when it is due, and no lifetime before that, whatever expiry an import has given the job.
    const { ttlMs: old } = connection.get(LIFETIME, seq) as { ttlMs: number };
    const begin = old < LAST_TIME_MS ? Math.max(row.expiresAt - old, row.dueAt) : row.dueAt;
    const expiresAt = Math.min(begin + ttlMs, LAST_TIME_MS);
    if (expiresAt <= now) return { edited: false, state, isOver: true };
    const values: Value[] = [ttlMs === DEFAULT_TTL_MS ? null : ttlMs, expiresAt];
    connection.run(SET_LIFETIME, ...values, seq);
  }
  if (body !== undefined) connection.run(SET_BODY, body, seq);
  return { edited: true, state };
}

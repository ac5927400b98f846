import { LOCK_MS } from '../../core/lease.js';
import type { LockParams } from '../../core/store.js';
import type { Connection } from './connection.js';

const TAKE = `
INSERT INTO lock (name, owner, until_at) VALUES (?1, ?2, ?3)
ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until_at = excluded.until_at
WHERE owner = excluded.owner OR until_at <= ?4`;
/** No owner has a lock for longer, whatever the clock did, or somebody wrote. */
const HELD_UNTIL = 'UPDATE lock SET until_at = min(until_at, ?) WHERE name = ? RETURNING until_at AS at';
const FREE = 'DELETE FROM lock WHERE name = ? AND owner = ?';
const FORGET = 'DELETE FROM lock WHERE until_at <= ?';

/** Takes a lock that is free, or renews this owner's. Answers whether it has it now. */
export function lock(connection: Connection, params: LockParams): Promise<boolean> {
  return connection.writeSoon((now) => takeLock(connection, params, now) === undefined);
}

/** Frees a lock that is this owner's. */
export function unlock(connection: Connection, { name, owner }: LockParams): Promise<void> {
  return connection.writeSoon(() => {
    connection.run(FREE, name, owner);
  });
}

/** Within a transaction: takes or renews a lock. @returns when (ms) it is free at the latest, where another owner has it */
export function takeLock(
  connection: Connection,
  { name, owner }: LockParams,
  now: number,
): number | undefined {
  const until = now + LOCK_MS;
  if (connection.changes(TAKE, name, owner, until, now) > 0) return undefined;
  return (connection.get(HELD_UNTIL, until, name) as { at: number }).at;
}

/** Within a transaction: forgets locks whose owners left them. */
export function forgetLocks(connection: Connection, now: number): void {
  connection.run(FORGET, now);
}

import type { Maintenance } from '../../core/results.js';
import { type Agenda, readAgenda } from './agenda.js';
import type { Connection } from './connection.js';
import { deleteDead } from './dead.js';
import { clearExpired } from './expire.js';
import { takeEnded } from './lease.js';
import { endPauses } from './pause.js';
import { returnToPlace, returnWaiting } from './return.js';
import { boundedTime, msUntil } from './rows.js';

/** Jobs of each kind that are dealt with in one transaction: it stays under some 10 ms. */
const STEP = 500;

/** The next job to be due, of all topics: two steps into the index for each topic. */
const NEXT_DUE = `
WITH RECURSIVE name (topic) AS (
  SELECT (SELECT min(topic) FROM job WHERE state = 0)
  UNION ALL
  SELECT (SELECT min(topic) FROM job WHERE state = 0 AND topic > name.topic) FROM name
  WHERE name.topic IS NOT NULL
)
SELECT ifnull(min((
  SELECT ${boundedTime('place')} FROM job WHERE state = 0 AND topic = name.topic AND place > ? ORDER BY place LIMIT 1
)), 9e999) AS at FROM name WHERE topic IS NOT NULL`;

/**
 * One bounded step: leases that have ended bring their jobs back, expired jobs and dead letters past their
 * time are cleared away. A job is ready when it is due, so none is promoted. It takes the write lock only
 * when there is something to do.
 */
export async function maintain(connection: Connection): Promise<Maintenance> {
  const hasWork = await connection.read(
    (now) => connection.clock?.hasJumped(now) === true || nextChore(readAgenda(connection)) <= now,
  );
  const done = hasWork
    ? await connection.writeLess((now) => doChores(connection, now))
    : { reclaimed: 0, expired: 0, deleted: 0, more: false };
  const nextInMs = await connection.read((now) => {
    const { leaseEnd, waitingAgain } = readAgenda(connection);
    const { at: due } = connection.get(NEXT_DUE, now) as { at: number };
    return msUntil(Math.min(due, leaseEnd, waitingAgain), now);
  });
  return { promoted: 0, stuck: 0, ...done, nextInMs };
}

/** Within a transaction: brings back the jobs of leases that have ended, and those that waited for a newer job. */
export function reclaim(
  connection: Connection,
  agenda: Agenda,
  now: number,
): { reclaimed: number; more: boolean } {
  const ended = agenda.leaseEnd <= now ? reclaimEnded(connection, now) : { reclaimed: 0, more: false };
  if (agenda.waitingAgain > now) return ended;
  const { back, more } = returnWaiting(connection, now, STEP);
  return { reclaimed: ended.reclaimed + back, more: ended.more || more };
}

function nextChore({ leaseEnd, waitingAgain, expiry, deadUntil, pauseEnd }: Agenda): number {
  return Math.min(leaseEnd, waitingAgain, expiry, deadUntil, pauseEnd);
}

function doChores(
  connection: Connection,
  now: number,
): Pick<Maintenance, 'reclaimed' | 'expired' | 'deleted' | 'more'> {
  const { reclaimed, more } = reclaim(connection, readAgenda(connection), now);
  const expired = clearExpired(connection, now, STEP);
  const deleted = deleteDead(connection, now, STEP);
  endPauses(connection, now);
  return { reclaimed, expired, deleted, more: more || expired === STEP || deleted === STEP };
}

/** Stops after STEP jobs; a reservation is done whole. */
function reclaimEnded(connection: Connection, now: number): { reclaimed: number; more: boolean } {
  let reclaimed = 0;
  for (let jobs = 0; jobs < STEP;) {
    const ended = takeEnded(connection, now);
    if (!ended) return { reclaimed, more: false };
    const { seqs, reservedAt } = ended;
    reclaimed += returnToPlace(connection, seqs, { reservedAt, attempts: 1 }, now);
    jobs += Math.max(1, seqs.length);
  }
  return { reclaimed, more: readAgenda(connection).leaseEnd <= now };
}

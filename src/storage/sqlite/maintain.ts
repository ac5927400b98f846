import type { Promotion } from '../../core/store.js';
import { clearDead, firstExpiry } from './expiry.js';
import { nextLeaseEnd, reclaim } from './lease.js';
import type { Session } from './connection.js';
import { msUntil } from './reserve.js';

/** Leases that ran out and dead jobs that are dealt with in one transaction: it stays under some 10 ms. */
const STEP = 500;

/** The next job to be due, of all topics: two steps into the index for each topic. */
const NEXT_DUE = `
WITH RECURSIVE name (topic) AS (
  SELECT (SELECT min(topic) FROM job WHERE leased = 0)
  UNION ALL
  SELECT (SELECT min(topic) FROM job WHERE leased = 0 AND topic > name.topic) FROM name
  WHERE name.topic IS NOT NULL
)
SELECT min((
  SELECT due_at FROM job WHERE leased = 0 AND topic = name.topic AND due_at > ? ORDER BY due_at LIMIT 1
)) AS at FROM name WHERE topic IS NOT NULL`;

/**
 * One bounded step of what needs keeping: leases that ran out end, and dead jobs are cleared away. Due
 * jobs need nothing. It takes the write lock only when there is something to do.
 */
export async function promote(session: Session): Promise<Promotion> {
  const idle = await session.read((now) => now < Math.min(firstExpiry(session), nextLeaseEnd(session)));
  const done = idle
    ? { expired: 0, returned: 0, more: false }
    : await session.write((now) => {
        const { returned, expired, more } = reclaim(session, now, STEP);
        const cleared = clearDead(session, now, STEP);
        return { expired: expired + cleared, returned, more: more || cleared === STEP };
      });
  const nextInMs = await session.read((now) =>
    msUntil(Math.min(nextDue(session, now), nextLeaseEnd(session)), now),
  );
  return { promoted: 0, stuck: 0, ...done, nextInMs };
}

function nextDue(session: Session, now: number): number {
  const { at } = session.get(NEXT_DUE, now) as { at: number | null };
  return at ?? Infinity;
}

import type { Agenda } from './agenda-memory.js';
import type { Connection } from './connection.js';
import { boundedTime } from './rows.js';

/** One statement, because five would take a tenth of a pop. 9e999 is Infinity. */
const AGENDA = `
SELECT
  ifnull((SELECT ${boundedTime('min(ends_at)')} FROM lease), 9e999) AS leaseEnd,
  ifnull((SELECT ${boundedTime('min(again_at)')} FROM waiting), 9e999) AS waitingAgain,
  ifnull((SELECT ${boundedTime('min(expires_at)')} FROM job WHERE state = 0), 9e999) AS expiry,
  ifnull((SELECT ${boundedTime('min(dead_until)')} FROM dead), 9e999) AS deadUntil,
  ifnull((SELECT ${boundedTime('min(until_at)')} FROM pause), 9e999) AS pauseEnd,
  (SELECT count(*) FROM pause) AS pauses`;

export function readAgenda(connection: Connection): Agenda {
  const agenda = connection.get(AGENDA) as Agenda;
  connection.agenda.remember(agenda);
  return agenda;
}

const NEXT_DUE = `
SELECT ${boundedTime('place')} AS at FROM job WHERE topic = ? AND state = 0 AND place > ?
ORDER BY job.place LIMIT 1`;

/**
 * When (ms) the next job of these topics is due, or the next lease or wait of any topic ends; Infinity when none
 * does.
 */
export function nextEvent(
  connection: Connection,
  { leaseEnd, waitingAgain }: Agenda,
  topics: readonly Buffer[],
  now: number,
): number {
  const due = topics.map((topic) => {
    const next = connection.get(NEXT_DUE, topic, now) as { at: number } | undefined;
    return next?.at ?? Infinity;
  });
  return Math.min(leaseEnd, waitingAgain, ...due);
}

import type { Connection } from './connection.js';
import { boundedTime } from './rows.js';

/** When (ms) the next thing of each kind is to be done in the store; Infinity when there is none. */
export interface Agenda {
  readonly leaseEnd: number;
  /** When to look again at a job that waits for a newer one of its id. */
  readonly waitingAgain: number;
  readonly expiry: number;
  /** When a dead letter is to be deleted. */
  readonly deadUntil: number;
  /** Of pauses that have an end. */
  readonly pauseEnd: number;
  /** Paused topics. */
  readonly pauses: number;
}

/** One statement: five of them would take a tenth of a pop. 9e999 is Infinity. */
const AGENDA = `
SELECT
  ifnull((SELECT ${boundedTime('min(ends_at)')} FROM lease), 9e999) AS leaseEnd,
  ifnull((SELECT ${boundedTime('min(again_at)')} FROM waiting), 9e999) AS waitingAgain,
  ifnull((SELECT ${boundedTime('min(expires_at)')} FROM job WHERE state = 0), 9e999) AS expiry,
  ifnull((SELECT ${boundedTime('min(dead_until)')} FROM dead), 9e999) AS deadUntil,
  ifnull((SELECT ${boundedTime('min(until_at)')} FROM pause), 9e999) AS pauseEnd,
  (SELECT count(*) FROM pause) AS pauses`;

export function readAgenda(connection: Connection): Agenda {
  return connection.get(AGENDA) as Agenda;
}

const NEXT_DUE = `
SELECT ${boundedTime('place')} AS at FROM job WHERE topic = ? AND state = 0 AND place > ?
ORDER BY job.place LIMIT 1`;

/**
 * When (ms) the next job of these topics is due, or the next lease or wait of any topic ends; Infinity when
 * there is none.
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

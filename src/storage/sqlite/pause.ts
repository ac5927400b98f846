import type { PauseParams, TopicParams } from '../../core/store.js';
import type { Agenda } from './agenda-memory.js';
import type { Connection } from './connection.js';
import { boundedTime, bytesOf, LAST_TIME_MS } from './rows.js';

const PAUSE = `
INSERT INTO pause (topic, until_at) VALUES (?, ?)
ON CONFLICT (topic) DO UPDATE SET until_at = excluded.until_at`;
const RESUME = 'DELETE FROM pause WHERE topic = ?';
const PAUSED = `SELECT topic, ifnull(${boundedTime('until_at')}, 9e999) AS until FROM pause
  WHERE until_at > ? OR until_at IS NULL`;
const END = 'DELETE FROM pause WHERE until_at <= ?';

/** Holds topics back from pop and reserve; a pause of a paused topic takes the place of the one before. */
export async function pause(connection: Connection, { topics, forMs }: PauseParams): Promise<void> {
  await connection.write((now) => {
    const until = forMs === undefined ? null : Math.min(now + forMs, LAST_TIME_MS);
    for (const topic of topics) connection.run(PAUSE, topic, until);
  });
}

export async function resume(connection: Connection, { topics }: TopicParams): Promise<void> {
  await connection.write(() => {
    for (const topic of topics) connection.run(RESUME, topic);
  });
}

/** Every paused topic, and until when (ms); Infinity until it is resumed. */
export function readPauses(connection: Connection, now: number): { topic: Buffer; until: number }[] {
  const rows = connection.all(PAUSED, now) as { topic: Uint8Array; until: number }[];
  return rows.map(({ topic, until }) => ({ topic: bytesOf(topic), until }));
}

/** Of these topics, those that are not paused, and when (ms) the first pause of the others ends. */
export function openTopics(
  connection: Connection,
  agenda: Agenda,
  topics: readonly Buffer[],
  now: number,
): { open: readonly Buffer[]; pauseEnd: number } {
  if (agenda.pauses === 0) return { open: topics, pauseEnd: Infinity };
  const until = new Map(readPauses(connection, now).map((row) => [row.topic.toString('latin1'), row.until]));
  const pauseOf = (topic: Buffer) => until.get(topic.toString('latin1'));
  return {
    open: topics.filter((topic) => pauseOf(topic) === undefined),
    pauseEnd: Math.min(...topics.map((topic) => pauseOf(topic) ?? Infinity)),
  };
}

/** Within a transaction: forgets pauses that have ended. */
export function endPauses(connection: Connection, now: number): void {
  connection.run(END, connection.trusted(now));
}

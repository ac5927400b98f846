import type { Stats } from '../../../core/views.js';
import type { StatsParams } from '../../../core/store.js';
import { TopicCounter } from '../../../core/topic-counter.js';
import type { Connection } from '../connection.js';
import { readPauses } from '../pause.js';
import {
  boundedTime,
  bytesOf,
  DEAD,
  DUE_AT,
  exact,
  EXACT_VALUE,
  FIRST_NUMBER,
  LAST_NUMBER,
} from '../rows.js';
import { LEASED_JOBS } from '../lease.js';

/** Index entries that one step counts, in a few ms. */
const COUNT_WINDOW = 50_000;
/** Expired jobs that one step looks up. */
const EXPIRED_WINDOW = 5000;

/** Of the first jobs in line so many are looked at, behind no more expired ones than that, for the oldest. */
const FIRST_JOBS = 10;
const MOST_EXPIRED = 1000;
/** Names of consumers that are told. */
const MOST_HOLDERS = 1000;

const NEXT_TOPIC = 'SELECT min(topic) AS topic FROM job WHERE state = 0 AND topic > ?';
const NEXT_DUE = `
SELECT ${boundedTime('place')} AS at FROM job WHERE state = 0 AND topic = ? AND place > ?
ORDER BY job.place LIMIT 1`;
const LEASED = `SELECT topic, count(*) AS jobs FROM ${LEASED_JOBS} GROUP BY topic`;
const ENDED = 'SELECT count(*) AS leases FROM lease WHERE ends_at <= ?';
const HOLDERS = `SELECT DISTINCT holder FROM lease WHERE holder IS NOT NULL ORDER BY holder LIMIT ${MOST_HOLDERS}`;
const ASIDE = `
SELECT topic, state, count(*) AS jobs FROM job WHERE state > 1 AND state <= ${DEAD} GROUP BY topic, state`;
/** Jobs that were promoted by hand stand before older ones; expired ones are passed over. */
const OLDEST = `
SELECT min(dueAt) AS at FROM (
  SELECT dueAt FROM (
    SELECT ${boundedTime(DUE_AT)} AS dueAt, expires_at FROM job
    WHERE state = 0 AND topic = ? AND place <= ? ORDER BY job.place, job.seq LIMIT ${MOST_EXPIRED})
  WHERE expires_at > ? LIMIT ${FIRST_JOBS})`;
const EXPIRED = `
SELECT ${exact('seq')} AS seq, ${exact('expires_at')} AS expiresAt, topic FROM job
WHERE state = 0 AND (expires_at, seq) > (${EXACT_VALUE}, ${EXACT_VALUE}) AND expires_at <= ? AND place <= ?
ORDER BY job.expires_at, job.seq LIMIT ${EXPIRED_WINDOW}`;

/** Two statements that count jobs of a topic by their places, window by window. */
const COUNTED = `FROM job WHERE state = 0 AND topic = ? AND (place, seq) > (${EXACT_VALUE}, ${EXACT_VALUE}) AND place <= ?`;
const WINDOW_END = `
SELECT ${exact('place')} AS at, ${exact('seq')} AS seq ${COUNTED} ORDER BY job.place, job.seq LIMIT 1 OFFSET ${COUNT_WINDOW - 1}`;
const COUNT_REST = `SELECT count(*) AS jobs ${COUNTED}`;

/**
 * Counts jobs in steps, so that neither others nor this process are held up. It reads indexes alone, some 100 ms for a
 * million jobs: there is nothing to estimate.
 */
export async function stats(connection: Connection, { beyondMs, onProgress }: StatsParams): Promise<Stats> {
  const counter = new TopicCounter(beyondMs !== undefined);
  let counted = 0;
  for await (const topic of topicsInLine(connection)) {
    const counts = counter.of(topic);
    const now = connection.now();
    counts.ready = await countPlaces(connection, topic, -Infinity, now);
    counts.delayed = await countPlaces(connection, topic, now, Infinity);
    if (beyondMs !== undefined)
      counts.beyond = await countPlaces(connection, topic, Math.max(now, beyondMs), Infinity);
    await connection.read(() => {
      if (counts.delayed > 0) counts.nextDueAt = timeOf(connection.get(NEXT_DUE, topic, now));
      if (counts.ready > 0) counts.oldestReadyAt = timeOf(connection.get(OLDEST, topic, now, now));
    });
    counted += counts.ready + counts.delayed;
    onProgress?.(counted, counted);
  }
  await countExpired(connection, counter);
  await connection.read((now) => {
    countOthers(connection, counter, now);
  });
  return connection.read((now) => {
    const consumers = (connection.all(HOLDERS) as { holder: string }[]).map(({ holder }) => holder);
    const { leases: endedLeases } = connection.get(ENDED, now) as { leases: number };
    return { ...counter.sums(), consumers, endedLeases };
  });
}

const timeOf = (row: unknown): Date | undefined => {
  const at = (row as { at: number | null } | undefined)?.at;
  return at === undefined || at === null ? undefined : new Date(at);
};

/** Leased, waiting and dead jobs, and what is paused. */
function countOthers(connection: Connection, counter: TopicCounter, now: number): void {
  for (const { topic, jobs } of connection.all(LEASED) as { topic: Uint8Array; jobs: number }[])
    counter.of(bytesOf(topic)).leased += jobs;
  const aside = connection.all(ASIDE) as { topic: Uint8Array; state: number; jobs: number }[];
  for (const { topic, state, jobs } of aside)
    counter.of(bytesOf(topic))[state === DEAD ? 'dead' : 'delayed'] += jobs;
  for (const { topic, until } of readPauses(connection, now)) counter.of(topic).pausedUntilMs = until;
}

/** Expired jobs stand among the ready ones, where they were counted already. */
async function countExpired(connection: Connection, counter: TopicCounter): Promise<void> {
  const now = connection.now();
  let from = { expiresAt: FIRST_NUMBER, seq: FIRST_NUMBER };
  for (;;) {
    const { expiresAt, seq } = from;
    const rows = await connection.read(
      () => connection.all(EXPIRED, expiresAt, seq, now, now) as (typeof from & { topic: Uint8Array })[],
    );
    for (const { topic } of rows) {
      const counts = counter.of(bytesOf(topic));
      counts.expired += 1;
      counts.ready = Math.max(0, counts.ready - 1);
    }
    const last = rows.at(-1);
    if (!last || rows.length < EXPIRED_WINDOW) return;
    from = last;
  }
}

/** The topics that have jobs in line, in order of their bytes. */
export async function* topicsInLine(connection: Connection): AsyncGenerator<Buffer> {
  for (let topic: Buffer = Buffer.alloc(0); ;) {
    const after = topic;
    const { topic: next } = await connection.read(
      () => connection.get(NEXT_TOPIC, after) as { topic: Uint8Array | null },
    );
    if (!next) return;
    topic = bytesOf(next);
    yield topic;
  }
}

/** Counts the jobs of a topic whose place is later than `after` and no later than `until`. */
export async function countPlaces(
  connection: Connection,
  topic: Buffer,
  after: number,
  until: number,
): Promise<number> {
  let from = isFinite(after) ? { at: `${after}`, seq: LAST_NUMBER } : { at: FIRST_NUMBER, seq: FIRST_NUMBER };
  for (let jobs = 0; ; jobs += COUNT_WINDOW) {
    const given = [topic, from.at, from.seq, until];
    const last = await connection.read(() => connection.get(WINDOW_END, ...given) as typeof from | undefined);
    if (last) from = last;
    else {
      const left = await connection.read(() => connection.get(COUNT_REST, ...given) as { jobs: number });
      return jobs + left.jobs;
    }
  }
}

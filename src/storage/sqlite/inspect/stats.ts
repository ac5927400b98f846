import type { Stats } from '../../../core/results.js';
import type { StatsParams } from '../../../core/store.js';
import { TopicCounter } from '../../../core/topic-counter.js';
import type { Connection } from '../connection.js';
import type { Value } from '../driver.js';
import { readPauses } from '../pause.js';
import {
  boundedTime,
  bytesOf,
  DEAD,
  exact,
  EXACT_VALUE,
  FIRST_NUMBER,
  LAST_NUMBER,
  WAITING,
} from '../rows.js';
import { LEASED_JOBS } from '../lease.js';

/** Index entries that one step counts, in a few ms. */
const COUNT_WINDOW = 50_000;
/** Expired jobs that one step looks up. */
const EXPIRED_WINDOW = 5000;

const NEXT_TOPIC = 'SELECT min(topic) AS topic FROM job WHERE state = 0 AND topic > ?';
const NEXT_DUE = `
SELECT ${boundedTime('place')} AS at FROM job WHERE state = 0 AND topic = ? AND place > ?
ORDER BY job.place LIMIT 1`;
const LEASED = `SELECT topic, count(*) AS jobs FROM ${LEASED_JOBS} GROUP BY topic`;
const LEASED_IN_ALL = `
SELECT count(*) AS jobs FROM lease CROSS JOIN json_each(iif(json_valid(lease.seqs), lease.seqs, '[]')) AS held WHERE held.type <> 'null'`;
const ASIDE = `
SELECT topic, state, count(*) AS jobs FROM job WHERE state > 1 AND state <= ${DEAD} GROUP BY topic, state`;
const ASIDE_IN_ALL = 'SELECT count(*) AS jobs FROM job WHERE state > 1 AND state = ?';
const EXPIRED = `
SELECT ${exact('seq')} AS seq, ${exact('expires_at')} AS expiresAt, topic FROM job
WHERE state = 0 AND (expires_at, seq) > (${EXACT_VALUE}, ${EXACT_VALUE}) AND expires_at <= ? AND place <= ?
ORDER BY job.expires_at, job.seq LIMIT ${EXPIRED_WINDOW}`;

/** Two statements that count the entries of an index window by window. */
interface Counting {
  /** The last entry of a full window. */
  readonly end: string;
  readonly rest: string;
}

const LINE = counting('topic = ? AND ', 'place');
const EXPIRIES = counting('', 'expires_at');

/** Counts jobs in steps, so that neither others nor this process are held up. */
export function stats(connection: Connection, { exact }: StatsParams): Promise<Stats> {
  return exact ? countTopics(connection) : countTotals(connection);
}

/** Reads nothing but indexes: some 30 ms for a million jobs. */
async function countTotals(connection: Connection): Promise<Stats> {
  const now = connection.now();
  let [due, notDue] = [0, 0];
  for await (const topic of topicsInLine(connection)) {
    due += await count(connection, LINE, [topic], -Infinity, now);
    notDue += await count(connection, LINE, [topic], now, Infinity);
  }
  const expired = await count(connection, EXPIRIES, [], -Infinity, now);
  return connection.read(() => {
    const number = (sql: string, ...values: Value[]) =>
      (connection.get(sql, ...values) as { jobs: number }).jobs;
    const totals = {
      delayed: notDue + number(ASIDE_IN_ALL, WAITING),
      due: 0,
      ready: Math.max(0, due - expired),
      leased: number(LEASED_IN_ALL),
      expired,
      dead: number(ASIDE_IN_ALL, DEAD),
    };
    return { totals };
  });
}

async function countTopics(connection: Connection): Promise<Stats> {
  const counter = new TopicCounter();
  for await (const topic of topicsInLine(connection)) {
    const counts = counter.of(topic);
    const now = connection.now();
    counts.ready = await count(connection, LINE, [topic], -Infinity, now);
    counts.delayed = await count(connection, LINE, [topic], now, Infinity);
    const next = await connection.read(
      () => connection.get(NEXT_DUE, topic, now) as { at: number } | undefined,
    );
    if (next) counts.nextDueAt = new Date(next.at);
  }
  await countExpired(connection, counter);
  await connection.read((now) => {
    countOthers(connection, counter, now);
  });
  return counter.stats();
}

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

async function* topicsInLine(connection: Connection): AsyncGenerator<Buffer> {
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

function counting(condition: string, key: 'place' | 'expires_at'): Counting {
  const from = `FROM job WHERE state = 0 AND ${condition}(${key}, seq) > (${EXACT_VALUE}, ${EXACT_VALUE}) AND ${key} <= ?`;
  return {
    end: `SELECT ${exact(key)} AS at, ${exact('seq')} AS seq ${from} ORDER BY job.${key}, job.seq LIMIT 1 OFFSET ${COUNT_WINDOW - 1}`,
    rest: `SELECT count(*) AS jobs ${from}`,
  };
}

/** Counts the jobs whose key is later than `after` and no later than `until`. */
async function count(
  connection: Connection,
  { end, rest }: Counting,
  values: readonly Value[],
  after: number,
  until: number,
): Promise<number> {
  let from = isFinite(after) ? { at: `${after}`, seq: LAST_NUMBER } : { at: FIRST_NUMBER, seq: FIRST_NUMBER };
  for (let jobs = 0; ; jobs += COUNT_WINDOW) {
    const { at, seq } = from;
    const given = [...values, at, seq, until];
    const last = await connection.read(() => connection.get(end, ...given) as typeof from | undefined);
    if (last) from = last;
    else {
      const left = await connection.read(() => connection.get(rest, ...given) as { jobs: number });
      return jobs + left.jobs;
    }
  }
}

import type { JobRecord } from '../../../core/job.js';
import type { Survey, TopicCounts } from '../../../core/store.js';
import { TopicTally } from '../../../core/topic-counter.js';
import { HELD_JOBS, leaseName } from '../lease.js';
import { stateOf } from '../remove.js';
import { bytesOf, type Session } from '../connection.js';

/** Index entries that one step counts, in a few ms. */
const COUNT_WINDOW = 50_000;
/** Dead jobs that one step looks up. */
const DEAD_WINDOW = 5000;

type Counts = { -readonly [K in keyof TopicCounts]: TopicCounts[K] };

const NEXT_TOPIC = 'SELECT min(topic) AS topic FROM job WHERE leased = 0 AND topic > ?';
const NEXT_DUE = `
SELECT due_at AS at FROM job WHERE leased = 0 AND topic = ? AND due_at > ? ORDER BY due_at LIMIT 1`;
const LINE = 'FROM job WHERE leased = 0 AND topic = ? AND (due_at, seq) > (?, ?) AND due_at <= ?';
const WINDOW_END = `SELECT due_at AS dueAt, seq ${LINE} ORDER BY due_at, seq LIMIT 1 OFFSET ${COUNT_WINDOW - 1}`;
const COUNT = `SELECT count(*) AS jobs ${LINE}`;
const LEASED = `SELECT topic, count(*) AS jobs FROM ${HELD_JOBS} GROUP BY topic`;
const DEAD = `
SELECT seq, expires_at AS expiresAt, topic FROM job
WHERE leased = 0 AND (expires_at, seq) > (?, ?) AND expires_at <= ?
ORDER BY expires_at, seq LIMIT ${DEAD_WINDOW}`;

const COLUMNS = 'job.seq, job.id, topic, body, due_at AS dueAt, expires_at AS expiresAt, attempts';
const FREE = `SELECT ${COLUMNS} FROM job WHERE id = ? AND leased = 0`;
const HELD = `
SELECT ${COLUMNS}, token, held.key + 1 AS number, ends_at AS endsAt FROM ${HELD_JOBS}
WHERE job.id = ? ORDER BY ends_at`;
const AHEAD = `
SELECT count(*) AS jobs FROM job WHERE leased = 0 AND topic = ? AND due_at <= ? AND (due_at, seq) < (?, ?)`;
/** The plus keeps SQLite to the index of expiries: few jobs are dead. */
const DEAD_AHEAD = `
SELECT count(*) AS jobs FROM job
WHERE leased = 0 AND expires_at <= ? AND +topic = ? AND (due_at, seq) < (?, ?)`;

export interface JobRow {
  readonly seq: number;
  readonly id: Uint8Array;
  readonly topic: Uint8Array;
  readonly body: Uint8Array;
  readonly dueAt: number;
  readonly expiresAt: number;
  readonly attempts: number;
}

export interface LeasedRow extends JobRow {
  readonly token: string;
  readonly number: number;
  readonly endsAt: number;
}

/** Counts the jobs of every topic, in steps, so that neither others nor this process are held up. */
export async function survey(session: Session): Promise<Survey> {
  const tally = new TopicTally();
  for (
    let topic = await nextTopic(session, Buffer.alloc(0));
    topic;
    topic = await nextTopic(session, topic)
  ) {
    await countTopic(session, tally.of(topic));
  }
  await countDead(session, tally);
  await session.read(() => {
    for (const { topic, jobs } of session.all(LEASED) as { topic: Uint8Array; jobs: number }[]) {
      tally.of(bytesOf(topic)).leased += jobs;
    }
  });
  return { topics: tally.topics(), problems: [] };
}

/** Every job of that id: the one that is not leased comes first. */
export async function find(session: Session, id: Buffer): Promise<JobRecord[]> {
  return session.read((now) => {
    const free = (session.all(FREE, id) as JobRow[]).map((row): JobRecord => {
      const job = toRecord(row, now);
      return job.state === 'ready' ? { ...job, readyAhead: readyAhead(session, row, now) } : job;
    });
    return [...free, ...(session.all(HELD, id) as LeasedRow[]).map(toLeasedRecord)];
  });
}

/** A job that is not leased. */
export function toRecord(row: JobRow, now: number): JobRecord {
  return {
    id: bytesOf(row.id),
    topic: bytesOf(row.topic),
    body: bytesOf(row.body),
    state: stateOf(row, now),
    dueAt: new Date(row.dueAt),
    expiresAt: new Date(row.expiresAt),
    attempts: row.attempts,
  };
}

/** A job that is leased: the time it is out now is one of its attempts. */
export function toLeasedRecord(row: LeasedRow): JobRecord {
  return {
    ...toRecord(row, 0),
    state: 'leased',
    attempts: row.attempts + 1,
    lease: leaseName(row),
    leaseUntil: new Date(row.endsAt),
  };
}

async function nextTopic(session: Session, after: Buffer): Promise<Buffer | undefined> {
  return session.read(() => {
    const { topic } = session.get(NEXT_TOPIC, after) as { topic: Uint8Array | null };
    return topic ? bytesOf(topic) : undefined;
  });
}

async function countTopic(session: Session, counts: Counts): Promise<void> {
  const { topic } = counts;
  const now = session.now();
  counts.ready = await countLine(session, topic, -1, now);
  counts.delayed = await countLine(session, topic, now, Number.MAX_SAFE_INTEGER);
  const next = await session.read(() => session.get(NEXT_DUE, topic, now) as { at: number } | undefined);
  if (next) counts.nextDueAt = new Date(next.at);
}

/** Counts the jobs of a topic that are due later than `after` and no later than `until`. */
async function countLine(session: Session, topic: Buffer, after: number, until: number): Promise<number> {
  let from = { dueAt: after, seq: Number.MAX_SAFE_INTEGER };
  for (let jobs = 0; ; jobs += COUNT_WINDOW) {
    const { dueAt, seq } = from;
    const end = await session.read(
      () => session.get(WINDOW_END, topic, dueAt, seq, until) as typeof from | undefined,
    );
    if (end) from = end;
    else {
      const rest = await session.read(() => session.get(COUNT, topic, dueAt, seq, until) as { jobs: number });
      return jobs + rest.jobs;
    }
  }
}

/** Dead jobs stand among the ready ones, where they were counted already. */
async function countDead(session: Session, tally: TopicTally): Promise<void> {
  const now = session.now();
  let from = { expiresAt: -1, seq: 0 };
  for (;;) {
    const { expiresAt, seq } = from;
    const rows = await session.read(
      () => session.all(DEAD, expiresAt, seq, now) as (typeof from & { topic: Uint8Array })[],
    );
    for (const { topic } of rows) {
      const counts = tally.of(bytesOf(topic));
      counts.dead += 1;
      counts.ready = Math.max(0, counts.ready - 1);
    }
    const last = rows.at(-1);
    if (!last || rows.length < DEAD_WINDOW) return;
    from = last;
  }
}

function readyAhead(session: Session, { topic, dueAt, seq }: JobRow, now: number): number {
  const ahead = session.get(AHEAD, topic, dueAt, dueAt, seq) as { jobs: number };
  const dead = session.get(DEAD_AHEAD, now, topic, dueAt, seq) as { jobs: number };
  return ahead.jobs - dead.jobs;
}

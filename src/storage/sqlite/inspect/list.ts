import { DelayerError } from '../../../core/errors.js';
import { JOB_STATES, type JobRecord, type JobState } from '../../../core/job.js';
import type { JobPage, ListQuery } from '../../../core/store.js';
import { HELD_JOBS } from '../lease.js';
import type { Session } from '../connection.js';
import { type JobRow, type LeasedRow, toLeasedRecord, toRecord } from './stats.js';

/** Jobs that one step reads, with their bodies. */
const WINDOW = 500;
const LAST = Number.MAX_SAFE_INTEGER;

const COLUMNS = 'job.seq, job.id, topic, body, due_at AS dueAt, expires_at AS expiresAt, attempts';
const LINE = `
SELECT ${COLUMNS} FROM job
WHERE leased = 0 AND topic = ? AND (due_at, seq) > (?, ?) AND due_at <= ? AND expires_at > ? AND expires_at <= ?
ORDER BY due_at, seq LIMIT ? + 0`;
const LEASED = `
SELECT ${COLUMNS}, token, held.key + 1 AS number, ends_at AS endsAt FROM ${HELD_JOBS}
WHERE ends_at >= ? AND (ends_at, token, held.key + 1) > (?, ?, ?) AND topic = ?
ORDER BY ends_at, token, held.key LIMIT ? + 0`;

/** Where a listing goes on: behind the job of that due time and number, or of that lease. Opaque to users. */
type Place =
  | { readonly phase: 'ready' | 'delayed'; readonly at: number; readonly seq: number }
  | { readonly phase: 'leased'; readonly at: number; readonly token: string; readonly number: number };

interface Found {
  readonly job: JobRecord;
  readonly place: Place;
}

/** A page of a topic's jobs: ready (dead ones where they stand), leased, delayed. */
export async function list(session: Session, topic: Buffer, query: ListQuery): Promise<JobPage> {
  const states = new Set(query.states ?? JOB_STATES);
  // One more than asked for tells whether there is another page.
  const wanted = query.limit + 1;
  const found: Found[] = [];
  let place: Place | undefined =
    query.cursor === undefined ? { phase: 'ready', at: -1, seq: 0 } : readCursor(query.cursor);
  while (place && found.length < wanted) {
    const from: Place = place;
    const limit = Math.min(wanted - found.length, WINDOW);
    let now = 0;
    const rows = await session.read((time): Found[] => {
      now = time;
      return step(session, topic, from, states, limit, time);
    });
    found.push(...rows);
    place = rows.length === limit ? rows.at(-1)?.place : nextPhase(from, now);
  }
  const last = found.length > query.limit ? found[query.limit - 1] : undefined;
  return {
    jobs: found.slice(0, query.limit).map(({ job }) => job),
    cursor: last && writeCursor(last.place),
  };
}

function nextPhase({ phase }: Place, now: number): Place | undefined {
  if (phase === 'ready') return { phase: 'leased', at: -1, token: '', number: 0 };
  return phase === 'leased' ? { phase: 'delayed', at: now, seq: LAST } : undefined;
}

/** Up to `limit` jobs behind a place, of one phase. */
function step(
  session: Session,
  topic: Buffer,
  place: Place,
  states: ReadonlySet<JobState>,
  limit: number,
  now: number,
): Found[] {
  const { phase, at } = place;
  if (phase === 'leased') {
    if (!states.has('leased')) return [];
    const rows = session.all(LEASED, at, at, place.token, place.number, topic, limit) as LeasedRow[];
    return rows.map((row) => ({
      job: toLeasedRecord(row),
      place: { phase, at: row.endsAt, token: row.token, number: row.number },
    }));
  }
  const range = phase === 'delayed' ? delayedRange(states) : readyRange(states, now);
  if (!range) return [];
  const rows = session.all(LINE, topic, at, place.seq, ...range, limit) as JobRow[];
  return rows.map((row) => ({ job: toRecord(row, now), place: { phase, at: row.dueAt, seq: row.seq } }));
}

/** Due until, expiring after and until; nothing when none of them is wanted. */
type Range = readonly [dueUntil: number, expiresAfter: number, expiresUntil: number] | undefined;

function delayedRange(states: ReadonlySet<JobState>): Range {
  return states.has('delayed') ? [LAST, -1, LAST] : undefined;
}

function readyRange(states: ReadonlySet<JobState>, now: number): Range {
  const [ready, dead] = [states.has('ready'), states.has('dead')];
  if (!ready && !dead) return undefined;
  return [now, dead ? -1 : now, ready ? LAST : now];
}

function writeCursor(place: Place): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

function readCursor(text: string): Place {
  try {
    const place = JSON.parse(Buffer.from(text, 'base64url').toString()) as Partial<Record<string, unknown>>;
    const { phase, at, seq, token, number } = place;
    if (Number.isSafeInteger(at)) {
      if ((phase === 'ready' || phase === 'delayed') && Number.isSafeInteger(seq)) {
        return { phase, at: Number(at), seq: Number(seq) };
      }
      if (phase === 'leased' && typeof token === 'string' && Number.isSafeInteger(number)) {
        return { phase, at: Number(at), token, number: Number(number) };
      }
    }
  } catch {
    // Falls through to the one error.
  }
  throw new DelayerError('usage', '--cursor is none that inspect has given', {
    hint: 'Take it from the page before, or leave it out.',
  });
}

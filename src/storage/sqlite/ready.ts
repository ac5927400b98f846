import type { Burial } from '../../core/results.js';
import { DEFAULT_RETRY } from '../../core/retry-policy.js';
import type { ReserveParams } from '../../core/store.js';
import { nextEvent, readAgenda } from './agenda.js';
import type { Connection } from './connection.js';
import { bury } from './dead.js';
import { clearOnReserve } from './expire.js';
import { ANSWER_JOBS, readHead, type ReadyRow } from './head.js';
import { reclaim, toBurial, toldBurials } from './maintain.js';
import { type NoteRow, readNotes, settingsOf } from './note.js';
import { endPauses, openTopics } from './pause.js';
import { msUntil } from './rows.js';

/** Jobs that can be taken, and what {@link Popped} tells beside them. */
export interface Ready {
  readonly rows: readonly ReadyRow[];
  /** Of those of them that have one, by number. */
  readonly notes: ReadonlyMap<number, NoteRow>;
  /** It found none, and there may be ready ones behind those that it has cleared away. */
  readonly more: boolean;
  readonly nextInMs?: number | undefined;
  readonly isPaused?: boolean | undefined;
  readonly buried?: readonly Burial[] | undefined;
}

type Query = Pick<ReserveParams, 'topics' | 'limit' | 'policy'>;

/** What stands at the head of the lines. */
interface Heads {
  readonly rows: readonly ReadyRow[];
  readonly noted: readonly number[];
  readonly more: boolean;
}

const NO_NOTES: Ready['notes'] = new Map();

/** Within a transaction: the jobs that can be taken, after some maintenance. */
export function findReady(connection: Connection, query: Query, now: number): Ready {
  const { topics, limit } = query;
  let agenda = readAgenda(connection);
  const isDue = Math.min(agenda.leaseEnd, agenda.waitingAgain) <= now;
  const ended = isDue ? reclaim(connection, agenda, now) : undefined;
  clearOnReserve(connection, agenda, now);
  if (agenda.pauseEnd <= now) endPauses(connection, now);
  const { open, pauseEnd } = openTopics(connection, agenda, topics, now);
  const heads = readHeads(connection, open, Math.min(limit, ANSWER_JOBS), now);
  const { rows, notes, broken } = withNotes(connection, heads, query, now);
  const told = ended || broken.length > 0 ? toldBurials([...(ended?.buried ?? []), ...broken]) : undefined;
  // Whoever has got jobs does not wait.
  if (rows.length > 0) return { rows, notes, more: heads.more, ...told };
  if (isDue) agenda = readAgenda(connection);
  const next = nextEvent(connection, agenda, open, now);
  const nextInMs = msUntil(Math.min(next, pauseEnd), now);
  if (open.length === 0) return { rows, notes, more: false, nextInMs, isPaused: true, ...told };
  const more = heads.more || ended?.more === true || broken.length > 0;
  return { rows, notes, more, nextInMs, ...told };
}

/** Fills the answer with the jobs of the first topic, then with those of the next. */
function readHeads(connection: Connection, topics: readonly Buffer[], limit: number, now: number): Heads {
  const [only] = topics;
  if (topics.length === 1 && only) return readHead(connection, only, limit, 0, now);
  const [rows, noted]: [ReadyRow[], number[]] = [[], []];
  let bytes = 0;
  for (const topic of topics) {
    const head = readHead(connection, topic, limit - rows.length, bytes, now);
    rows.push(...head.rows);
    noted.push(...head.noted);
    bytes += head.bytes;
    // What stands behind cleared jobs goes before the next topic.
    if (head.more || head.isFull || rows.length >= limit) return { rows, noted, more: head.more };
  }
  return { rows, noted, more: false };
}

/**
 * Reads what is noted of the jobs. One whose retry settings nobody can follow is not given: it becomes a dead letter
 * with that reason.
 */
function withNotes(
  connection: Connection,
  { rows, noted }: Heads,
  { policy = DEFAULT_RETRY }: Query,
  now: number,
): Pick<Ready, 'rows' | 'notes'> & { readonly broken: readonly Burial[] } {
  if (noted.length === 0) return { rows, notes: NO_NOTES, broken: [] };
  const isGiven = new Set(rows.map(({ seq }) => seq));
  const notes = readNotes(
    connection,
    noted.filter((seq) => isGiven.has(seq)),
  );
  const broken: Burial[] = [];
  for (const [seq, note] of notes) {
    const { flaw: reason } = settingsOf(note);
    if (reason === undefined) continue;
    broken.push(toBurial(connection, seq, reason));
    bury(connection, [seq], { deadTtlMs: policy.deadTtlMs, reason, attempts: 0 }, now);
    notes.delete(seq);
    isGiven.delete(seq);
  }
  return { rows: broken.length === 0 ? rows : rows.filter(({ seq }) => isGiven.has(seq)), notes, broken };
}

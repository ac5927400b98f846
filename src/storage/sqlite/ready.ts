import type { Burial } from '../../core/results.js';
import { DEFAULT_RETRY } from '../../core/retry-policy.js';
import type { ReserveParams } from '../../core/store.js';
import { nextEvent, readAgenda } from './agenda.js';
import type { Connection } from './connection.js';
import { bury } from './dead.js';
import { clearOnReserve } from './expire.js';
import { ANSWER_JOBS, readHead, type ReadyRow } from './head.js';
import { reclaim, toBurial, toldBurials } from './maintain.js';
import { type ExtrasRow, readExtras, settingsOf } from './extras.js';
import { endPauses, openTopics } from './pause.js';
import { msUntil } from './rows.js';

/** Jobs that can be taken, and what {@link Popped} tells beside them. */
export interface Ready {
  readonly rows: readonly ReadyRow[];
  /** Of those of them that have one, by number. */
  readonly extras: ReadonlyMap<number, ExtrasRow>;
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
  readonly seqsWithExtras: readonly number[];
  readonly more: boolean;
}

const NO_EXTRAS: Ready['extras'] = new Map();

/** Within a transaction: the jobs that can be taken, after some maintenance. */
export function findReady(connection: Connection, query: Query, now: number): Ready {
  const { topics, limit } = query;
  const quiet = connection.agenda.whileQuiet(now);
  let agenda = quiet ?? readAgenda(connection);
  const isDue = Math.min(agenda.leaseEnd, agenda.waitingAgain) <= now;
  const ended = isDue ? reclaim(connection, agenda, now) : undefined;
  clearOnReserve(connection, agenda, now);
  const isPauseOver = agenda.pauseEnd <= now;
  if (isPauseOver) endPauses(connection, now);
  const { open, pauseEnd } = openTopics(connection, agenda, topics, now);
  const heads = readHeads(connection, open, Math.min(limit, ANSWER_JOBS), now);
  const { rows, extras, broken } = withExtras(connection, heads, query, now);
  // Then it has added nothing, and what its caller adds is a lease.
  if (!isDue && !isPauseOver && broken.length === 0) connection.agenda.keep();
  const told = ended || broken.length > 0 ? toldBurials([...(ended?.buried ?? []), ...broken]) : undefined;
  // Whoever has got jobs does not wait.
  if (rows.length > 0) return { rows, extras, more: heads.more, ...told };
  if (isDue || quiet) agenda = readAgenda(connection);
  const next = nextEvent(connection, agenda, open, now);
  const nextInMs = msUntil(Math.min(next, pauseEnd), now);
  if (open.length === 0) return { rows, extras, more: false, nextInMs, isPaused: true, ...told };
  const more = heads.more || ended?.more === true || broken.length > 0;
  return { rows, extras, more, nextInMs, ...told };
}

/** Fills the answer with the jobs of the first topic, then with those of the next. */
function readHeads(connection: Connection, topics: readonly Buffer[], limit: number, now: number): Heads {
  const [only] = topics;
  if (topics.length === 1 && only) return readHead(connection, only, limit, 0, now);
  const [rows, seqsWithExtras]: [ReadyRow[], number[]] = [[], []];
  let bytes = 0;
  for (const topic of topics) {
    const head = readHead(connection, topic, limit - rows.length, bytes, now);
    rows.push(...head.rows);
    seqsWithExtras.push(...head.seqsWithExtras);
    bytes += head.bytes;
    // What stands behind cleared jobs goes before the next topic.
    if (head.more || head.isFull || rows.length >= limit) return { rows, seqsWithExtras, more: head.more };
  }
  return { rows, seqsWithExtras, more: false };
}

/**
 * Reads the extras of the jobs. One whose retry settings nobody can follow is not given: it becomes a dead letter
 * with that reason.
 */
function withExtras(
  connection: Connection,
  { rows, seqsWithExtras }: Heads,
  { policy = DEFAULT_RETRY }: Query,
  now: number,
): Pick<Ready, 'rows' | 'extras'> & { readonly broken: readonly Burial[] } {
  if (seqsWithExtras.length === 0) return { rows, extras: NO_EXTRAS, broken: [] };
  const isGiven = new Set(rows.map(({ seq }) => seq));
  const extras = readExtras(
    connection,
    seqsWithExtras.filter((seq) => isGiven.has(seq)),
  );
  const broken: Burial[] = [];
  for (const [seq, one] of extras) {
    const { flaw: reason } = settingsOf(one);
    if (reason === undefined) continue;
    broken.push(toBurial(connection, seq, reason));
    bury(connection, [seq], { deadTtlMs: policy.deadTtlMs, reason, attempts: 0 }, now);
    extras.delete(seq);
    isGiven.delete(seq);
  }
  return { rows: broken.length === 0 ? rows : rows.filter(({ seq }) => isGiven.has(seq)), extras, broken };
}

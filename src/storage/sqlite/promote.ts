import { chunks } from '../../core/chunks.js';
import type { PromoteResult } from '../../core/results.js';
import type { JobGuard, PromoteParams } from '../../core/store.js';
import type { Connection } from './connection.js';
import { isMeantRow, type KnownRow, leasedFinder, rowsOf } from './lookup.js';
import { bytesOf, IN_LINE, LAST_TIME_MS, TTL_MS } from './rows.js';

/** Jobs that one transaction promotes. */
const CHUNK_IDS = 500;
/** Places within a millisecond of those that were promoted in it. */
const PLACES_PER_MS = 100;

const PLACE = `SELECT place, seq FROM job WHERE id = ? AND state = ${IN_LINE}`;
const FIRST_IN_LINE = `SELECT min(place) AS place FROM job WHERE topic = ? AND state = ${IN_LINE}`;
const PROMOTE = `
UPDATE job SET place = ?1, due_at = ?2, expires_at = min(?2 + ${TTL_MS}, ${LAST_TIME_MS}) WHERE seq = ?3`;

/**
 * Makes delayed jobs due now, each before all of its topic that are ready. Their places are below 0, and the later they
 * were promoted the lower: so they stand before all others, also before one that is leased now and comes back later.
 */
export async function promote(connection: Connection, params: PromoteParams): Promise<PromoteResult[]> {
  const results: PromoteResult[] = [];
  // Those that are promoted last stand first.
  for (const chunk of chunks(await lastFirst(connection, params), CHUNK_IDS)) {
    const done = await connection.write((now) => promoteChunk(connection, chunk, now));
    for (const [i, { at }] of chunk.entries()) results[at] = done[i] ?? { promoted: false };
  }
  return results;
}

/** A job, and where it stands among those that were given. */
interface Asked {
  readonly guard: JobGuard;
  readonly at: number;
}

async function lastFirst(connection: Connection, { jobs, latestFirst }: PromoteParams): Promise<Asked[]> {
  const asked = jobs.map((guard, at) => ({ guard, at }));
  if (latestFirst || jobs.length <= CHUNK_IDS) return asked;
  const places = await connection.read(() =>
    jobs.map(({ id }) => connection.get(PLACE, id) as { place: number; seq: number } | undefined),
  );
  const [place, seq] = [(at: number) => places[at]?.place ?? 0, (at: number) => places[at]?.seq ?? 0];
  return asked.sort((a, b) => place(b.at) - place(a.at) || seq(b.at) - seq(a.at));
}

function promoteChunk(connection: Connection, chunk: readonly Asked[], now: number): PromoteResult[] {
  const leasedOf = leasedFinder(
    connection,
    chunk.map(({ guard }) => guard.id),
  );
  const byTopic = new Map<string, Map<number, KnownRow>>();
  const seen = new Set<number>();
  const results = chunk.map(({ guard }): PromoteResult => {
    const [row] = rowsOf(connection, guard.id, now);
    const leased = row === undefined && leasedOf(guard.id).length > 0;
    const state = row?.is ?? (leased ? 'leased' : undefined);
    if (row && seen.has(row.seq)) return { promoted: false, state: 'ready' };
    if (row?.state !== IN_LINE || row.is !== 'delayed' || !isMeantRow(connection, guard, row))
      return { promoted: false, state };
    seen.add(row.seq);
    const topic = bytesOf(row.topic).toString('latin1');
    byTopic.set(topic, (byTopic.get(topic) ?? new Map<number, KnownRow>()).set(row.seq, row));
    return { promoted: true, state };
  });
  for (const rows of byTopic.values()) putFirst(connection, [...rows.values()], now);
  return results;
}

/** Puts jobs of one topic before all others of it, in their old order. */
function putFirst(connection: Connection, rows: KnownRow[], now: number): void {
  rows.sort((a, b) => a.place - b.place || a.seq - b.seq);
  const [{ topic } = { topic: Buffer.alloc(0) }] = rows;
  const { place: first } = connection.get(FIRST_IN_LINE, topic) as { place: number };
  const from = Math.min(-now * PLACES_PER_MS, first) - rows.length;
  for (const [i, { seq }] of rows.entries()) connection.run(PROMOTE, from + i, now, seq);
}

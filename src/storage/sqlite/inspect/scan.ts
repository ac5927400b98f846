import type { JobState } from '../../../core/job.js';
import type { ScanPart } from '../../../core/views.js';
import { selectionMatcher, topicMatcher } from '../../../core/selection.js';
import type { ScanParams } from '../../../core/store.js';
import type { Connection } from '../connection.js';
import { withoutUnnamed } from '../../unnamed.js';
import { bytesOf, DEAD, IN_LINE } from '../rows.js';
import { complete, nameOf, type Phase, type Place, readRows, startOf, WINDOW } from './phases.js';

/** Where a scan looks, in the order in which jobs move on; and what it may find there. */
const PHASES: readonly { readonly phase: Phase; readonly finds: readonly JobState[] }[] = [
  { phase: 'delayed', finds: ['delayed'] },
  { phase: 'ready', finds: ['ready', 'expired'] },
  { phase: 'leased', finds: ['leased'] },
  { phase: 'waiting', finds: ['delayed'] },
  { phase: 'dead', finds: ['dead'] },
];

/** The topic that follows another one, each found by one step in an index. */
const NEXT_IN_LINE = `SELECT min(topic) AS topic FROM job WHERE state = ${IN_LINE} AND topic > ?`;
const NEXT_ASIDE = `SELECT min(topic) AS topic FROM job WHERE state > 1 AND state <= ${DEAD} AND topic > ?`;

/** All selected jobs, part by part: phase by phase, and there topic by topic. */
export async function* scan(connection: Connection, params: ScanParams): AsyncGenerator<ScanPart> {
  const { states } = params.selection;
  for (const { phase, finds } of PHASES) {
    if (states && !finds.some((state) => states.includes(state))) continue;
    if (phase === 'leased') yield* scanPhase(connection, params, startOf('', phase));
    else {
      for await (const topic of topicsOf(connection, params, phase)) {
        yield* scanPhase(connection, params, startOf(topic, phase, params.latestFirst));
      }
    }
  }
}

/** The selected topics that may have jobs of a phase, as latin1, in order of their bytes. */
async function* topicsOf(
  connection: Connection,
  { selection }: ScanParams,
  phase: Phase,
): AsyncGenerator<string> {
  const { topics, topicGlobs } = selection;
  if (topics && topicGlobs === undefined) return yield* topics.map(nameOf);
  const matches = topicMatcher(selection);
  const sql = phase === 'delayed' || phase === 'ready' ? NEXT_IN_LINE : NEXT_ASIDE;
  for (let topic: Buffer = Buffer.alloc(0); ;) {
    const before = topic;
    const next = await connection.read(() => connection.get(sql, before) as { topic: Uint8Array | null });
    if (next.topic === null) return;
    topic = bytesOf(next.topic);
    if (matches(topic)) yield nameOf(topic);
  }
}

async function* scanPhase(
  connection: Connection,
  { selection, latestFirst }: ScanParams,
  start: Place,
): AsyncGenerator<ScanPart> {
  const { states, bodyIncludes } = selection;
  // A body is read only of a job that is selected by all else.
  const matches = selectionMatcher({ ...selection, bodyIncludes: undefined });
  const matchesBody = selectionMatcher({ bodyIncludes });
  for (let place: Place | undefined = start; place;) {
    const from: Place = place;
    const { rows, jobs } = await connection.read((now) => {
      const rows = readRows(connection, from, { states, limit: WINDOW, latestFirst }, now);
      const matching = rows.filter(({ job }) => matches(job));
      return { rows, jobs: matching.flatMap((row) => complete(connection, row)).map(({ job }) => job) };
    });
    if (rows.length > 0) yield withoutUnnamed(jobs.filter(matchesBody), rows.length);
    place = rows.length === WINDOW ? rows.at(-1)?.place : undefined;
  }
}

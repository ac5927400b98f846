import type { JobPage } from '../../../core/views.js';
import { selectionMatcher, type TopicSelection } from '../../../core/selection.js';
import type { ListParams } from '../../../core/store.js';
import { readCursor, writeCursor } from '../../cursor.js';
import type { Connection } from '../connection.js';
import { complete, type Found, nameOf, type Phase, type Place, readRows, startOf, WINDOW } from './phases.js';

/** The order in which the jobs of a topic are listed. */
const PHASES: readonly Phase[] = ['ready', 'leased', 'delayed', 'waiting', 'dead'];

/** A page of jobs, topic by topic. */
export async function list(connection: Connection, params: ListParams): Promise<JobPage> {
  const { selection, limit } = params;
  const { states, bodyIncludes } = selection;
  // A body is read only when everything else of the job matches.
  const matches = selectionMatcher({ ...selection, bodyIncludes: undefined });
  const matchesBody = selectionMatcher({ bodyIncludes });
  const isNarrow = narrows(selection);
  const placeOf = new Map(selection.topics.map((topic, at) => [nameOf(topic), at]));
  const found: Found[] = [];
  // One more than asked for shows whether there is another page.
  for (let place = firstPlace(params); place && found.length <= limit;) {
    const from: Place = place;
    const left = limit + 1 - found.length;
    const window = isNarrow ? WINDOW : Math.min(left, WINDOW);
    const { rows, jobs } = await connection.read((now) => {
      const rows = readRows(connection, from, { states, limit: window }, now);
      const matching = rows.filter(({ job }) => matches(job));
      // Without a condition on bodies, no more jobs are read than were asked for.
      const some = bodyIncludes === undefined ? matching.slice(0, left) : matching;
      return { rows, jobs: some.flatMap((row) => complete(connection, row)) };
    });
    found.push(...jobs.filter(({ job }) => matchesBody(job)).slice(0, left));
    place = rows.length === window ? rows.at(-1)?.place : nextPhase(from, selection, placeOf);
  }
  const last = found.length > limit ? found[limit - 1] : undefined;
  return { jobs: found.slice(0, limit).map(({ job }) => job), cursor: last && writeCursor(last.place) };
}

function narrows({ dueBefore, dueAfter, olderThan, idGlobs, bodyIncludes }: TopicSelection): boolean {
  return [dueBefore, dueAfter, olderThan, idGlobs, bodyIncludes].some((one) => one !== undefined);
}

function firstPlace({ selection, cursor }: ListParams): Place | undefined {
  if (cursor !== undefined) return readCursor(cursor, (value) => toPlace(value, selection));
  const [topic] = selection.topics;
  return topic && startOf(nameOf(topic), 'ready');
}

/** @param placeOf where each topic stands in the selection, by its name: there may be tens of thousands */
function nextPhase(
  { topic, phase }: Place,
  { topics }: TopicSelection,
  placeOf: ReadonlyMap<string, number>,
): Place | undefined {
  const next = PHASES[PHASES.indexOf(phase) + 1];
  if (next !== undefined) return startOf(topic, next);
  const following = topics[(placeOf.get(topic) ?? topics.length) + 1];
  return following && startOf(nameOf(following), 'ready');
}

function toPlace(value: Partial<Record<string, unknown>>, { topics }: TopicSelection): Place | undefined {
  const { topic, at, token, seq } = value;
  const phase = PHASES.find((one) => one === value.phase);
  if (typeof topic !== 'string' || typeof token !== 'string' || phase === undefined) return undefined;
  if (!isNumber(at) || !isNumber(seq) || !topics.some((one) => nameOf(one) === topic)) return undefined;
  return { topic, phase, at, token, seq };
}

const isNumber = (value: unknown): value is string => typeof value === 'string' && /^-?\d{1,19}$/.test(value);

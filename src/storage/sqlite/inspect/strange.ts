import { MAX_DURATION_MS } from '../../../core/duration.js';
import type { Problem } from '../../../core/views.js';
import { MAX_RETRIES } from '../../../core/retry-policy.js';
import type { Connection } from '../connection.js';
import { BOUNDS, KNOWN_STATE, LAST_SEQ } from '../bound-numbers.js';
import { bytesOf, exact, EXACT_VALUE, FIRST_PLACE, LAST_TIME_MS } from '../rows.js';

/**
 * Rows that one look goes through, from the oldest on: what nobody takes is among them sooner or later. Places and
 * times of expiry are looked up by their indexes besides, the former of so many topics.
 */
const LOOK = { rows: 1000, topics: 500, found: 1000 };

/** What a number was mended to tells of it as well, where that is the upper bound. */
export const outOfBounds = (table: string, columns = Object.keys(BOUNDS[table] ?? {})): string =>
  columns
    .map((column) => {
      const [least, most] = BOUNDS[table]?.[column] ?? [0, 0];
      // A job without an end has the last time there.
      const isTime = most === LAST_TIME_MS && !['expires_at', 'ttl_ms'].includes(column);
      return `${column} < ${least} OR ${column} ${isTime ? '>=' : '>'} ${most}`;
    })
    .join(' OR ');

const HELD = `
SELECT held.value FROM lease CROSS JOIN json_each(iif(json_valid(lease.seqs), lease.seqs, '[]')) AS held
WHERE held.type = 'integer'`;
/** A job that counts as leased and is in no lease, and one that counts as waiting and has no row there. */
export const UNLISTED = `state = 1 AND seq NOT IN (${HELD})`;
export const UNWAITED = 'state = 2 AND seq NOT IN (SELECT seq FROM waiting)';
const UNHELD = `(${UNLISTED}) OR (${UNWAITED})`;
const STRANGE_SEQ = `seq < 1 OR seq > ${LAST_SEQ}`;
/** Only jobs that were promoted have a place below 0, and their due time beside it. */
const STRANGE_PLACE = `place < ${FIRST_PLACE} OR (place < 0 AND due_at IS NULL)`;
const STRANGE = `NOT ${KNOWN_STATE} OR ${STRANGE_SEQ} OR ${outOfBounds('job')} OR ${STRANGE_PLACE} OR ${UNHELD}`;

/** Topics of jobs of the index that has those with this condition, each by a step into it. */
const topics = (name: string, condition: string): string => `
${name} (topic) AS (
  SELECT (SELECT min(topic) FROM job WHERE ${condition})
  UNION ALL
  SELECT (SELECT min(topic) FROM job WHERE ${condition} AND topic > ${name}.topic) FROM ${name}
  WHERE ${name}.topic IS NOT NULL LIMIT ${LOOK.topics}
)`;
const few = (from: string): string =>
  `SELECT seq FROM (SELECT job.seq AS seq FROM ${from} LIMIT ${LOOK.found})`;
const placed = (condition: string): string =>
  few(`line CROSS JOIN job ON job.topic = line.topic WHERE state = 0 AND ${condition}`);

const JOBS = `
WITH RECURSIVE ${topics('line', 'state = 0')}, ${topics('aside', 'state > 1')},
oldest AS (
  SELECT seq, state, attempts, place, due_at, expires_at, ttl_ms FROM job ORDER BY seq LIMIT ${LOOK.rows}
),
candidate AS (
  SELECT seq FROM oldest WHERE ${STRANGE}
  UNION ${few(`job WHERE seq > ${LAST_SEQ}`)}
  UNION ${few('job WHERE state = 0 AND expires_at < 0')}
  UNION ${few(`job WHERE state = 0 AND expires_at > ${LAST_TIME_MS}`)}
  UNION SELECT seq FROM (${placed('place < 0')}) CROSS JOIN job USING (seq) WHERE ${STRANGE_PLACE}
  UNION ${placed(`place >= ${LAST_TIME_MS}`)}
  UNION ${few('aside CROSS JOIN job ON job.topic = aside.topic WHERE state > 1 AND state > 3')}
)
SELECT ${exact('seq')} AS seq,
  CASE WHEN NOT ${KNOWN_STATE} THEN 'unknown' WHEN ${UNHELD} THEN 'unheld' ELSE 'number' END AS flaw
FROM candidate CROSS JOIN job USING (seq) LIMIT ${LOOK.found}`;

const NAME = `SELECT topic, id FROM job WHERE seq = ${EXACT_VALUE}`;

const IS_ARRAY = "json_type(iif(json_valid(seqs), seqs, '1')) = 'array'";
/** Where no number is only read as the nearest that can be: a job with broken settings is never given. */
export const IS_BROKEN = [
  `retries NOT BETWEEN 0 AND ${MAX_RETRIES}`,
  `first_ms NOT BETWEEN 0 AND min(ifnull(last_ms, -1), ${MAX_DURATION_MS})`,
  `last_ms NOT BETWEEN ifnull(first_ms, last_ms + 1) AND ${MAX_DURATION_MS}`,
  'NOT json_valid(history)',
].join(' OR ');
const OTHERS = [
  { table: 'lease', strange: `${outOfBounds('lease')} OR NOT ${IS_ARRAY} OR NOT json_valid(policy)` },
  ...['waiting', 'dead', 'pause', 'lock'].map((table) => ({ table, strange: outOfBounds(table) })),
  { table: 'extras', strange: IS_BROKEN },
]
  .map(
    ({ table, strange }) => `
SELECT '${table}' AS name, count(*) AS found FROM (SELECT * FROM ${table} LIMIT ${LOOK.rows}) WHERE ${strange}`,
  )
  .join('\nUNION ALL\n');

type Flaw = 'unknown' | 'unheld' | 'number';

/** Within a read: rows that no version wrote, a line for each kind. It changes nothing. */
export function strangeRows(connection: Connection): Problem[] {
  const jobs = connection.all(JOBS) as { seq: string; flaw: Flaw }[];
  const others = (connection.all(OTHERS) as { name: string; found: number }[]).filter(
    ({ found }) => found > 0,
  );
  const flaws: Flaw[] = ['unknown', 'unheld', 'number'];
  const problems = flaws.flatMap((flaw) => {
    const [first, ...rest] = jobs.filter((job) => job.flaw === flaw);
    return first ? [jobProblem(connection, flaw, first.seq, rest.length + 1)] : [];
  });
  return others.length === 0 ? problems : [...problems, tablesProblem(others)];
}

const SAYS: Readonly<Record<Flaw, { one: string; many: string; hint: string }>> = {
  unknown: {
    one: 'is in a state that this version of delayer does not know: it is left alone, and not counted',
    many: 'are in a state that this version of delayer does not know: they are left alone, and not counted',
    hint: 'Use the version of delayer that wrote them, or correct the column `state` with sqlite3, or delete the rows.',
  },
  unheld: {
    one: 'is marked as leased or waiting without an end: it is left alone',
    many: 'are marked as leased or waiting without an end: they are left alone',
    hint: 'Set the column `state` to 0 with sqlite3 to put them back into the queue, or delete the rows.',
  },
  number: {
    one: 'has a number that is out of range: it is read as the nearest valid one',
    many: 'have a number that is out of range: it is read as the nearest valid one',
    hint: 'Remove them in any state, or replace them by another push.',
  },
};

function jobProblem(connection: Connection, flaw: Flaw, seq: string, found: number): Problem {
  const { topic, id } = connection.get(NAME, seq) as { topic: Uint8Array; id: Uint8Array };
  const name = (bytes: Uint8Array) => JSON.stringify(bytesOf(bytes).toString());
  const count = found === LOOK.found ? `${found} or more` : `${found}`;
  const { one, many, hint } = SAYS[flaw];
  const jobs = found === 1 ? 'job' : 'jobs';
  const which = `${found === 1 ? '' : 'one of them '}${name(id)} of topic ${name(topic)}`;
  return {
    code: 'strange_values',
    message: `${count} ${jobs} (${which}) ${found === 1 ? one : many}`,
    hint,
  };
}

function tablesProblem(others: readonly { readonly name: string; readonly found: number }[]): Problem {
  const found = others.reduce((sum, one) => sum + one.found, 0);
  const tables = others.map(({ name }) => name).join(', ');
  return {
    code: 'strange_values',
    message: `${found} ${found === 1 ? 'row' : 'rows'} of the ${others.length === 1 ? 'table' : 'tables'} ${tables} ${found === 1 ? 'has' : 'have'} a value that delayer does not write: a number is read as the nearest valid one, a lease whose jobs cannot be read is left alone, and a job whose own retry settings cannot be followed becomes a dead letter`,
    hint: 'Correct them with sqlite3, or delete the rows; to put the jobs of a deleted lease back into the queue, set their column `state` to 0.',
  };
}

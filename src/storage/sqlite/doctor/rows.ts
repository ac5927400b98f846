import type { DiagnosisPart, Fault, FaultKind } from '../../../core/faults.js';
import type { Connection } from '../connection.js';
import { boundedTime, bytesOf, DUE_AT, exact, EXACT_VALUE, FIRST_NUMBER } from '../rows.js';
import { JOB_CHECKS, TABLE_CHECKS, type TableCheck } from './checks.js';

/** Rows of jobs that one step looks at, which takes some ms. */
const WINDOW = 5000;
/** Faults of a table that one step finds. */
const MOST = 1000;
/** Something that is due for maintenance is a fault when it has waited for so long (ms). */
const GRACE_MS = 60_000;

/** Only the small columns: the body stands last, and is not read. */
const SMALL = 'seq, state, attempts, place, due_at, expires_at, ttl_ms, topic, id';
const WINDOW_END = `SELECT ${exact('seq')} AS seq FROM job WHERE seq > ${EXACT_VALUE} ORDER BY job.seq LIMIT 1 OFFSET ${WINDOW - 1}`;
const EXTENT = `SELECT ${exact('min(seq)')} AS first, ${exact('max(seq)')} AS last FROM job`;
const FLAW = `CASE ${JOB_CHECKS.map(({ is }, i) => `WHEN ${is} THEN ${i}`).join(' ')} END`;
const LAST = '9223372036854775807';
/** The rows of a window, after `?3` up to `?4`. `+ 0` uses `?2`, which not every condition does. */
const JOBS = `
SELECT ${exact('seq')} AS seq, flaw, topic, id, ${boundedTime(DUE_AT)} AS dueAt FROM (
  SELECT ${SMALL}, ${FLAW} AS flaw FROM job WHERE seq > CAST(?3 AS INTEGER) AND seq <= CAST(?4 AS INTEGER) AND ?2 IS NOT NULL
) WHERE flaw IS NOT NULL`;
/** The same for one job: is the fault still there? */
export const JOB_FLAW = `
SELECT flaw FROM (SELECT ${SMALL}, ${FLAW} AS flaw FROM job WHERE seq = CAST(?3 AS INTEGER) AND ?2 IS NOT NULL)`;

interface JobRow {
  readonly seq: string;
  readonly flaw: number;
  readonly topic: Uint8Array;
  readonly id: Uint8Array;
  readonly dueAt: number;
}

/** The values of `?1` and `?2` in all conditions. */
export const timesAt = (now: number): [now: number, before: number] => [now, now - GRACE_MS];

export async function* jobFaults(connection: Connection): AsyncGenerator<DiagnosisPart> {
  const { first, last } = await connection.read(
    () => connection.get(EXTENT) as { first: string | null; last: string | null },
  );
  const total = Number(last ?? 0) - Number(first ?? 0);
  for (let from = FIRST_NUMBER, isLast = false; !isLast;) {
    const behind = from;
    const part = await connection.read((now) => {
      const end = connection.get(WINDOW_END, behind) as { seq: string } | undefined;
      const rows = connection.all(JOBS, ...timesAt(now), behind, end?.seq ?? LAST) as JobRow[];
      return { end: end?.seq, rows };
    });
    yield { faults: part.rows.map(toFault), lookedAt: WINDOW, total };
    if (part.end === undefined) isLast = true;
    else from = part.end;
  }
}

function toFault({ seq, flaw, topic, id, dueAt }: JobRow): Fault {
  return {
    kind: JOB_CHECKS[flaw]?.kind ?? 'number_strange',
    id: bytesOf(id),
    topic: bytesOf(topic),
    dueAt: new Date(dueAt),
    row: { table: 'job', key: seq },
  };
}

/** Which checks apply to a row, of those with this kind. */
export const checkOf = (kind: FaultKind, table: string): TableCheck | undefined =>
  TABLE_CHECKS.find((check) => check.kind === kind && check.table === table);

/** Leases that name a job that another lease names as well. */
const TWICE = `
SELECT token, ${exact('held.value')} AS seq FROM lease CROSS JOIN json_each(iif(json_valid(seqs), seqs, '[]')) AS held
WHERE held.type = 'integer' AND held.value IN (
  SELECT held.value FROM lease CROSS JOIN json_each(iif(json_valid(seqs), seqs, '[]')) AS held
  WHERE held.type = 'integer' GROUP BY held.value HAVING count(*) > 1
) ORDER BY held.value, ends_at DESC, token`;
const NAME_OF_JOB = `SELECT id, topic FROM job WHERE seq = ${EXACT_VALUE}`;

export async function* tableFaults(connection: Connection): AsyncGenerator<DiagnosisPart> {
  for (const check of TABLE_CHECKS) {
    const faults = await connection.read((now) => findFaults(connection, check, now));
    yield { faults, lookedAt: 0, total: 0, cutOff: faults.length < MOST ? undefined : check.kind };
  }
  yield { faults: await connection.read(() => heldTwice(connection)), lookedAt: 0, total: 0 };
}

function findFaults(connection: Connection, check: TableCheck, now: number): Fault[] {
  const { kind, table, key, is, count = '1' } = check;
  const sql = `SELECT ${key} AS key, ${count} AS count FROM ${table} WHERE (${is}) AND ?1 IS NOT NULL AND ?2 IS NOT NULL LIMIT ${MOST}`;
  const rows = connection.all(sql, ...timesAt(now)) as { key: string; count: number }[];
  const isOfJob = ['waiting', 'dead', 'extras'].includes(table);
  return rows.map(({ key: name, count: jobs }) => ({
    ...{ kind, row: { table, key: name }, count: jobs },
    ...(isOfJob ? nameOfJob(connection, name) : {}),
  }));
}

function nameOfJob(connection: Connection, seq: string): Pick<Fault, 'id' | 'topic'> {
  const row = connection.get(NAME_OF_JOB, seq) as { id: Uint8Array; topic: Uint8Array } | undefined;
  return row ? { id: bytesOf(row.id), topic: bytesOf(row.topic) } : {};
}

/** Of leases with a common job, all but the one that ends last. */
function heldTwice(connection: Connection): Fault[] {
  const rows = connection.all(TWICE) as { token: string; seq: string }[];
  const seen = new Set<string>();
  return rows.flatMap(({ token, seq }): Fault[] => {
    if (!seen.has(seq)) {
      seen.add(seq);
      return [];
    }
    return [
      { kind: 'held_twice', row: { table: 'lease', key: token }, found: seq, ...nameOfJob(connection, seq) },
    ];
  });
}

import type { Connection } from './connection.js';
import { strangeNumber } from './errors.js';
import { dropExtras } from './extras.js';
import { bytesOf, deleteJobs, DUE_AT } from './rows.js';

/** Jobs in one answer. */
export const ANSWER_JOBS = 500;
/** Bytes of bodies in one answer; at least one job is given. */
const ANSWER_BYTES = 1024 * 1024;
/**
 * Bodies up to this size are read with the others, 500 of them in 1 MiB; longer ones are read one by one.
 */
const SHORT_BODY_BYTES = 2048;

/** For a SELECT of jobs: the body, if it is short. */
export const shortBody = (otherwise: string) =>
  `iif(length(body) <= ${SHORT_BODY_BYTES}, body, ${otherwise})`;

/**
 * The jobs at the head of a line, packed into one row: the bytes of all ids, and of all bodies, in one piece each.
 * Reading a row and two pieces of bytes for each job takes three times as long. The pieces have the order of the
 * inner select.
 */
const head = (condition: string) => `
SELECT
  '[' || group_concat(seq) FILTER (WHERE has_extras = 1) || ']' AS seqsWithExtras,
  '[' || group_concat(concat_ws(',', seq, due_at, expires_at, attempts, length(id), length(body))) || ']' AS numbers,
  CAST(group_concat(id, '') AS BLOB) AS ids,
  CAST(group_concat(${shortBody("x''")}, '') AS BLOB) AS bodies
FROM (
  SELECT seq, id, ${DUE_AT} AS due_at, expires_at, attempts, body, has_extras FROM job
  WHERE topic = ?1 AND state = 0 AND place <= ?2${condition} ORDER BY place, seq LIMIT ?3 + 0
)`;
const HEAD = head('');
/** Without expired jobs: while a jump of the clock is not trusted, they stay and are passed over. */
const READY_HEAD = head(' AND expires_at > ?2');
/**
 * The first job of a line, if it is an ordinary one: not expired, without extras, and short. All of it comes in one
 * piece, the numbers first: a column of bytes costs the binding a microsecond, and one of text half of that.
 */
const FIRST = `
SELECT CAST(concat_ws(',', seq, due_at, expires_at, attempts, length(id), '') || id || body AS BLOB) AS packed FROM (
  SELECT seq, id, ${DUE_AT} AS due_at, expires_at, attempts, body, has_extras FROM job
  WHERE topic = ?1 AND state = 0 AND place <= ?2 ORDER BY place, seq LIMIT 1
) WHERE expires_at > ?2 AND has_extras IS NULL AND length(body) <= ${SHORT_BODY_BYTES}`;
const BODY = 'SELECT body FROM job WHERE seq = ?';

/** Its result; null when there is no job. */
interface Packed {
  readonly numbers: string | null;
  readonly ids: Uint8Array | null;
  readonly bodies: Uint8Array | null;
  /** A JSON array of the numbers of jobs that have extras; null when none has. */
  readonly seqsWithExtras: string | null;
}

/** A ready job, with what it contributes to the answer. */
export interface ReadyRow {
  readonly topic: Uint8Array;
  readonly seq: number;
  readonly id: Uint8Array;
  readonly dueAt: number;
  readonly expiresAt: number;
  readonly attempts: number;
  /** Null when it is long. */
  readonly body: Uint8Array | null;
}

interface HeadRow extends ReadyRow {
  /** Of the body, in bytes. */
  readonly size: number;
}

export interface Head {
  readonly rows: readonly ReadyRow[];
  readonly bytes: number;
  /** Jobs that have extras; there may be more than in `rows`. */
  readonly seqsWithExtras: readonly number[];
  /** Expired jobs were deleted, and there may be ready ones behind them. */
  readonly more: boolean;
  /** The next job does not fit into the answer. */
  readonly isFull: boolean;
}

/**
 * Within a transaction: the first ready jobs of a topic that fit into the answer. Expired ones before them are
 * deleted; if there were only such ones, it looks once more, further on.
 * @param usedBytes bytes of bodies that are in the answer already
 */
export function readHead(
  connection: Connection,
  topic: Buffer,
  limit: number,
  usedBytes: number,
  now: number,
): Head {
  const sql = connection.trusted(now) < now ? READY_HEAD : HEAD;
  let ready: HeadRow[] = [];
  let seqsWithExtras: number[] = [];
  for (const window of [Math.min(limit, ANSWER_JOBS), ANSWER_JOBS]) {
    const packed = connection.get(sql, topic, now, window) as Packed;
    const found = unpack(packed, topic);
    seqsWithExtras = packed.seqsWithExtras === null ? [] : (JSON.parse(packed.seqsWithExtras) as number[]);
    ready = found.filter(({ expiresAt }) => expiresAt > now);
    const expired = ready.length === found.length ? [] : found.filter(({ expiresAt }) => expiresAt <= now);
    const gone = expired.map(({ seq }) => seq);
    deleteJobs(connection, gone);
    if (seqsWithExtras.length > 0) dropExtras(connection, gone);
    if (ready.length >= limit || found.length < window)
      return { ...fitting(ready.slice(0, limit), usedBytes), seqsWithExtras };
  }
  // There may be ready jobs behind those that were deleted, and they come before those of other topics.
  return { ...fitting(ready.slice(0, limit), usedBytes), seqsWithExtras, more: true };
}

/** Within a transaction: the first ready job of a topic, if it is an ordinary one. */
export function readFirst(connection: Connection, topic: Buffer, now: number): ReadyRow | undefined {
  const row = connection.get(FIRST, topic, now) as { packed: Uint8Array } | undefined;
  if (!row) return undefined;
  const packed = bytesOf(row.packed);
  const { numbers, end } = readNumbers(packed, 5);
  const [seq = NaN, dueAt = NaN, expiresAt = NaN, attempts = NaN, idBytes = NaN] = numbers;
  if (!Number.isSafeInteger(seq)) throw strangeNumber();
  const [id, body] = [packed.subarray(end, end + idBytes), packed.subarray(end + idBytes)];
  return { topic, seq, id, dueAt, expiresAt, attempts, body };
}

const [MINUS, COMMA, ZERO] = [0x2d, 0x2c, 0x30];

/**
 * Reads whole numbers as SQLite writes them, each followed by a comma. Making a string of them first takes twice as
 * long.
 */
function readNumbers(bytes: Uint8Array, count: number): { numbers: number[]; end: number } {
  const numbers: number[] = [];
  let at = 0;
  while (numbers.length < count) {
    const isNegative = bytes[at] === MINUS;
    if (isNegative) at += 1;
    let number = 0;
    for (let byte = bytes[at]; byte !== undefined && byte !== COMMA; byte = bytes[(at += 1)])
      number = number * 10 + byte - ZERO;
    at += 1;
    numbers.push(isNegative ? -number : number);
  }
  return { numbers, end: at };
}

/** The body of a job; a long one is read here. */
export function bodyOf(
  connection: Connection,
  row: { readonly seq: number; readonly body: Uint8Array | null },
): Buffer {
  return bytesOf(row.body ?? (connection.get(BODY, row.seq) as { body: Uint8Array }).body);
}

function unpack({ numbers, ids, bodies }: Packed, topic: Buffer): HeadRow[] {
  const rows: HeadRow[] = [];
  if (numbers === null || ids === null || bodies === null) return rows;
  const given = JSON.parse(numbers) as number[];
  const number = (i: number) => given[i] ?? 0;
  const [allIds, allBodies] = [bytesOf(ids), bytesOf(bodies)];
  let [idAt, bodyAt] = [0, 0];
  for (let i = 0; i < given.length; i += 6) {
    const size = number(i + 5);
    const seq = number(i);
    if (!Number.isSafeInteger(seq)) throw strangeNumber();
    rows.push({
      topic,
      seq,
      dueAt: number(i + 1),
      expiresAt: number(i + 2),
      attempts: number(i + 3),
      id: allIds.subarray(idAt, (idAt += number(i + 4))),
      size,
      body: size <= SHORT_BODY_BYTES ? allBodies.subarray(bodyAt, (bodyAt += size)) : null,
    });
  }
  return rows;
}

function fitting(rows: readonly HeadRow[], usedBytes: number): Omit<Head, 'seqsWithExtras'> {
  let bytes = 0;
  for (const [i, { size }] of rows.entries()) {
    const isFirst = usedBytes === 0 && i === 0;
    if (usedBytes + bytes + size > ANSWER_BYTES && !isFirst)
      return { rows: rows.slice(0, i), bytes, more: false, isFull: true };
    bytes += size;
  }
  return { rows, bytes, more: false, isFull: false };
}

import { type AbortSignalLike, sleep } from '../../../core/timer.js';
import { isRefusedError } from '../errors.js';
import type { Read } from './read.js';

/** The original asks once a second, and some ms later when its machine is busy. */
const LOOKS_APART_MS = 1250;
/** A client that asks once a second has not been idle for longer; Redis reports whole seconds. */
const LONGEST_IDLE_S = 2;
/** Most clients that are looked at: CLIENT LIST blocks Redis for 2.7 µs a client. */
const MOST_CLIENTS = 1000;

/** Clients found before: their addresses by their numbers, which Redis assigns anew after a restart. */
export type KnownOriginals = Map<string, string>;

/** A client that may be an original daemon. */
interface Candidate {
  readonly id: string;
  readonly address: string;
  readonly idleS: number;
}

/**
 * Finds clients that behave like the original daemon, which runs ZRANGEBYSCORE once a second on one connection
 * without a name. Any client may do so once, so a second look has to find that it did so again. delayer runs that
 * command only in scripts, where it does not count as the client's. A client that was found counts as long as it is
 * connected, because a daemon with much to move runs other commands as well.
 * @returns their addresses; undefined when they cannot be known: this user may not list clients, or there are too
 *   many
 */
export async function originalDaemons(
  read: Read,
  known: KnownOriginals,
  signal?: AbortSignalLike,
): Promise<string[] | undefined> {
  try {
    const seen = await lookAtAll(read, known);
    if (!seen) return undefined;
    const { candidates, db, atS } = seen;
    const lastAskedS = new Map(candidates.map(({ id, idleS }) => [id, atS - idleS]));
    if (candidates.length > 0) await sleep(LOOKS_APART_MS, signal);
    if (candidates.length > 0 && signal?.aborted !== true) {
      const again = await lookAgain(read, candidates, db);
      for (const { id, address, idleS } of again.candidates)
        if (again.atS - idleS > (lastAskedS.get(id) ?? Infinity)) known.set(id, address);
    }
    return [...known.values()];
  } catch (error) {
    if (isRefusedError(error)) return undefined;
    throw error;
  }
}

/**
 * Clients that may be one, and the latest time (s) of Redis's clock at that look. Forgets known ones that are gone.
 */
async function lookAtAll(
  read: Read,
  known: KnownOriginals,
): Promise<{ candidates: Candidate[]; db: string; atS: number } | undefined> {
  return read(async ({ redis }) => {
    const [info, own] = await Promise.all([redis.info('clients'), redis.call('CLIENT', 'INFO')]);
    const connected = Number(/^connected_clients:(\d+)/m.exec(info)?.[1] ?? Infinity);
    if (connected > MOST_CLIENTS) return undefined;
    const [list, [seconds]] = await Promise.all([
      redis.call('CLIENT', 'LIST', 'TYPE', 'normal'),
      redis.time(),
    ]);
    const lines = String(list).split('\n');
    for (const [id, address] of known)
      if (!lines.some((line) => line.startsWith(`id=${id} addr=${address} `))) known.delete(id);
    const { db = '' } = fieldsOf(String(own));
    const candidates = candidatesIn(lines, db).filter(
      ({ id, idleS }) => !known.has(id) && idleS <= LONGEST_IDLE_S,
    );
    return { candidates, db, atS: Number(seconds) };
  });
}

/** The same clients once more, and the earliest time (s) of Redis's clock at that look. */
async function lookAgain(
  read: Read,
  before: readonly Candidate[],
  db: string,
): Promise<{ candidates: Candidate[]; atS: number }> {
  return read(async ({ redis }) => {
    const ids = before.map(({ id }) => id);
    const [[seconds], list] = await Promise.all([redis.time(), redis.call('CLIENT', 'LIST', 'ID', ...ids)]);
    return { candidates: candidatesIn(String(list).split('\n'), db), atS: Number(seconds) };
  });
}

function candidatesIn(lines: readonly string[], db: string): Candidate[] {
  const asking = lines.filter((line) => line.includes(' cmd=zrangebyscore '));
  return asking.map(fieldsOf).flatMap((client): Candidate[] => {
    const { id, addr, idle, name, flags, 'lib-name': library = '' } = client;
    const isOriginal = name === '' && library === '' && flags === 'N' && client.db === db;
    return isOriginal && id && addr && idle ? [{ id, address: addr, idleS: Number(idle) }] : [];
  });
}

/** A line of CLIENT LIST; an address that is the path of a socket may contain spaces. */
const fieldsOf = (line: string): Partial<Record<string, string>> =>
  Object.fromEntries(
    line.split(/ (?=[a-z-]+=)/).map((field) => {
      const equals = field.indexOf('=');
      return [field.slice(0, equals), field.slice(equals + 1).trimEnd()];
    }),
  );

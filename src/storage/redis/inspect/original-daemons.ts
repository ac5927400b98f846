import { type AbortSignalLike, sleep } from '../../../core/timer.js';
import { isRefusedError } from '../errors.js';
import type { Read } from './read.js';

/** The original asks once a second, and later by some ms where its machine is busy. */
const LOOKS_APART_MS = 1250;
/** Who asks once a second has not been idle for longer; Redis tells whole seconds. */
const LONGEST_IDLE_S = 2;
/** CLIENT LIST holds Redis for 2.7 µs a client. */
const MOST_CLIENTS = 1000;

/** Clients that were found before: their addresses by their numbers, which Redis gives anew when it is restarted. */
export type KnownOriginals = Map<string, string>;

/** A client that may be an original daemon. */
interface Candidate {
  readonly id: string;
  readonly address: string;
  readonly idleS: number;
}

/**
 * Clients that do what the original daemon does: it runs ZRANGEBYSCORE once a second on one connection, without a name.
 * Anybody may do that once, so a second look has to find that a client has done it again. delayer runs that command in
 * scripts alone, where it is not the client's. A client that was found counts while it is connected, for a daemon that
 * has much to move runs other commands as well.
 * @returns their addresses; nothing where that cannot be told: this user may not ask, or there are too many clients
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

/** Those that may be one, and the latest that Redis's clock (s) may have said then. Forgets known ones that are gone. */
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

/** The same clients once more, and the earliest that Redis's clock (s) may have said then. */
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

/** A line of CLIENT LIST; the path of a socket in an address may have spaces. */
const fieldsOf = (line: string): Partial<Record<string, string>> =>
  Object.fromEntries(
    line.split(/ (?=[a-z-]+=)/).map((field) => {
      const equals = field.indexOf('=');
      return [field.slice(0, equals), field.slice(equals + 1).trimEnd()];
    }),
  );

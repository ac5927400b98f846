import { unpackNames } from '../msgpack.js';
import { SCRIPTS } from '../scripts.generated.js';
import type { SetPlace } from './list.js';
import { runScript, type Target, toBuffer, toDate, toRows, toText } from './run.js';

/**
 * When a daemon runs, or somebody takes jobs, ended leases and old dead letters are handled within this time (ms).
 */
const GRACE_MS = 60_000;

/** lua/examine_pool.lua */
export async function examinePool(target: Target, after: SetPlace, limit: number) {
  const answer = await runScript(target, SCRIPTS.examinePool, after.score, after.id, limit);
  return {
    last: { score: toText(answer[0]), id: toBuffer(answer[1]) },
    lookedAt: Number(answer[2]),
    flaws: [...toRows(answer, 3, 5)].map(([id, what, topic, due, found]) => ({
      id: toBuffer(id),
      what: toText(what),
      topic: toBuffer(topic),
      dueAt: toDate(due),
      found: toText(found),
    })),
  };
}

/** lua/examine_ready.lua */
export async function examineReady(target: Target, topic: Buffer, first: number, limit: number) {
  const answer = await runScript(target, SCRIPTS.examineReady, topic, first, first + limit - 1);
  const [lookedAt, alive, others, holes, expired, unnoted] = answer;
  return {
    lookedAt: Number(lookedAt),
    /** Ids as latin1. */
    alive: unpackNames(toBuffer(alive)),
    others: unpackNames(toBuffer(others)),
    holes: Number(holes),
    expired: Number(expired),
    unnoted: Number(unnoted),
    flaws: [...toRows(answer, 6, 3)].map(([id, what, ofTopic]) => ({
      id: toBuffer(id),
      what: toText(what),
      topic: toBuffer(ofTopic),
    })),
  };
}

/** lua/examine_leases.lua */
export async function examineLeases(target: Target, first: number, longestMs: number) {
  const answer = await runScript(target, SCRIPTS.examineLeases, first, GRACE_MS, longestMs);
  return {
    lookedAt: Number(answer[0]),
    flaws: [...toRows(answer, 1, 4)].map(([key, what, found, count]) => ({
      key: toBuffer(key),
      what: toText(what),
      found: toText(found),
      count: Number(count),
    })),
  };
}

/** lua/examine_dead.lua */
export async function examineDead(target: Target, first: number, limit: number) {
  const answer = await runScript(target, SCRIPTS.examineDead, first, limit, GRACE_MS);
  return {
    lookedAt: Number(answer[0]),
    lastFailureMs: Number(answer[1]),
    flaws: [...toRows(answer, 2, 4)].map(([id, what, found, count]) => ({
      id: toBuffer(id),
      what: toText(what),
      found: toText(found),
      count: Number(count),
    })),
  };
}

/** delayer's own hashes, as lua/lib/written.lua names them. */
export type HashName = 'notes' | 'aside' | 'paused';

/** lua/examine_hash.lua */
export async function examineHash(target: Target, hash: HashName, cursor: string, limit: number) {
  const answer = await runScript(target, SCRIPTS.examineHash, hash, cursor, limit);
  return {
    cursor: toText(answer[0]),
    lookedAt: Number(answer[1]),
    flaws: [...toRows(answer, 2, 2)].map(([field, what]) => ({
      field: toBuffer(field),
      what: toText(what),
    })),
  };
}

/** lua/examine_bodies.lua */
export async function examineBodies(target: Target, ids: readonly Buffer[]) {
  const answer = await runScript(target, SCRIPTS.examineBodies, ...ids);
  return [...toRows(answer, 0, 2)].map(([id, topic]) => ({ id: toBuffer(id), topic: toBuffer(topic) }));
}

/** lua/examine_versions.lua; answers for the first names whether their records are of a later version. */
export async function examineVersions(
  target: Target,
  of: 'leases' | 'dead',
  names: readonly Buffer[],
): Promise<boolean[]> {
  return toDone(await runScript(target, SCRIPTS.examineVersions, of, ...names));
}

const toDone = (answer: readonly unknown[]): boolean[] => answer.map((one) => Number(one) > 0);

/** lua/mend_entries.lua; answers for the first ids. */
export async function mendEntries(target: Target, topic: Buffer, ids: readonly Buffer[]): Promise<boolean[]> {
  return toDone(await runScript(target, SCRIPTS.mendEntries, topic, ...ids));
}

/** lua/mend_leases.lua; answers for the first names. */
export async function mendLeases(
  target: Target,
  names: readonly Buffer[],
  longestMs: number,
): Promise<boolean[]> {
  return toDone(await runScript(target, SCRIPTS.mendLeases, longestMs, ...names));
}

/** lua/mend_dead.lua; answers for the first ids. */
export async function mendDead(target: Target, ids: readonly Buffer[]): Promise<boolean[]> {
  return toDone(await runScript(target, SCRIPTS.mendDead, ...ids));
}

/** lua/mend_hash.lua */
export async function mendHash(
  target: Target,
  hash: HashName,
  fields: readonly Buffer[],
): Promise<boolean[]> {
  return toDone(await runScript(target, SCRIPTS.mendHash, hash, ...fields));
}

/** lua/mend_expiry.lua */
export async function mendExpiry(
  target: Target,
  what: 'lock' | 'import',
  names: readonly Buffer[],
): Promise<boolean[]> {
  const { ms } = ENDS[what];
  return toDone(await runScript(target, SCRIPTS.mendExpiry, what, ms, ...names));
}

/** Locks whose key does not expire are given this time: every holder renews its lock sooner. */
const ENDS = { lock: { ms: 30_000 }, import: { ms: 30 * 86_400_000 } } as const;

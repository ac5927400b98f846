import { chunks } from '../../../core/chunks.js';
import type { DelayerError } from '../../../core/errors.js';
import type { DiagnosisPart, Fault } from '../../../core/faults.js';
import type { JobRecord } from '../../../core/job.js';
import { find } from '../inspect/find.js';
import { readyLists } from '../inspect/entries.js';
import type { Finder } from '../inspect/find-queued.js';
import type { Read } from '../inspect/read.js';
import type { Keys } from '../keys.js';
import { examineBodies, examineReady, examineVersions } from '../scripts/examine.js';
import { IdSet } from '../id-set.js';
import { EXAMINED, SCANNED } from './steps.js';

/** Faults of single keys of a prefix: bodies and records that nothing refers to, keys of other programs. */

/** How many bodies without an entry are checked once more; for more than these no answer is possible. */
const MOST_BODIES = 10_000;
/** How many of them are checked one by one, which reads the ready list of each. */
const MOST_FOUND = 200;

interface Sorted {
  readonly bodies: Buffer[];
  /** Members that `reserved` should have for the records that exist, and ids of dead letters. */
  readonly leases: Buffer[];
  readonly dead: Buffer[];
  readonly locks: Buffer[];
  readonly imports: Buffer[];
  readonly others: Buffer[];
}

/** @param entries ids of all entries of ready lists, as they were seen before */
export async function* keyFaults(finder: Finder, entries: IdSet): AsyncGenerator<DiagnosisPart> {
  const { read, keys } = finder;
  const total = await read(({ redis }) => redis.dbsize());
  const lonely: Buffer[] = [];
  let cursor = '0';
  do {
    const from = cursor;
    const [next, names] = (await read(({ redis }) =>
      redis.callBuffer('SCAN', from, 'MATCH', keys.pattern, 'COUNT', SCANNED),
    )) as [Buffer, Buffer[]];
    cursor = next.toString();
    const sorted = sortKeys(names, keys);
    for (const ids of chunks(sorted.bodies, EXAMINED)) {
      const found = await read((target) => examineBodies(target, ids));
      lonely.push(...found.map(({ id }) => id).filter((id) => !entries.has(id.toString('latin1'))));
    }
    yield { faults: await faultsOf(read, keys, sorted), lookedAt: SCANNED, total };
  } while (cursor !== '0');
  // SCAN may return a key twice.
  const once = [...new Map(lonely.map((id) => [id.toString('latin1'), id])).values()];
  const { faults, isAll } = await withoutEntry(finder, once.slice(0, MOST_BODIES));
  const cutOff = isAll && once.length <= MOST_BODIES ? undefined : 'body_without_entry';
  yield { faults, lookedAt: 0, total, cutOff };
}

function sortKeys(names: readonly Buffer[], keys: Keys): Sorted {
  const sorted: Sorted = { bodies: [], leases: [], dead: [], locks: [], imports: [], others: [] };
  const rest = (key: Buffer, stem: string): Buffer | undefined => {
    const bytes = Buffer.from(stem);
    return key.subarray(0, bytes.length).equals(bytes) ? Buffer.from(key.subarray(bytes.length)) : undefined;
  };
  for (const key of names) {
    const [body, lease] = [rest(key, keys.bucketStem), rest(key, keys.inflightStem)];
    const [waiting, dead] = [rest(key, keys.waitingStem), rest(key, keys.deadLetterStem)];
    const [lock, file] = [rest(key, keys.lockStem), rest(key, keys.importStem)];
    if (body) sorted.bodies.push(body);
    else if (lease) sorted.leases.push(lease);
    else if (waiting) sorted.leases.push(Buffer.concat([Buffer.from(':'), waiting]));
    else if (dead) sorted.dead.push(dead);
    else if (lock) sorted.locks.push(lock);
    else if (file) sorted.imports.push(file);
    else if (!keys.isOurs(key)) sorted.others.push(key);
  }
  return sorted;
}

const keyOf = (stem: string, name: Buffer): Buffer => Buffer.concat([Buffer.from(stem), name]);

/** The key of the record that a member of `reserved` refers to. */
const recordKey = (keys: Keys, name: Buffer): Buffer =>
  name[0] === ':'.charCodeAt(0) ? keyOf(keys.waitingStem, name.subarray(1)) : keyOf(keys.inflightStem, name);

async function faultsOf(read: Read, keys: Keys, sorted: Sorted): Promise<Fault[]> {
  const { leases, dead, locks, imports, others } = sorted;
  const keyOfLease = (name: Buffer) => recordKey(keys, name);
  const keyOfDead = (id: Buffer) => keyOf(keys.deadLetterStem, id);
  const lost = await unnamed(read, keys.reserved, leases, keyOfLease, keys);
  const lostDead = await unnamed(read, keys.dead, dead, keyOfDead, keys);
  return [
    ...(await unlistedFaults(read, 'leases', lost, keyOfLease)),
    ...(await unlistedFaults(read, 'dead', lostDead, keyOfDead)),
    ...(await endless(
      read,
      locks.map((name) => keyOf(keys.lockStem, name)),
      { kind: 'lock_endless', wanted: 'string' },
    )),
    ...(await endless(
      read,
      imports.map((name) => keyOf(keys.importStem, name)),
      { kind: 'import_endless', wanted: 'hash' },
    )),
    ...others.map((key): Fault => ({ kind: 'key_foreign', key })),
  ];
}

/** A record of a later version is left alone: listed again, it would be in the way of every look. */
async function unlistedFaults(
  read: Read,
  of: 'leases' | 'dead',
  names: readonly Buffer[],
  keyOfName: (name: Buffer) => Buffer,
): Promise<Fault[]> {
  const faults: Fault[] = [];
  while (faults.length < names.length) {
    const rest = names.slice(faults.length, faults.length + EXAMINED);
    const areLater = await read((target) => examineVersions(target, of, rest));
    for (const [i, isLater] of areLater.entries())
      faults.push({
        kind: isLater ? 'record_too_new' : 'record_unlisted',
        key: keyOfName(rest[i] ?? Buffer.alloc(0)),
      });
  }
  return faults;
}

/**
 * Names of records that no member of a sorted set has. Checked twice, because a lease may end in between.
 */
async function unnamed(
  read: Read,
  set: string,
  members: readonly Buffer[],
  keyOfMember: (member: Buffer) => Buffer,
  keys: Keys,
): Promise<Buffer[]> {
  const wanted = set === keys.dead ? 'list' : undefined;
  const lost: Buffer[] = [];
  for (const some of chunks(members, EXAMINED)) {
    const found = await read(async ({ redis }) => {
      const scores = await Promise.all(some.map((member) => redis.zscore(set, member).catch(() => 'no set')));
      const without = some.filter((_, i) => scores[i] === null);
      const types = await Promise.all(without.map((member) => redis.type(keyOfMember(member))));
      const again = await Promise.all(without.map((member) => redis.zscore(set, member)));
      return without.filter(
        (_, i) => again[i] === null && types[i] !== 'none' && types[i] === (wanted ?? types[i]),
      );
    });
    lost.push(...found);
  }
  return lost;
}

async function endless(
  read: Read,
  names: readonly Buffer[],
  { kind, wanted }: { readonly kind: 'lock_endless' | 'import_endless'; readonly wanted: string },
): Promise<Fault[]> {
  const faults: Fault[] = [];
  for (const some of chunks(names, EXAMINED)) {
    const [types, ttls] = await read(({ redis }) =>
      Promise.all([
        Promise.all(some.map((key) => redis.type(key))),
        Promise.all(some.map((key) => redis.pttl(key))),
      ]),
    );
    for (const [i, key] of some.entries()) {
      const type = types[i] ?? 'none';
      if (type !== wanted && type !== 'none')
        faults.push({ kind: 'key_wrong_type', key, found: type, wanted });
      else if (ttls[i] === -1) faults.push({ kind, key });
    }
  }
  return faults;
}

/**
 * Which of these ids have a body and no entry. An entry that came meanwhile counts; and a body is without an entry
 * for a short time between an original client's RPOP and its DEL, so it counts only if it is still there after all
 * lists were walked again.
 * @returns up to MOST_FOUND of them, and whether these are all
 */
async function withoutEntry(
  finder: Finder,
  ids: readonly Buffer[],
): Promise<{ readonly faults: Fault[]; readonly isAll: boolean }> {
  const { read, keys } = finder;
  if (ids.length === 0) return { faults: [], isAll: true };
  const again: { id: Buffer; topic: Buffer }[] = [];
  for (const some of chunks(ids, EXAMINED))
    again.push(...(await read((target) => examineBodies(target, some))));
  const topics = new Set(again.map(({ topic }) => topic.toString('latin1')));
  const entries = new IdSet();
  for await (const { topic, type } of readyLists(read, keys)) {
    if (type === 'list' && topics.has(topic.toString('latin1'))) await readIds(read, topic, entries);
  }
  const left = again.filter(({ id }) => !entries.has(id.toString('latin1')));
  const faults: Fault[] = [];
  for (const { id, topic } of left.slice(0, MOST_FOUND)) {
    let job: JobRecord | undefined;
    try {
      [job] = await find(finder, id);
    } catch (error) {
      // While another key holds a wrong type, which is a fault of its own, it is unknown which bodies have an entry.
      if ((error as DelayerError).code !== 'store_wrong_type') throw error;
      return { faults, isAll: true };
    }
    // No command of delayer can name an empty id or topic.
    if (topic.length === 0 || id.length === 0)
      faults.push({ kind: 'key_foreign', key: keyOf(keys.bucketStem, id) });
    else if (job?.flaw?.type === 'no_entry') faults.push({ kind: 'body_without_entry', id, topic });
  }
  return { faults, isAll: left.length <= MOST_FOUND };
}

async function readIds(read: Read, topic: Buffer, into: IdSet): Promise<void> {
  for (let first = 0; ; first += EXAMINED) {
    const from = first;
    const { lookedAt, alive, others } = await read((target) => examineReady(target, topic, from, EXAMINED));
    for (const id of [...alive, ...others]) into.add(id);
    if (lookedAt < EXAMINED) return;
  }
}

import type { DiagnosisPart, Fault, FaultKind } from '../../../core/faults.js';
import type { JobRecord } from '../../../core/job.js';
import { asideJobs } from '../inspect/aside.js';
import { type ReadyList, readyLists } from '../inspect/entries.js';
import type { Read } from '../inspect/read.js';
import type { Keys } from '../keys.js';
import { examinePool, examineReady } from '../scripts/examine.js';
import { SET_START, type SetPlace } from '../scripts/list.js';
import { IdSet } from '../id-set.js';
import { EXAMINED } from './steps.js';

/** Faults of jobs in the queue: in the pool, and in ready lists. */

const OF_POOL: Readonly<Record<string, FaultKind>> = {
  gone: 'body_gone',
  expired: 'pool_expired',
  incomplete: 'body_incomplete',
  type: 'body_wrong_type',
  unnamed: 'name_empty',
  range: 'due_out_of_range',
  past: 'due_in_the_past',
  expiry: 'expires_before_due',
};

const bodyKey = (keys: Keys, id: Uint8Array): Pick<Fault, 'key'> => ({
  key: Buffer.concat([Buffer.from(keys.bucketStem), id]),
});

const topicOf = (topic: Buffer): Pick<Fault, 'topic'> => (topic.length > 0 ? { topic } : {});

export async function* poolFaults(read: Read, keys: Keys): AsyncGenerator<DiagnosisPart> {
  if ((await read(({ redis }) => redis.type(keys.pool))) !== 'zset') return;
  const total = await read(({ redis }) => redis.zcard(keys.pool));
  for (let place: SetPlace | undefined = SET_START; place;) {
    const after: SetPlace = place;
    const { last, lookedAt, flaws } = await read((target) => examinePool(target, after, EXAMINED));
    const faults = flaws.map(({ id, what, topic, dueAt, found }): Fault => ({
      kind: OF_POOL[what] ?? 'body_wrong_type',
      ...{ id, dueAt, found },
      ...topicOf(topic),
      ...((what === 'type' || what === 'unnamed') && bodyKey(keys, id)),
    }));
    yield { faults, lookedAt, total };
    place = last.score === '' ? undefined : last;
  }
}

/** What the walk through the ready lists has seen. */
export interface SeenReady {
  /** Ids of all entries. */
  readonly ids: IdSet;
  /** Jobs that can be taken and that another daemon than delayer's made ready. */
  unnoted: number;
}

export async function* readyFaults(
  read: Read,
  keys: Keys,
  seen: SeenReady,
  topics: readonly Buffer[] | undefined,
): AsyncGenerator<DiagnosisPart> {
  const alive = new IdSet();
  for await (const list of readyLists(read, keys)) {
    if (list.type !== 'list')
      yield part([
        { kind: 'key_wrong_type', key: list.key, topic: list.topic, found: list.type, wanted: 'list' },
      ]);
    else if (!topics || topics.some((topic) => topic.equals(list.topic)))
      yield* listFaults(read, keys, list, { seen, alive });
  }
  for await (const job of asideJobs(read)) yield part(asideFaults(keys, job));
}

const part = (faults: readonly Fault[]): DiagnosisPart => ({ faults, lookedAt: 0, total: 0 });

/** Maintenance brings back a job whose body is back, and forgets one when the key in its way is gone. */
function asideFaults(keys: Keys, { id, topic, blockedBy }: JobRecord): Fault[] {
  if (blockedBy?.type !== 'wrong_type') return [];
  return [{ kind: 'body_wrong_type', id, topic, found: blockedBy.found, ...bodyKey(keys, id) }];
}

async function* listFaults(
  read: Read,
  keys: Keys,
  { topic, key }: ReadyList,
  { seen, alive }: { readonly seen: SeenReady; readonly alive: IdSet },
): AsyncGenerator<DiagnosisPart> {
  const total = await read(({ redis }) => redis.llen(key).catch(() => 0));
  for (let first = 0; ; first += EXAMINED) {
    const from = first;
    const found = await read((target) => examineReady(target, topic, from, EXAMINED));
    const { lookedAt, flaws, holes, expired, unnoted } = found;
    const faults = flaws.map(({ id, what }): Fault => {
      const fault = { ...ofEntry(what), id, topic };
      return fault.kind === 'body_wrong_type' ? { ...fault, ...bodyKey(keys, id) } : fault;
    });
    for (const id of found.others) seen.ids.add(id);
    for (const id of found.alive) {
      seen.ids.add(id);
      if (!alive.add(id)) faults.push({ kind: 'doubled_entry', id: Buffer.from(id, 'latin1'), topic });
    }
    if (expired > 0) faults.push({ kind: 'entries_expired', topic, count: expired });
    if (holes > 0) faults.push({ kind: 'entries_empty', topic, count: holes });
    seen.unnoted += unnoted;
    yield { faults, lookedAt, total };
    if (lookedAt < EXAMINED) return;
  }
}

function ofEntry(what: string): Pick<Fault, 'kind' | 'found'> {
  if (what === 'pooled') return { kind: 'entry_of_delayed' };
  if (what === 'other') return { kind: 'entry_of_other_topic' };
  if (what === 'incomplete') return { kind: 'body_incomplete' };
  return { kind: 'body_wrong_type', found: what };
}

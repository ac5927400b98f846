import type { DiagnosisPart, Fault, FaultKind } from '../../../core/faults.js';
import { MAX_LEASE_MS } from '../../../core/job.js';
import type { Read } from '../inspect/read.js';
import type { Keys } from '../keys.js';
import { examineDead, examineHash, examineLeases, type HashName } from '../scripts/examine.js';
import type { IdSet } from '../id-set.js';
import { EXAMINED } from './steps.js';

/** Faults of delayer's own records: of leases, of waiting jobs, of dead letters, of notes. */

/** Ids whose dead letters one call looks at. */
const DEAD_WINDOW = 50;

const OF_RECORD: Readonly<Record<string, FaultKind>> = {
  gone: 'record_gone',
  type: 'record_wrong_type',
  unreadable: 'record_unreadable',
  newer: 'record_too_new',
  ended: 'leases_ended',
  waits: 'waiting_overdue',
  long: 'lease_too_long',
  past: 'dead_past',
  end: 'dead_end_wrong',
};
const kindOf = (what: string): FaultKind => OF_RECORD[what] ?? 'record_unreadable';

const isType = async (read: Read, key: string, type: string): Promise<boolean> =>
  (await read(({ redis }) => redis.type(key))) === type;

export async function* leaseFaults(read: Read, keys: Keys): AsyncGenerator<DiagnosisPart> {
  if (!(await isType(read, keys.reserved, 'zset'))) return;
  const total = await read(({ redis }) => redis.zcard(keys.reserved));
  const seen = new Set<string>();
  for (let first = 0; ;) {
    const from = first;
    const { lookedAt, flaws } = await read((target) => examineLeases(target, from, MAX_LEASE_MS));
    if (lookedAt === 0) return;
    first += lookedAt;
    // A lease that is extended meanwhile is seen again.
    const fresh = flaws.filter(({ key }) => !seen.has(key.toString('latin1')));
    for (const { key } of fresh) seen.add(key.toString('latin1'));
    const faults = fresh.map(({ key, what, found, count }): Fault => ({
      kind: kindOf(what),
      ...{ key, found },
      count: what === 'ended' || what === 'waits' ? count : 1,
    }));
    yield { faults, lookedAt, total };
  }
}

/** What the walk through the dead letters has seen. */
export interface SeenDead {
  /** When the last one failed, in ms. */
  lastFailureMs: number;
}

export async function* deadFaults(read: Read, keys: Keys, seen: SeenDead): AsyncGenerator<DiagnosisPart> {
  if (!(await isType(read, keys.dead, 'zset'))) return;
  const total = await read(({ redis }) => redis.zcard(keys.dead));
  for (let first = 0; ;) {
    const from = first;
    const { lookedAt, lastFailureMs, flaws } = await read((target) => examineDead(target, from, DEAD_WINDOW));
    if (lookedAt === 0) return;
    first += lookedAt;
    seen.lastFailureMs = Math.max(seen.lastFailureMs, lastFailureMs);
    const faults = flaws.map(({ id, what, found, count }): Fault => ({
      kind: kindOf(what),
      key: Buffer.concat([Buffer.from(keys.deadLetterStem), id]),
      ...(what === 'past' ? { id, count } : { found }),
    }));
    yield { faults, lookedAt, total };
  }
}

/**
 * Values of delayer's hashes that no version wrote, and notes that have neither a body nor an entry any more.
 */
export async function* hashFaults(read: Read, keys: Keys, entries: IdSet): AsyncGenerator<DiagnosisPart> {
  const hashes: Record<HashName, string> = {
    notes: keys.readyDue,
    aside: keys.setAside,
    paused: keys.paused,
  };
  for (const [name, key] of Object.entries(hashes) as [HashName, string][]) {
    if (!(await isType(read, key, 'hash'))) continue;
    const total = await read(({ redis }) => redis.hlen(key));
    let cursor = '0';
    do {
      const from = cursor;
      const part = await read((target) => examineHash(target, name, from, EXAMINED));
      cursor = part.cursor;
      const faults = part.flaws.flatMap(({ field, what }): Fault[] => {
        const at = { key: Buffer.from(key), id: field };
        if (what !== 'bodiless')
          return [{ kind: what === 'newer' ? 'record_too_new' : 'value_strange', ...at }];
        return entries.has(field.toString('latin1')) ? [] : [{ kind: 'notes_left', ...at }];
      });
      yield { faults, lookedAt: part.lookedAt, total };
    } while (cursor !== '0');
  }
}

import type { Fault, FaultKind } from '../../../core/faults.js';
import { DEFAULT_TTL_MS, MAX_LEASE_MS } from '../../../core/job.js';
import type { Caller } from '../caller.js';
import { edit } from '../move.js';
import {
  type HashName,
  mendDead,
  mendEntries,
  mendExpiry,
  mendHash,
  mendLeases,
} from '../scripts/examine.js';
import { LONG_PART, sweep } from '../scripts/maintain.js';
import type { Target } from '../scripts/run.js';

/** Mends faults of one kind; answers, in order, whether each was mended. */
type Mender = (caller: Caller, faults: readonly Fault[]) => Promise<boolean[]>;

/** How many entries make up the right end of a ready list, which is delivered first. */
const RIGHT_END = -1;

const NOTHING = Buffer.alloc(0);

/** The script that mends a fault checks it again. */
export async function mend(caller: Caller, faults: readonly Fault[]): Promise<boolean[]> {
  const outcomes = new Map<Fault, boolean>();
  const byKind = new Map<FaultKind, Fault[]>();
  for (const fault of faults) byKind.set(fault.kind, [...(byKind.get(fault.kind) ?? []), fault]);
  for (const [kind, some] of byKind) {
    const done = (await MENDERS[kind]?.(caller, some)) ?? [];
    for (const [i, fault] of some.entries()) outcomes.set(fault, done[i] === true);
  }
  return faults.map((fault) => outcomes.get(fault) === true);
}

const byEntries: Mender = async ({ run }, faults) => {
  const outcomes = new Map<Fault, boolean>();
  for (const of of byTopic(faults).values()) {
    const topic = Buffer.from(of[0]?.topic ?? NOTHING);
    const taken = await sweepAll(run, topic);
    // The sweep looks at a list in parts, so it may leave entries; these are removed one by one.
    const ids = of.map(({ id = NOTHING }) => Buffer.from(id));
    const done = of[0]?.id ? await inTurn(run, ids, (target, some) => mendEntries(target, topic, some)) : [];
    for (const [i, fault] of of.entries()) outcomes.set(fault, done[i] === true || taken > 0);
  }
  return faults.map((fault) => outcomes.get(fault) === true);
};

/** Does for a ready list at once what `serve` does bit by bit; answers how many entries were removed. */
async function sweepAll(run: Caller['run'], topic: Buffer): Promise<number> {
  let taken = 0;
  for (let from = RIGHT_END; ;) {
    const at = from;
    const part = await run('best-effort', (target) => sweep(target, topic, { from: at, entries: LONG_PART }));
    taken += part.taken;
    // All entries at the right end may be expired, and those behind them as well.
    if (at === RIGHT_END) from = part.taken > 0 ? RIGHT_END : 0;
    else if (part.next < 0) return taken;
    else from = part.next;
  }
}

/** One by one: each job that has no entry in the list of its own topic gets one there. */
const byMoving: Mender = async ({ run }, faults) => {
  const outcomes = new Map<Fault, boolean>();
  for (const of of byTopic(faults).values()) {
    const topic = Buffer.from(of[0]?.topic ?? NOTHING);
    const ids = of.map(({ id = NOTHING }) => Buffer.from(id));
    const done = await inTurn(run, ids, (target, some) => mendEntries(target, topic, some));
    for (const [i, fault] of of.entries()) outcomes.set(fault, done[i] === true);
  }
  return faults.map((fault) => outcomes.get(fault) === true);
};

function byTopic(faults: readonly Fault[]): Map<string, Fault[]> {
  const groups = new Map<string, Fault[]>();
  for (const fault of faults) {
    const name = fault.topic?.toString('latin1') ?? '';
    groups.set(name, [...(groups.get(name) ?? []), fault]);
  }
  return groups;
}

/** A script handles the first of its arguments, and is called again for the rest. */
async function inTurn(
  run: Caller['run'],
  names: readonly Buffer[],
  step: (target: Target, names: readonly Buffer[]) => Promise<boolean[]>,
): Promise<boolean[]> {
  const done: boolean[] = [];
  while (done.length < names.length) {
    const rest = names.slice(done.length);
    const some = await run('best-effort', (target) => step(target, rest));
    if (some.length === 0) break;
    done.push(...some);
  }
  return done;
}

const startsWith = (key: Buffer, stem: string): boolean =>
  key.subarray(0, Buffer.byteLength(stem)).equals(Buffer.from(stem));
const restOf = (key: Buffer, stem: string): Buffer => key.subarray(Buffer.byteLength(stem));

const keyOf = ({ key = NOTHING }: Fault): Buffer => Buffer.from(key);

const byRecords: Mender = async ({ run, keys }, faults) => {
  const isDead = (fault: Fault) => startsWith(keyOf(fault), keys.deadLetterStem);
  const dead = faults.filter(isDead);
  const leases = faults.filter((fault) => !isDead(fault));
  const ids = dead.map((fault) => restOf(keyOf(fault), keys.deadLetterStem));
  const names = leases.map((fault) => {
    const key = keyOf(fault);
    return startsWith(key, keys.waitingStem)
      ? Buffer.concat([Buffer.from(':'), restOf(key, keys.waitingStem)])
      : restOf(key, keys.inflightStem);
  });
  const ofDead = await inTurn(run, ids, mendDead);
  const ofLeases = await inTurn(run, names, (target, some) => mendLeases(target, some, MAX_LEASE_MS));
  return faults.map((fault) =>
    isDead(fault) ? ofDead[dead.indexOf(fault)] === true : ofLeases[leases.indexOf(fault)] === true,
  );
};

const byValues: Mender = async ({ run, keys }, faults) => {
  const hashes = new Map<string, HashName>([
    [keys.readyDue, 'notes'],
    [keys.setAside, 'aside'],
    [keys.paused, 'paused'],
  ]);
  const done: boolean[] = [];
  for (const fault of faults) {
    const [key, field] = [keyOf(fault).toString(), Buffer.from(fault.id ?? NOTHING)];
    const hash = hashes.get(key);
    const [isDone] = hash
      ? await run('best-effort', (target) => mendHash(target, hash, [field]))
      : // Daemons and topics are noted again by themselves; nothing depends on them.
        [(await run('best-effort', ({ redis }) => redis.zrem(key, field))) > 0];
    done.push(isDone === true);
  }
  return done;
};

const byExpiry =
  (what: 'lock' | 'import'): Mender =>
  ({ run, keys }, faults) => {
    const stem = what === 'lock' ? keys.lockStem : keys.importStem;
    const names = faults.map((fault) => restOf(keyOf(fault), stem));
    return run('best-effort', (target) => mendExpiry(target, what, names));
  };

/** The default lifetime, counted from the due time. */
const byLifetime: Mender = async (caller, faults) => {
  const done: boolean[] = [];
  for (const { id = NOTHING, dueAt } of faults) {
    const meant = { id: Buffer.from(id), dueAt, states: ['delayed', 'due'] } as const;
    done.push((await edit(caller, { ...meant, ttlMs: DEFAULT_TTL_MS })).edited);
  }
  return done;
};

const MENDERS: Partial<Record<FaultKind, Mender>> = {
  expires_before_due: byLifetime,
  doubled_entry: byEntries,
  entry_of_delayed: byEntries,
  entry_of_other_topic: byMoving,
  entries_expired: byEntries,
  entries_empty: byEntries,
  record_unlisted: byRecords,
  record_gone: byRecords,
  lease_too_long: byRecords,
  dead_end_wrong: byRecords,
  value_strange: byValues,
  notes_left: ({ run }, faults) => {
    const ids = faults.map(({ id = NOTHING }) => Buffer.from(id));
    return run('best-effort', (target) => mendHash(target, 'notes', ids));
  },
  lock_endless: byExpiry('lock'),
  import_endless: byExpiry('import'),
};

import type { Burial, Maintenance, WrongType } from '../../../core/results.js';
import { type Lateness, LATENESS_BOUNDS_MS } from '../../../core/lateness.js';
import type { AnnounceParams } from '../../../core/store.js';
import { unpackNames } from '../msgpack.js';
import { SCRIPTS } from '../scripts.generated.js';
import { toBurials } from './extras.js';
import { runScript, type Target, toArray, toBuffer, toRows, toText, toWaitMs, type Value } from './run.js';

/** The most jobs that a run of reserve promotes, because it has other work. */
export const PROMOTE_LIMIT = 250;
/** As one argument: each costs Redis and the client some of every step. */
const LATENESS_BOUNDS = JSON.stringify(LATENESS_BOUNDS_MS);
/** Jobs whose leases have ended that a run of reclaim brings back at most. */
const RECLAIM_LIMIT = 80;

export interface MaintainAnswer extends Maintenance {
  readonly buried: Burial[];
  readonly isUntidy: boolean;
  /** Leftover notes that were removed. */
  readonly forgotten: number;
  readonly wrongTypes: WrongType[];
  /** Topics of ready lists in which expired entries may stand. */
  readonly suspects: Buffer[];
}

interface MaintainStep {
  /** Due jobs to pass over. */
  readonly skip: number;
  /** The most jobs that are promoted; fewer when they are of many topics. */
  readonly limit: number;
}

/** lua/maintain.lua */
export async function maintain(target: Target, { skip, limit }: MaintainStep): Promise<MaintainAnswer> {
  const answer = await runScript(target, SCRIPTS.maintain, skip, limit, LATENESS_BOUNDS);
  const [promoted, expired, reclaimed, deleted, stuck, more, next, untidy, ...rest] = answer;
  const [buried, late, forgotten, wrongTypes, ...suspects] = rest;
  return {
    promoted: Number(promoted),
    expired: Number(expired),
    reclaimed: Number(reclaimed),
    deleted: Number(deleted),
    stuck: Number(stuck),
    more: more === 1,
    nextInMs: toWaitMs(next),
    buried: toBurials(buried),
    lateness: toLateness(late),
    isUntidy: untidy === 1,
    forgotten: Number(forgotten),
    wrongTypes: [...toRows(toArray(wrongTypes), 0, 3)].map((row) => {
      const [key = '', wanted = '', found = ''] = row.map(toText);
      return { key, wanted, found };
    }),
    suspects: suspects.map(toBuffer),
  };
}

/** lua/lib/lateness.lua */
function toLateness(value: Value | undefined): Lateness | undefined {
  const figures = toArray(value).map(Number);
  const [sumMs, latestMs] = figures.splice(LATENESS_BOUNDS_MS.length + 1);
  return sumMs === undefined || latestMs === undefined ? undefined : { counts: figures, sumMs, latestMs };
}

/** lua/tidy.lua */
export async function tidy(target: Target) {
  const [returned, forgotten, ...suspects] = await runScript(target, SCRIPTS.tidy);
  return {
    returned: Number(returned),
    forgotten: Number(forgotten),
    suspects: suspects.map(toBuffer),
  };
}

/** Entries of a ready list that a run of sweep looks at when there is time: a millisecond or two. */
export const LONG_PART = 1000;

/** A part of a ready list: `from` an index from the left, or -1 for the right end, so many entries. */
export interface ListPart {
  readonly from: number;
  readonly entries: number;
}

/**
 * lua/sweep.lua; `next` -1 says that there is no more. `ids` (latin1) are ready jobs that may have a second entry in
 * another part of the list; `misplaced` are jobs of another topic whose only entry is in this list.
 */
export async function sweep(target: Target, topic: Buffer, { from, entries }: ListPart) {
  const [expired, taken, next, doubled, ids, misplaced] = await runScript(
    target,
    SCRIPTS.sweep,
    topic,
    from,
    entries,
  );
  return {
    ...{ expired: Number(expired), taken: Number(taken), next: Number(next), doubled: Number(doubled) },
    ids: unpackNames(toBuffer(ids)),
    misplaced: unpackNames(toBuffer(misplaced)),
  };
}

/** A body, by its id, and when it expires, in ms or '' for never; `any` if it was not seen before. */
export interface SeenBody {
  readonly id: Buffer;
  readonly expiry: string;
}

/** lua/look_at_bodies.lua; answers those that no key names. */
export async function lookAtBodies(
  target: Target,
  bodies: readonly SeenBody[],
  removes: boolean,
): Promise<SeenBody[]> {
  const given = bodies.flatMap(({ id, expiry }) => [id, expiry]);
  const answer = await runScript(target, SCRIPTS.lookAtBodies, removes ? 1 : 0, ...given);
  return [...toRows(answer, 0, 2)].map(([id, expiry]) => ({ id: toBuffer(id), expiry: toText(expiry) }));
}

/** lua/reclaim.lua; answers which jobs became dead letters. */
export async function reclaim(target: Target): Promise<Burial[]> {
  const [, , buried] = await runScript(target, SCRIPTS.reclaim, RECLAIM_LIMIT);
  return toBurials(buried);
}

/** lua/announce.lua */
export async function announce(
  target: Target,
  { daemon, promoted, latestMs }: AnnounceParams,
  forgetMs: number,
): Promise<void> {
  await runScript(target, SCRIPTS.announce, daemon, forgetMs, promoted, latestMs ?? '');
}

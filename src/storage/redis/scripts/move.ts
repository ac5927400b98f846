import type { JobState } from '../../../core/job.js';
import type { EditResult, PromoteResult, RescheduleResult } from '../../../core/results.js';
import type { EditParams, JobGuard, RescheduleJob } from '../../../core/store.js';
import { type Packable, packArray } from '../msgpack.js';
import { SCRIPTS } from '../scripts.generated.js';
import { addGuard } from './guard.js';
import { type ClearedEntry, packCleared } from './push.js';
import { runScript, type Target, toBuffer, toDate, toRows, toText, type Value } from './run.js';

/**
 * Scripts of operators answer for the first of their jobs; how many bytes of bodies a run reads is limited.
 */

function toState(value: Value | undefined): JobState | undefined {
  const state = toText(value);
  return state === 'none' ? undefined : (state as JobState);
}

/** lua/make_ready.lua */
export async function promote(target: Target, jobs: readonly JobGuard[]): Promise<PromoteResult[]> {
  const packed: Packable[] = [];
  for (const job of jobs) addGuard(packed, job);
  const answer = await runScript(target, SCRIPTS.makeReady, packArray(packed));
  return [...toRows(answer, 0, 2)].map(([promoted, state]) => ({
    promoted: promoted === 1,
    state: toState(state),
  }));
}

function packDue(due: RescheduleJob['due']): [kind: string, ms: number] {
  if ('delayMs' in due) return ['delay', due.delayMs];
  return 'atMs' in due ? ['at', due.atMs] : ['by', due.byMs];
}

/** lua/reschedule.lua */
export async function reschedule(
  target: Target,
  jobs: readonly RescheduleJob[],
): Promise<RescheduleResult[]> {
  const packed: Packable[] = [];
  for (const job of jobs) {
    addGuard(packed, job);
    packed.push(...packDue(job.due));
  }
  const { wakeChannel } = target.keys;
  const answer = await runScript(target, SCRIPTS.reschedule, wakeChannel, packArray(packed));
  return [...toRows(answer, 0, 2)].map(([was, due]) => {
    const [state, dueAt] = [toState(was), toDate(due)];
    return dueAt ? { rescheduled: true, state, dueAt } : { rescheduled: false, state };
  });
}

/**
 * lua/edit.lua
 * @returns `unclear`: the ready list of this topic has to be searched before
 */
export async function edit(
  target: Target,
  { ifBody, body, ttlMs, ...guard }: EditParams,
  cleared: readonly ClearedEntry[],
): Promise<EditResult | { readonly unclear: Buffer }> {
  const seen: Packable[] = [];
  addGuard(seen, { ...guard, body: ifBody });
  const change = [body ? 1 : 0, body ?? '', ttlMs ?? ''];
  const answer = await runScript(target, SCRIPTS.edit, packCleared(cleared), ...seen, ...change);
  const [unclear, edited, was] = answer;
  if (toBuffer(unclear).length > 0) return { unclear: toBuffer(unclear) };
  const state = toState(was);
  return edited === -1 ? { edited: false, state, isOver: true } : { edited: edited === 1, state };
}

/** The scores in the pool, as text; undefined for a job that is not in it. */
export async function scoresOf(
  { redis, keys }: Target,
  ids: readonly Buffer[],
): Promise<(string | undefined)[]> {
  return (await redis.zmscore(keys.pool, ...ids)).map((score) => score ?? undefined);
}

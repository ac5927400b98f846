import type { JobState } from '../../../core/job.js';
import type { HoldParams, JobToTake, PauseParams, RequeueParams } from '../../../core/store.js';
import type { HoldResult, RemoveResult, RequeueResult } from '../../../core/results.js';
import { formatLease } from '../../../core/lease.js';
import { packArray } from '../msgpack.js';
import { SCRIPTS } from '../scripts.generated.js';
import type { AwayJob } from './list.js';
import { type ClearedEntry, packCleared } from './push.js';
import { type Part, runScript, type Target, toBuffer, toRows, toText } from './run.js';

let lastStates: readonly JobState[] = [];
let lastNames = '';

/** Names of states, joined as scripts search them; mostly the states of one job are those of the next. */
function namesOf(states: readonly JobState[]): string {
  const isSame = states.length === lastStates.length && states.every((state, i) => state === lastStates[i]);
  if (!isSame) [lastStates, lastNames] = [states, ` ${states.join(' ')} `];
  return lastNames;
}

/** Whether a job that waits for another one of its id is meant, as scripts read it. */
const toWaits = (isWaiting: boolean | undefined): number | '' =>
  isWaiting === undefined ? '' : Number(isWaiting);

/** A job to be removed, and the topic in whose ready list an entry of it was seen. */
export interface Removal extends JobToTake {
  readonly seenIn?: Buffer | undefined;
}

/** lua/remove.lua */
export async function remove(
  target: Target,
  jobs: readonly Removal[],
  cleared: readonly ClearedEntry[] = [],
): Promise<Part<RemoveResult>> {
  const packed: (Buffer | string | number)[] = [];
  for (const { id, states, dueAt, failedAt, seenIn, isWaiting } of jobs) {
    packed.push(id, namesOf(states), dueAt?.getTime() ?? '', failedAt?.getTime() ?? '', seenIn ?? '');
    packed.push(toWaits(isWaiting));
  }
  const answer = await runScript(target, SCRIPTS.remove, packCleared(cleared), packArray(packed));
  const results: RemoveResult[] = [];
  for (let i = 1; i < answer.length; i += 2) {
    const state = toText(answer[i + 1]);
    results.push({ removed: answer[i] === 1, state: state === 'none' ? undefined : (state as JobState) });
  }
  const unclear = toBuffer(answer[0]);
  return unclear.length === 0 ? { results } : { results, unclear };
}

/** lua/revoke.lua */
export async function revoke(target: Target, jobs: readonly AwayJob[]): Promise<boolean[]> {
  const names = jobs.flatMap(({ record, number }) => [record, number]);
  return (await runScript(target, SCRIPTS.revoke, ...names)).map((one) => one === 1);
}

/** lua/hold.lua */
export async function hold(
  target: Target,
  { token, jobs, leaseMs, holder }: HoldParams & { readonly token: string },
  cleared: readonly ClearedEntry[],
): Promise<Part<HoldResult>> {
  const packed = jobs.flatMap(({ id, states, dueAt, isWaiting }) => [
    id,
    ` ${states.join(' ')} `,
    dueAt?.getTime() ?? '',
    toWaits(isWaiting),
  ]);
  const answer = await runScript(
    target,
    SCRIPTS.hold,
    ...[packCleared(cleared), token, leaseMs, holder, packArray(packed)],
  );
  const [deadlineMs, count] = [Number(answer[1]), Number(answer[2])];
  const results = [...toRows(answer, 3, 2)].map(([number, state]): HoldResult => {
    const was = toText(state) === 'none' ? undefined : (toText(state) as JobState);
    if (number === 0) return { held: false, state: was };
    const lease = formatLease({ token, number: Number(number), count, deadlineMs });
    return { held: true, state: was, lease, leaseUntil: new Date(deadlineMs) };
  });
  const unclear = toBuffer(answer[0]);
  return unclear.length === 0 ? { results } : { results, unclear };
}

/** lua/requeue.lua */
export async function requeue(
  target: Target,
  { jobs, keepAttempts }: RequeueParams,
): Promise<RequeueResult[]> {
  const packed = packArray(jobs.flatMap(({ id, topic, delayMs }) => [id, topic ?? '', delayMs]));
  const { wakeChannel } = target.keys;
  const answer = await runScript(target, SCRIPTS.requeue, keepAttempts ? 1 : 0, wakeChannel, packed);
  return answer.map((one) => toText(one) as RequeueResult);
}

/** lua/pause.lua */
export async function pause(target: Target, { topics, forMs }: PauseParams): Promise<void> {
  await runScript(target, SCRIPTS.pause, forMs ?? '', ...topics);
}

/** lua/pause.lua */
export async function resume(target: Target, topics: readonly Buffer[]): Promise<void> {
  await runScript(target, SCRIPTS.pause, -1, ...topics);
}

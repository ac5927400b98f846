import type { JobState } from '../../../core/job.js';
import type { HoldParams, JobToTake, PauseParams, RequeueParams } from '../../../core/store.js';
import type { HoldResult, RemoveResult, RequeueResult } from '../../../core/results.js';
import { formatLease } from '../../../core/lease.js';
import { type Packable, packArray } from '../msgpack.js';
import { SCRIPTS } from '../scripts.generated.js';
import { addGuard, packWaits } from './guard.js';
import type { AwayJob } from './list.js';
import { type ClearedEntry, packCleared } from './push.js';
import { type Part, runScript, type Target, toBuffer, toRows, toText } from './run.js';

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
  const packed: Packable[] = [];
  for (const job of jobs) {
    addGuard(packed, job);
    packed.push(packWaits(job.isWaiting), job.failedAt ? job.failedAt.getTime() : '', job.seenIn ?? '');
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
  const packed: Packable[] = [];
  for (const job of jobs) {
    addGuard(packed, job);
    packed.push(packWaits(job.isWaiting));
  }
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
  const packed = packArray(
    jobs.flatMap(({ id, topic, failedAt, delayMs }) => [id, topic ?? '', failedAt?.getTime() ?? '', delayMs]),
  );
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

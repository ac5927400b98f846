import { SCRIPTS } from '../scripts.generated.js';
import { runScript, type Target, toBuffer, toDate, toRows, toText } from './run.js';

/** A ready list, looked at from its head. */
export interface ListHead {
  readonly topic: Buffer;
  /** Its entries; undefined when the key is not a list. */
  readonly entries: number | undefined;
  readonly oldestReadyAt: Date | undefined;
  /** Is the due time of the first in line unknown? */
  readonly isAtLeast: boolean;
}

/** lua/look_at_heads.lua */
export async function lookAtHeads(target: Target, topics: readonly Buffer[]): Promise<ListHead[]> {
  const answer = await runScript(target, SCRIPTS.lookAtHeads, ...topics);
  return topics.map((topic, i) => {
    const [entries, oldest, isUnknown] = answer.slice(3 * i, 3 * i + 3);
    return {
      topic,
      entries: Number(entries) < 0 ? undefined : Number(entries),
      oldestReadyAt: toDate(oldest),
      isAtLeast: isUnknown === 1,
    };
  });
}

/** lua/sample_pool.lua */
export async function samplePool(target: Target, limit: number) {
  const answer = await runScript(target, SCRIPTS.samplePool, limit);
  return {
    sampled: Number(answer[0]),
    topics: [...toRows(answer, 1, 3)].map(([topic, delayed, due]) => ({
      topic: toBuffer(topic),
      delayed: Number(delayed),
      due: Number(due),
    })),
  };
}

/** lua/look_at_leases.lua; `first` is absent for records at random. */
export async function lookAtLeases(target: Target, limit: number, first?: number) {
  const answer = await runScript(target, SCRIPTS.lookAtLeases, limit, first ?? '');
  return {
    lookedAt: Number(answer[0]),
    topics: [...toRows(answer, 1, 4)].map(([topic, leased, waiting, holder]) => ({
      topic: toBuffer(topic),
      leased: Number(leased),
      waiting: Number(waiting),
      holder: toText(holder),
    })),
  };
}

/** lua/sample_dead.lua */
export async function sampleDead(target: Target, limit: number) {
  const answer = await runScript(target, SCRIPTS.sampleDead, limit);
  return {
    sampled: Number(answer[0]),
    topics: [...toRows(answer, 1, 2)].map(([topic, dead]) => ({
      topic: toBuffer(topic),
      dead: Number(dead),
    })),
  };
}

/** lua/see_topics.lua */
export async function seeTopics(target: Target, topics: readonly Buffer[]): Promise<void> {
  await runScript(target, SCRIPTS.seeTopics, ...topics);
}

/** lua/sample_due.lua; `first` is absent for jobs at random. */
export async function sampleDue(
  target: Target,
  topics: readonly Buffer[],
  { limit, first, afterMs }: { limit: number; first?: number | undefined; afterMs: number },
) {
  const answer = await runScript(target, SCRIPTS.sampleDue, limit, first ?? '', afterMs, ...topics);
  return { sampled: Number(answer[0]), dueMs: answer.slice(1).map(Number) };
}

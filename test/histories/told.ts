import type { JobState } from '../../src/core/job.js';
import type { Context } from './context.js';
import { Difference } from './difference.js';
import { IDS } from './operations.js';
import { RedisLine } from './redis-line.js';

/** The states that a store may report for jobs that were left alone, by id. */
export type ToldStates = ReadonlyMap<string, readonly (JobState | undefined)[]>;

/** By id, the state of the job in line, or that of any other if there is none. */
export function statesToTell({ model, now }: Context): ToldStates {
  const { line } = model;
  return new Map(
    IDS.map((id) => {
      const state = line.state(id, now);
      const isLeftOver = line instanceof RedisLine && line.isLeftOver(id, now);
      if (state !== undefined && !isLeftOver) return [id, [state]];
      const others: JobState[] = [
        ...model.leases.filter(({ job }) => job.id === id).map(() => 'leased' as const),
        ...model.waitingFor(id).map(() => 'delayed' as const),
        ...model.lettersOf(id).map(() => 'dead' as const),
      ];
      // The remains of an expired job may be reported or not; in a list that cannot be read they may seem ready.
      const left: JobState[] = isLeftOver ? ['expired', 'ready'] : [];
      return [id, others.length > 0 ? [...others, ...left] : [undefined, ...left]];
    }),
  );
}

export function expectTold(
  what: string,
  allowed: readonly (JobState | undefined)[] | undefined,
  seen: JobState | undefined,
): void {
  if (allowed?.includes(seen) !== true) throw new Difference(`${what}: what the job was`, allowed, seen);
}

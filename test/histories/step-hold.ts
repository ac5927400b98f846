import { parseLease } from '../../src/core/lease.js';
import type { Queue } from '../../src/core/queue.js';
import type { HoldResult } from '../../src/core/results.js';
import type { Meant } from './changes.js';
import type { Context } from './context.js';
import { expectSame } from './difference.js';
import { HELD } from './holds.js';
import type { StepOf } from './operations.js';
import { expectTold, statesToTell } from './told.js';

/** Holds jobs for an operator, in the store and in the model. Their leases end as those of consumers do. */
export class Holder {
  constructor(private readonly context: Context) {}

  async hold({ jobs, states, leaseMs, holder }: StepOf<'hold'>, queue: Queue): Promise<void> {
    const { context } = this;
    // Where its list is none, a store cannot tell a ready job from one that an original client has in hand.
    if (context.blockedTopics().length > 0) return;
    const meant = jobs.map(({ id, believed }) => ({ ...this.meant(id, believed), states: states ?? HELD }));
    context.say(`hold for ${leaseMs}: ${JSON.stringify(meant)}`);
    const told = statesToTell(context);
    const requests = meant.map(({ dueAt, ...rest }) => ({
      ...rest,
      dueAt: dueAt === undefined ? undefined : new Date(dueAt),
    }));
    const seen = await queue.hold(requests, { leaseMs, holder });
    const expected = context.model.holds.hold(meant, { leaseMs, holder }, context.now);
    for (const [i, { id }] of meant.entries()) {
      // One that this very call holds is leased, or is still what it was.
      const isTwice = meant.some((one, j) => one.id === id && j < i && expected[j]);
      const allowed = [...(told.get(id) ?? []), ...(isTwice ? (['leased', undefined] as const) : [])];
      expectHeld(context, expected[i], seen[i], allowed);
    }
  }

  /** Of a job in line, or else of one that waits. */
  private meant(id: string, believed: StepOf<'hold'>['jobs'][number]['believed']): Meant {
    const { model } = this.context;
    const dueAt = (model.line.get(id) ?? model.waitingFor(id)[0]?.job)?.dueAt;
    if (believed === undefined || dueAt === undefined) return { id };
    return { id, dueAt: believed === 'right' ? dueAt : dueAt + 1 };
  }
}

function expectHeld(
  { model, leases }: Context,
  expected: ReturnType<Context['model']['holds']['hold']>[number],
  seen: HoldResult | undefined,
  told: readonly (HoldResult['state'] | undefined)[] | undefined,
): void {
  expectSame('hold: held', expected !== undefined, seen?.held);
  if (!expected) {
    expectTold('hold', told, seen?.state);
    return;
  }
  const { lease, was } = expected;
  const name = seen?.lease ?? '';
  expectSame('hold: what the job was', was, seen?.state);
  const { number, count, deadlineMs } = parseLease(name);
  expectSame(
    'hold: the lease',
    [lease.number, lease.count, lease.firstEnd, lease.end],
    [number, count, deadlineMs, seen?.leaseUntil?.getTime()],
  );
  model.name(lease, name);
  leases.push(name);
}

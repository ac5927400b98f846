import { parseLease } from '../../src/core/lease.js';
import type { Queue } from '../../src/core/queue.js';
import type { HoldResult } from '../../src/core/results.js';
import { type Belief, type Meant, meantOf, toReference } from './beliefs.js';
import { type Context, type Fate, leasesUnheardOf, orUnknown } from './context.js';
import { expectSame } from './difference.js';
import { HELD } from './holds.js';
import type { ModelLease } from './job.js';
import type { StepOf } from './operations.js';
import { expectTold, statesToTell } from './told.js';

type ModelHeld = ReturnType<Context['model']['holds']['hold']>[number];

/** Holds jobs for an operator, in the store and in the model. */
export class Holder {
  constructor(private readonly context: Context) {}

  async hold({ jobs, states, leaseMs, holder }: StepOf<'hold'>, queue: Queue, fate?: Fate): Promise<void> {
    const { context } = this;
    // If the ready key has a wrong type, a store cannot tell a ready job from one that an original client has popped.
    if (context.blockedTopics().length > 0) return;
    const meant = jobs.map(({ id, believed, isWaiting }) => ({
      ...{ ...this.meant(id, believed), states: states ?? HELD, isWaiting },
    }));
    context.say(`hold for ${leaseMs}: ${JSON.stringify(meant)}`);
    const told = statesToTell(context);
    const requests = meant.map((one) => ({
      ...{ ...toReference(one), states: one.states, isWaiting: one.isWaiting },
    }));
    const seen = await orUnknown(queue.hold(requests, { leaseMs, holder }), fate);
    if (fate) expectSame('hold: told that nobody knows', true, seen === undefined);
    if (fate?.lost === 'request') return;
    const expected = context.model.holds.hold(meant, { leaseMs, holder }, context.now);
    if (!seen) return this.lookUp(expected);
    for (const [i, { id }] of meant.entries()) {
      // A job that the same call holds, before or after, is leased or still in its state.
      const isTwice = meant.some((one, j) => one.id === id && j !== i && expected[j]);
      const allowed = [...(told.get(id) ?? []), ...(isTwice ? (['leased', undefined] as const) : [])];
      expectHeld(context, expected[i], seen[i], allowed);
    }
  }

  /** Learns the leases from the store, because the answer was lost. */
  private async lookUp(expected: readonly ModelHeld[]): Promise<void> {
    const names = await leasesUnheardOf(this.context);
    const held = expected.flatMap((one) => one ?? []);
    expectSame('a hold that nobody heard of: jobs that are held', held.length, names.length);
    for (const [i, { lease }] of held.entries()) expectName(this.context, lease, names[i] ?? '');
  }

  /** The job of an id in line, or else one that waits. */
  private meant(id: string, belief: Belief): Meant {
    const { model } = this.context;
    return meantOf(id, belief, model.line.get(id) ?? model.waitingFor(id)[0]?.job);
  }
}

function expectHeld(
  context: Context,
  expected: ModelHeld,
  seen: HoldResult | undefined,
  told: readonly (HoldResult['state'] | undefined)[] | undefined,
): void {
  expectSame('hold: held', expected !== undefined, seen?.held);
  if (!expected) {
    expectTold('hold', told, seen?.state);
    return;
  }
  const { lease, was } = expected;
  expectSame('hold: what the job was', was, seen?.state);
  expectSame('hold: until when', lease.end, seen?.leaseUntil?.getTime());
  expectName(context, lease, seen?.lease ?? '');
}

function expectName({ model, leases }: Context, lease: ModelLease, name: string): void {
  const { number, count, deadlineMs } = parseLease(name);
  expectSame('hold: the lease', [lease.number, lease.count, lease.firstEnd], [number, count, deadlineMs]);
  model.name(lease, name);
  leases.push(name);
}

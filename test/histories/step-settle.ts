import type { Queue } from '../../src/core/queue.js';
import { type Context, type Fate, orUnknown } from './context.js';
import { Difference, expectSame } from './difference.js';
import type { ModelFailure } from './model.js';
import type { StepOf } from './operations.js';

export type Settling = StepOf<'ack' | 'release' | 'extend' | 'retry' | 'bury'>;

/** Ends or extends leases of the store and of the model. */
export class Settler {
  constructor(private readonly context: Context) {}

  async settle(step: Settling, queue: Queue, fate?: Fate): Promise<void> {
    const names = this.namesOf(step.picks, fate !== undefined || step.does === 'bury');
    if (names.length === 0) return;
    const does = step.does;
    this.context.say(
      `${does} ${JSON.stringify({ ...step, by: undefined, does: undefined })}: ${names.map((name) => this.describeLease(name)).join(', ')}`,
    );
    if (step.does === 'retry' || step.does === 'bury') return this.nack(step, names, queue, fate);
    const call = {
      ack: () => queue.ack(names),
      release: () => queue.release(names),
      extend: async () => (await queue.extend(names, leaseMsOf(step))).map((until) => until?.getTime()),
    };
    const seen = await orUnknown<(boolean | number | undefined)[]>(call[step.does](), fate);
    // A queue sends an ack and a release again.
    const isSentAgain = fate?.isKilled === false && step.does !== 'extend';
    if (fate?.lost === 'request' && !isSentAgain) return;
    const { model, now } = this.context;
    const done = {
      ack: () => model.ack(names),
      release: () => model.release(names, now),
      extend: () => model.extend(names, leaseMsOf(step), now),
    };
    const expected = done[step.does]();
    if (!fate) expectSame(step.does, expected, seen);
  }

  private async nack(
    step: StepOf<'retry' | 'bury'>,
    names: readonly string[],
    queue: Queue,
    fate: Fate | undefined,
  ): Promise<void> {
    const { model, now } = this.context;
    // If the answer is lost, the random pause that the store chose is not known.
    const failure = failureOf(step, fate !== undefined);
    const answers = await orUnknown(queue.nack(names, failure), fate);
    if (fate?.lost === 'request') return;
    const seen = answers?.map(({ outcome, dueAt }) =>
      outcome === 'not_held' ? undefined : { outcome, dueAt: dueAt?.getTime() },
    );
    const expected = model.nack(names, failure, now, ({ name }, { least, most }) => {
      const pause = (seen?.[names.indexOf(name)]?.dueAt ?? NaN) - now;
      if (pause >= least && pause <= most) return pause;
      throw new Difference('nack: the pause until the next try', `${least} to ${most}`, pause);
    });
    if (!fate) expectSame('nack', expected, seen);
  }

  private namesOf(picks: readonly number[], onlyOne: boolean): string[] {
    const names = picks.flatMap((pick) => this.context.leases.at(-1 - pick) ?? []);
    return onlyOne ? names.slice(0, 1) : names;
  }

  private describeLease(name: string): string {
    const lease = this.context.model.leases.find((one) => one.name === name);
    return lease
      ? `${lease.job.id} (lease ${this.context.leases.indexOf(name)})`
      : `lease ${this.context.leases.indexOf(name)}`;
  }
}

const leaseMsOf = (step: Settling): number => ('leaseMs' in step ? step.leaseMs : 0);

function failureOf(step: StepOf<'retry' | 'bury'>, isUnheard: boolean): ModelFailure {
  const { reason } = step;
  if (step.does === 'bury') return { dead: true, deadTtlMs: step.deadTtlMs, reason };
  const { delayMs = isUnheard ? 0 : undefined, exitCode, signalName } = step;
  return { delayMs, exitCode, signalName, reason };
}

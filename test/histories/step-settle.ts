import { areHeld } from '../support/jobs.js';
import type { Queue } from '../../src/core/queue.js';
import { type Context, type Fate, orUnknown } from './context.js';
import { expectSame } from './difference.js';
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
    const call = {
      ack: () => queue.ack(names),
      release: () => queue.release(names),
      extend: async () => (await queue.extend(names, leaseMsOf(step))).map((until) => until?.getTime()),
      retry: async () => areHeld(await queue.nack(names, { delayMs: delayMsOf(step) })),
      bury: async () => areHeld(await queue.nack(names, { dead: true, ...deathOf(step) })),
    };
    const seen = await orUnknown<(boolean | number | undefined)[]>(call[does](), fate);
    // An ack and a release are sent again.
    const isSentAgain = fate?.isKilled === false && (does === 'ack' || does === 'release');
    if (fate?.lost === 'request' && !isSentAgain) return;
    const now = this.context.now;
    const done = {
      ack: () => this.context.model.ack(names),
      release: () => this.context.model.release(names, now),
      extend: () => this.context.model.extend(names, leaseMsOf(step), now),
      retry: () => this.context.model.retry(names, delayMsOf(step), now),
      bury: () => this.context.model.bury(names, deathOf(step), now),
    };
    const expected = done[does]();
    if (!fate) expectSame(does, expected, seen);
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
const delayMsOf = (step: Settling): number => ('delayMs' in step ? step.delayMs : 0);
const deathOf = (step: Settling) =>
  'deadTtlMs' in step
    ? { deadTtlMs: step.deadTtlMs, reason: step.reason }
    : { deadTtlMs: 0, reason: undefined };

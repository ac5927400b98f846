import type { Queue } from '../core/queue.js';
import { countBehindDashes } from './argv.js';
import { BaseCommand } from './base-command.js';
import { readLeases } from './input/leases.js';
import { endSettling, leaseArgs, type Settled, settleAll, type Settling } from './settle.js';

/** For the description of each command. */
export const NOT_HELD_TEXT =
  'Exit code 1 if a lease was not held any more: another consumer may have its job, which is left unchanged.';

interface Given {
  readonly args: { readonly lease: string[] };
  readonly flags: {
    readonly json: boolean;
    readonly store?: string | undefined;
    readonly prefix?: string | undefined;
  };
}

/** A command that ends or extends leases: those on its command line, and on stdin. */
export abstract class LeaseCommand extends BaseCommand {
  static override args = { lease: leaseArgs };

  /**
   * Acts on leases, tells what became of each, and sets the exit code.
   * @param act answers in order
   */
  protected async settleLeases(
    { args, flags }: Given,
    act: (queue: Queue, leases: readonly string[]) => Promise<readonly Settled[]>,
    note?: Settling['note'],
  ): Promise<void> {
    const chunks = readLeases(args.lease, countBehindDashes(this.argv));
    const counts = await this.withQueue(flags, (queue) =>
      settleAll({ chunks, settle: (leases) => act(queue, leases), json: flags.json, note }),
    );
    this.endWith(endSettling(counts));
  }
}

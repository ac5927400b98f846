import * as Flags from '@oclif/core/flags';
import { countBehindDashes } from '../cli/argv.js';
import { BaseCommand } from '../cli/base-command.js';
import { duration } from '../cli/flags.js';
import { readLeases } from '../cli/input/leases.js';
import { endSettling, leaseArgs, NOT_HELD, type Settled, settleAll } from '../cli/settle.js';
import type { NackResult } from '../core/results.js';
import { iso } from '../output/json.js';

export default class Nack extends BaseCommand {
  static override summary =
    'Tell that jobs have failed: each is tried again after a pause, or is a dead letter when no retry is left.';
  static override description = `How often it is tried again, and how long the pauses are, the job itself says (push --retries --backoff), else whoever took it (pop --lease --retries --backoff), else 3 times, 1s..10m.
Exit code 1 when a lease was not held any more: its job may be in the hands of another consumer. Nothing of it is touched then.`;
  static override examples = [
    '<%= config.bin %> nack "$lease" --reason "$(tail -n 5 errors)"',
    '<%= config.bin %> nack "$lease" --delay 30s',
    '<%= config.bin %> nack "$lease" --dead --reason "no such order"',
  ];
  static override args = { lease: leaseArgs };
  static override flags = {
    delay: duration('delay')({
      description: 'when it is tried again, so long from now, in place of its backoff',
      exclusive: ['dead'],
    }),
    dead: Flags.boolean({ description: 'for good, whatever retries are left' }),
    'dead-ttl': duration('dead-ttl')({
      description: 'keep the dead letter so long; 0 is for ever',
      dependsOn: ['dead'],
    }),
    reason: Flags.string({
      helpValue: 'TEXT',
      description: 'why, any text; of a longer one than 4 KiB the end is kept',
    }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Nack);
    const { delay, dead, reason } = flags;
    const chunks = readLeases(args.lease, countBehindDashes(this.argv));
    const failure = {
      ...{ delayMs: delay, dead, deadTtlMs: flags['dead-ttl'] },
      reason: reason === '' ? undefined : reason,
    };
    const counts = await this.withQueue(flags, (queue) =>
      settleAll({
        chunks,
        settle: async (leases) => (await queue.nack(leases, failure)).map(toSettled),
        json: flags.json,
        // That a job is dead is known where it was asked for.
        note: (lease, { outcome }) =>
          outcome === 'dead' && !dead
            ? `no retry was left, and the job is a dead letter now: ${lease}`
            : undefined,
      }),
    );
    this.endWith(endSettling(counts));
  }
}

function toSettled({ outcome, dueAt }: NackResult): Settled {
  if (outcome === 'not_held') return NOT_HELD;
  return outcome === 'dead' ? { outcome } : { outcome, dueAt: iso(dueAt) };
}

import { countBehindDashes } from '../cli/argv.js';
import { BaseCommand } from '../cli/base-command.js';
import { timerDuration } from '../cli/flags.js';
import { readLeases } from '../cli/input/leases.js';
import { endSettling, leaseArgs, NOT_HELD, settleAll } from '../cli/settle.js';
import { iso } from '../output/json.js';

const LEASE_MS = 60_000;

export default class Extend extends BaseCommand {
  static override summary =
    'Hold jobs for longer: their leases end --lease from now. The lease itself stays the same.';
  static override description =
    'Exit code 1 when a lease was not held any more: its job may be in the hands of another consumer. Nothing of it is touched then.';
  static override examples = [
    '<%= config.bin %> extend "$lease"',
    '<%= config.bin %> extend "$lease" --lease 10m',
  ];
  static override args = { lease: leaseArgs };
  static override flags = {
    lease: timerDuration('lease')({ description: 'hold it so long from now [default: 60s]' }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Extend);
    const chunks = readLeases(args.lease, countBehindDashes(this.argv));
    const counts = await this.withQueue(flags, (queue) =>
      settleAll({
        chunks,
        settle: async (leases) =>
          (await queue.extend(leases, flags.lease ?? LEASE_MS)).map((until) =>
            until === undefined ? NOT_HELD : { outcome: 'extended', leaseUntil: iso(until) },
          ),
        json: flags.json,
      }),
    );
    this.endWith(endSettling(counts));
  }
}

import { countBehindDashes } from '../cli/argv.js';
import { BaseCommand } from '../cli/base-command.js';
import { readLeases } from '../cli/input/leases.js';
import { endSettling, heldOr, leaseArgs, settleAll } from '../cli/settle.js';

export default class Ack extends BaseCommand {
  static override summary = 'Tell that jobs are done: ends their leases, and the jobs are gone.';
  static override description =
    'Exit code 1 when a lease was not held any more: its job may be in the hands of another consumer. Nothing of it is touched then.';
  static override examples = [
    '<%= config.bin %> ack "$lease"',
    '<%= config.bin %> pop close_order --lease 60s --count 100 | tee jobs | close-orders && <%= config.bin %> ack - < jobs',
  ];
  static override args = { lease: leaseArgs };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Ack);
    const chunks = readLeases(args.lease, countBehindDashes(this.argv));
    const counts = await this.withQueue(flags, (queue) =>
      settleAll({
        chunks,
        settle: async (leases) => (await queue.ack(leases)).map(heldOr('acknowledged')),
        json: flags.json,
      }),
    );
    this.endWith(endSettling(counts));
  }
}

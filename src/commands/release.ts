import { countBehindDashes } from '../cli/argv.js';
import { BaseCommand } from '../cli/base-command.js';
import { readLeases } from '../cli/input/leases.js';
import { endSettling, heldOr, leaseArgs, settleAll } from '../cli/settle.js';

export default class Release extends BaseCommand {
  static override summary =
    'Give jobs back as if they had never been taken: ready, at their old place in line, the attempt not counted.';
  static override description =
    'Exit code 1 when a lease was not held any more: its job may be in the hands of another consumer. Nothing of it is touched then.';
  static override examples = ['<%= config.bin %> release "$lease"'];
  static override args = { lease: leaseArgs };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Release);
    const chunks = readLeases(args.lease, countBehindDashes(this.argv));
    const counts = await this.withQueue(flags, (queue) =>
      settleAll({
        chunks,
        settle: async (leases) => (await queue.release(leases)).map(heldOr('released')),
        json: flags.json,
      }),
    );
    this.endWith(endSettling(counts));
  }
}

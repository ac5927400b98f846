import { LeaseCommand, NOT_HELD_TEXT } from '../cli/lease-command.js';
import { heldOr } from '../cli/settle.js';

export default class Ack extends LeaseCommand {
  static override summary = 'Tell that jobs are done: ends their leases, and the jobs are gone.';
  static override description = NOT_HELD_TEXT;
  static override examples = [
    '<%= config.bin %> ack "$lease"',
    '<%= config.bin %> pop close_order --lease 60s --count 100 | tee jobs | close-orders && <%= config.bin %> ack - < jobs',
  ];

  override async run(): Promise<void> {
    await this.settleLeases(await this.parse(Ack), async (queue, leases) =>
      (await queue.ack(leases)).map(heldOr('acknowledged')),
    );
  }
}

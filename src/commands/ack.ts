import { LeaseCommand, NOT_HELD_TEXT } from '../cli/lease-command.js';
import { heldOr } from '../cli/settle.js';

export default class Ack extends LeaseCommand {
  static override summary = 'Acknowledge jobs as done: their leases end, and they are deleted.';
  static override description = NOT_HELD_TEXT;
  static override usage = 'ack LEASE... [flags]';
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

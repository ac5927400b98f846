import { LeaseCommand, NOT_HELD_TEXT } from '../cli/lease-command.js';
import { heldOr } from '../cli/settle.js';

export default class Release extends LeaseCommand {
  static override summary =
    'Return jobs to the queue as if they had never been taken: ready, at their old place, without counting the attempt.';
  static override description = NOT_HELD_TEXT;
  static override usage = 'release LEASE... [flags]';
  static override examples = ['<%= config.bin %> release "$lease"'];

  override async run(): Promise<void> {
    await this.settleLeases(await this.parse(Release), async (queue, leases) =>
      (await queue.release(leases)).map(heldOr('released')),
    );
  }
}

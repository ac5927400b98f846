import { timerDuration } from '../cli/flags.js';
import { LeaseCommand, NOT_HELD_TEXT } from '../cli/lease-command.js';
import { NOT_HELD } from '../cli/settle.js';
import { iso } from '../output/json.js';

const LEASE_MS = 60_000;

export default class Extend extends LeaseCommand {
  static override summary =
    'Extend leases, so that they end --lease from now; the text of a lease stays the same.';
  static override description = NOT_HELD_TEXT;
  static override usage = 'extend LEASE... [flags]';
  static override examples = [
    '<%= config.bin %> extend "$lease"',
    '<%= config.bin %> extend "$lease" --lease 10m',
  ];
  static override flags = {
    lease: timerDuration('lease')({ description: 'the lease ends DURATION from now [default: 60s]' }),
  };

  override async run(): Promise<void> {
    const given = await this.parse(Extend);
    const leaseMs = given.flags.lease ?? LEASE_MS;
    await this.settleLeases(given, async (queue, leases) =>
      (await queue.extend(leases, leaseMs)).map((until) =>
        until === undefined ? NOT_HELD : { outcome: 'extended', leaseUntil: iso(until) },
      ),
    );
  }
}
